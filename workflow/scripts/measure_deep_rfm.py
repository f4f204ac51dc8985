"""Measure the collapse of a Deep RFM's layers."""

from agop_collapse_job import gpus, job  # isort: split

import logging

import torch
from agop_collapse.common import device
from agop_collapse.common.progress import Steps
from agop_collapse.data.dataset import load_dataset
from agop_collapse.files import tables
from agop_collapse.machine.checkpoints import load_layer, load_predictor
from agop_collapse.machine.from_settings import settings_of
from agop_collapse.rows import theory_layers
from agop_collapse.rows.deep_rfm import measure, predictor_table

with job(snakemake) as given:
    torch.set_num_threads(given["torch_threads"])
    where = device.select(given["device"], gpus(snakemake.resources), True)
    folder, settings = snakemake.input.layers, settings_of(given["settings"])
    theorems = []
    progress = Steps(settings.depth, 0, "layer")

    def layers():
        for number in range(1, settings.depth + 1):
            layer = load_layer(folder, number, given["stem"], where)
            theorems.append(theory_layers.row(number, layer, data, settings.at(number)))
            yield layer
            progress.update()
            logging.info("%s", progress)

    data = load_dataset(snakemake.input.data, given["data"])
    measured = measure(layers(), data, given["class_weighting"])
    predictor = load_predictor(folder, settings.depth + 1, given["made"], where)
    measured["predictor"] = predictor_table(predictor)
    measured["theory_layers"] = tables.frame("theory_layers", theorems)
    for name, table in measured.items():
        tables.save(snakemake.output[name], name, table, given["identity"])
