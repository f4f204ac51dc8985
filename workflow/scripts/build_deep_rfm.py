"""Build the layers of a Deep RFM, continuing from those that an earlier, killed job left."""

from agop_collapse_job import gpus, job  # isort: split

import logging
from pathlib import Path

import torch
from agop_collapse.common import device
from agop_collapse.common.progress import steps
from agop_collapse.common.versions import versions
from agop_collapse.data.dataset import load_dataset
from agop_collapse.files.resumable import resumable
from agop_collapse.files.run_record import save_run
from agop_collapse.machine import deep_rfm
from agop_collapse.machine.checkpoints import (
    PREDICTOR_FILE,
    load_layer,
    load_layers_so_far,
    save_layer,
    save_predictor,
)
from agop_collapse.machine.from_settings import settings_of

with job(snakemake) as given:
    torch.set_num_threads(given["torch_threads"])
    where = device.select(given["device"], gpus(snakemake.resources))
    identity, seed = given["identity"], given["seed"]
    settings = settings_of(given["settings"])
    data = load_dataset(snakemake.input.data, given["data"])
    made_on = {"device": device.name(where), "versions": versions()}
    with resumable(Path(snakemake.output.layers), identity, **made_on) as folder:
        done = load_layers_so_far(folder, identity, where)
        logging.info("computing on %s from layer %d", where, len(done) + 1)
        layers = deep_rfm.build(data, settings, seed, where, done)
        progress = steps(settings.depth, len(done), "layer")
        for number, layer in enumerate(layers, start=len(done) + 1):
            save_layer(folder, number, layer, identity)
            progress.update()
            logging.info("%s: %s", progress, layer.fit)
        if not (folder / PREDICTOR_FILE).exists():
            numbers = range(1, settings.depth + 1)
            every = (load_layer(folder, number, identity, where) for number in numbers)
            predictor = deep_rfm.fit_predictor(data, settings, where, every)
            save_predictor(folder, settings.depth + 1, predictor, identity)
            logging.info("predictor: %s", predictor.fit)
    save_run(snakemake.output.record, identity, given["record"] | made_on)
