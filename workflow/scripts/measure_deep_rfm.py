"""Measure the collapse of a Deep RFM's layers."""

from job import job  # isort: split

import torch
from agop_collapse.common import device
from agop_collapse.data.dataset import load_dataset
from agop_collapse.files import tables
from agop_collapse.machine.checkpoints import load_layer
from agop_collapse.rows.deep_rfm import measure
from tqdm import trange

with job(snakemake) as given:
    torch.set_num_threads(given["torch_threads"])
    where = device.select(given["device"], snakemake.resources.gpu)
    numbers = trange(1, given["settings"]["depth"] + 1, unit="layer")
    folder = snakemake.input.layers
    layers = (load_layer(folder, number, given["made"], where) for number in numbers)
    class_counts = load_dataset(snakemake.input.data, given["data"]).class_counts
    for name, table in measure(layers, class_counts).items():
        tables.save(snakemake.output[name], name, table, given["identity"])
