"""Build the layers of a Deep RFM, continuing from those that an earlier, killed job left."""

import logging
from dataclasses import asdict
from pathlib import Path

from agop_collapse.common import device
from agop_collapse.data.dataset import load_dataset
from agop_collapse.files.resumable import fingerprint, resumable
from agop_collapse.files.tensors import versions
from agop_collapse.machine import deep_rfm
from agop_collapse.machine.checkpoints import load_layers_so_far, save_layer
from job import job, use_threads
from tqdm import tqdm

with job(snakemake):
    use_threads(snakemake.params.torch_threads)
    where = device.select(snakemake.params.device, snakemake.resources.gpu)
    settings = deep_rfm.Settings(**snakemake.params.settings)
    seed = int(snakemake.wildcards.seed)
    provenance = {
        "study": snakemake.wildcards.study,
        "dataset": snakemake.wildcards.dataset,
        "settings": asdict(settings),
        "seed": seed,
    }
    provenance["fingerprint"] = fingerprint(
        list(snakemake.input), **provenance, versions=versions()
    )
    data = load_dataset(snakemake.input.data)
    with resumable(Path(snakemake.output.layers), provenance["fingerprint"]) as folder:
        done = load_layers_so_far(folder, where)
        logging.info("computing on %s from layer %d", where, len(done) + 1)
        layers = deep_rfm.build(data, settings, seed, where, done)
        progress = tqdm(layers, total=settings.depth, initial=len(done), unit="layer")
        for number, layer in enumerate(progress, start=len(done) + 1):
            save_layer(folder, number, layer, provenance)
            logging.info("layer %d: %s", number, layer.fit)
