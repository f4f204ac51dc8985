"""Train a network, keeping its weights at the measured epochs; a killed job continues."""

import logging
from pathlib import Path

from agop_collapse.common import device
from agop_collapse.data.dataset import load_dataset
from agop_collapse.files.resumable import fingerprint, resumable
from agop_collapse.files.tensors import versions
from agop_collapse.networks.architecture import Architecture, build
from agop_collapse.networks.checkpoints import finish, resume, save_epoch
from agop_collapse.networks.training import Settings, Trainer, train
from job import job, use_threads
from tqdm import tqdm

with job(snakemake):
    use_threads(snakemake.params.torch_threads)
    where = device.select(snakemake.params.device, snakemake.resources.gpu)
    seed = int(snakemake.wildcards.seed)
    provenance = {
        "study": snakemake.wildcards.study,
        "dataset": snakemake.wildcards.dataset,
        "architecture": snakemake.params.architecture,
        "training": snakemake.params.training,
        "seed": seed,
    }
    provenance["fingerprint"] = fingerprint(
        list(snakemake.input), **provenance, versions=versions()
    )
    data = load_dataset(snakemake.input.data)
    network = build(
        Architecture(**snakemake.params.architecture), data.image_shape, data.classes, seed
    )
    settings = Settings(**snakemake.params.training)
    trainer = Trainer(network, data, settings, seed, where)
    with resumable(Path(snakemake.output.checkpoints), provenance["fingerprint"]) as folder:
        resume(trainer, folder)
        logging.info("computing on %s from epoch %d", where, trainer.epoch)
        progress = tqdm(total=settings.epochs, initial=trainer.epoch, unit="epoch", mininterval=1)
        for batch_loss, measured in train(trainer):
            if batch_loss is not None:
                progress.update()
                progress.set_postfix(loss=f"{batch_loss:.2e}", refresh=False)
            if measured is not None:
                save_epoch(folder, trainer, measured, provenance)
                logging.info("%s", measured)
        progress.close()
        finish(folder)
