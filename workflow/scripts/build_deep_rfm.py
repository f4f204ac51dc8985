"""Build the layers of a Deep RFM, continuing from those that an earlier, killed job left."""

from agop_collapse_job import gpus, job  # isort: split

import logging
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import torch
from agop_collapse.common import device
from agop_collapse.common.progress import Steps
from agop_collapse.common.versions import versions
from agop_collapse.data.dataset import load_dataset
from agop_collapse.files.resumable import resumable
from agop_collapse.files.run_record import save_run
from agop_collapse.files.store import Store
from agop_collapse.machine import deep_rfm
from agop_collapse.machine.checkpoints import (
    PREDICTOR_FILE,
    count_layers,
    fetch_layers,
    keep_layer,
    keep_predictor,
    load_layer,
    save_layer,
    save_predictor,
)
from agop_collapse.machine.from_settings import settings_of

with job(snakemake) as given:
    torch.set_num_threads(given["torch_threads"])
    where = device.select(given["device"], gpus(snakemake.resources), True)
    identity, stem, seed = given["identity"], given["stem"], given["seed"]
    settings = settings_of(given["settings"])
    data = load_dataset(snakemake.input.data, given["data"])
    made_on = {"device": device.name(where), "versions": versions()}
    store = Store(given["store"], stem, given["keep"] == "all", **made_on)
    with resumable(Path(snakemake.output.layers), identity, **made_on) as folder:
        fetch_layers(store, folder, settings.depth, identity)
        built = count_layers(folder)
        for number in range(1, built + 1):  # of which a job that failed may not have kept the last
            keep_layer(store, folder, number)

        def layers_until(number):
            return (load_layer(folder, n, stem, where) for n in range(1, number + 1))

        def save(number, layer):
            save_layer(folder, number, layer, stem)
            keep_layer(store, folder, number)

        logging.info("computing on %s from layer %d", where, built + 1)
        layers = deep_rfm.build(data, settings, seed, where, layers_until(built))
        progress = Steps(settings.depth, built, "layer")
        with ThreadPoolExecutor(max_workers=1) as beside:
            # A layer is on its way to the disk while the next one is computed.
            saved = beside.submit(lambda: None)
            for number, layer in enumerate(layers, start=built + 1):
                saved.result()
                saved = beside.submit(save, number, layer)
                progress.update()
                logging.info("%s: %s", progress, layer.fit)
            saved.result()
        if not (folder / PREDICTOR_FILE).exists():
            every = layers_until(settings.depth)
            predictor = deep_rfm.fit_predictor(data, settings, where, every)
            save_predictor(folder, settings.depth + 1, predictor, identity)
            logging.info("predictor: %s", predictor.fit)
        keep_predictor(store, folder, settings.depth)
    save_run(snakemake.output.record, identity, given["record"] | made_on)
