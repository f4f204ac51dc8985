"""Write the points of a Deep RFM's layers, for other programs."""

from agop_collapse_job import gpus, job  # isort: split

import logging
from pathlib import Path

import torch
from agop_collapse.common import device
from agop_collapse.common.progress import Steps
from agop_collapse.data.dataset import load_dataset
from agop_collapse.data.export import save_points
from agop_collapse.files.resumable import resumable
from agop_collapse.machine.checkpoints import load_layer
from agop_collapse.machine.features import layer_points

with job(snakemake) as given:
    torch.set_num_threads(given["torch_threads"])
    where = device.select(given["device"], gpus(snakemake.resources), True)
    data = load_dataset(snakemake.input.data, given["data"])
    numbers = range(1, given["settings"]["depth"] + 1)
    layers = (load_layer(snakemake.input.layers, n, given["stem"], where) for n in numbers)
    progress = Steps(len(numbers), 0, "layer")
    with resumable(Path(snakemake.output[0]), given["identity"]) as folder:
        for number, points in zip(numbers, layer_points(layers, data.test_x), strict=True):
            if number in given["layers"]:
                path = folder / f"layer_{number:02d}.safetensors"
                facts = given["named"] | {"layer": number}
                save_points(path, data, *points, given["identity"], facts)
            progress.update()
            logging.info("%s", progress)
