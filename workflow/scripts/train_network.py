"""Train a network, keeping its weights at the measured epochs; a killed job continues."""

from agop_collapse_job import gpus, job  # isort: split

import logging
import time
from pathlib import Path

import torch
from agop_collapse.common import device
from agop_collapse.common.progress import steps
from agop_collapse.common.versions import versions
from agop_collapse.data.dataset import load_dataset
from agop_collapse.files.resumable import resumable
from agop_collapse.files.run_record import save_run
from agop_collapse.networks.architecture import build
from agop_collapse.networks.checkpoints import finish, resume, save_epoch
from agop_collapse.networks.from_settings import architecture_of, training_of
from agop_collapse.networks.training import Trainer, train

SILENCE = 60  # seconds between lines of the log, where no epoch is measured

with job(snakemake) as given:
    torch.set_num_threads(given["torch_threads"])
    where = device.select(given["device"], gpus(snakemake.resources))
    identity, seed = given["identity"], given["seed"]
    data = load_dataset(snakemake.input.data, given["data"])
    network = build(architecture_of(given["settings"]), data.image_shape, data.classes, seed)
    settings = training_of(given["settings"])
    trainer = Trainer(network, data, settings, seed, where)
    made_on = {"device": device.name(where), "versions": versions()}
    with resumable(Path(snakemake.output.checkpoints), identity, **made_on) as folder:
        resume(trainer, folder, identity)
        logging.info("computing on %s from epoch %d", where, trainer.epoch)
        progress, said = steps(settings.epochs, trainer.epoch, "epoch"), time.monotonic()
        for batch_loss, measured in train(trainer):
            if batch_loss is not None:
                progress.update()
            if measured is not None:
                save_epoch(folder, trainer, measured, identity)
                logging.info("%s: %s", progress, measured)
            elif time.monotonic() - said > SILENCE:
                logging.info("%s: mean loss of the batches %.3g", progress, batch_loss)
            else:
                continue
            said = time.monotonic()
        finish(folder)
    save_run(snakemake.output.record, identity, given["record"] | made_on)
