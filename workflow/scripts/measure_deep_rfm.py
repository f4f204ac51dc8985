"""Measure the collapse of a Deep RFM's layers."""

from job import job  # isort: split

import logging

import torch
from agop_collapse.common import device
from agop_collapse.common.progress import steps
from agop_collapse.data.dataset import load_dataset
from agop_collapse.files import tables
from agop_collapse.machine.checkpoints import load_layer, load_predictor
from agop_collapse.rows.deep_rfm import measure, predictor_table

with job(snakemake) as given:
    torch.set_num_threads(given["torch_threads"])
    where = device.select(given["device"], snakemake.resources.gpu)
    folder, depth = snakemake.input.layers, given["settings"]["depth"]
    progress = steps(depth, 0, "layer")

    def layers():
        for number in range(1, depth + 1):
            yield load_layer(folder, number, given["made"], where)
            progress.update()
            logging.info("%s", progress)

    data = load_dataset(snakemake.input.data, given["data"])
    measured = measure(layers(), data, given["class_weighting"])
    predictor = load_predictor(folder, depth + 1, given["made"], where)
    for name, table in (measured | {"predictor": predictor_table(predictor)}).items():
        tables.save(snakemake.output[name], name, table, given["identity"])
