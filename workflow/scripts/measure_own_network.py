"""Measure named layers of a network that was trained elsewhere: collapse, ansatz, accuracy."""

from agop_collapse_job import gpus, job  # isort: split

import logging
from pathlib import Path

import torch
from agop_collapse.common import device
from agop_collapse.common.versions import versions
from agop_collapse.data.dataset import load_dataset
from agop_collapse.files import tables
from agop_collapse.files.contents import expect_contents
from agop_collapse.files.run_record import save_run
from agop_collapse.metrics.any_network import measure_layers
from agop_collapse.networks import own
from agop_collapse.networks.batch_statistics import of_the_data
from agop_collapse.networks.from_settings import loss_of
from agop_collapse.rows.own_network import measure

with job(snakemake) as given, device.tf32(False):
    torch.set_num_threads(given["torch_threads"])
    where = device.select(given["device"], gpus(snakemake.resources))
    data = load_dataset(snakemake.input.data, given["data"])
    loss, path = loss_of(given), Path(given["path"])
    network, untrained = (
        own.build(given["network"], data.image_shape, data.classes, given["seed"]) for _ in range(2)
    )
    own.load_weights(network, path)
    expect_contents({path: given["checkpoint"]})
    x, test_x = (
        points.to(where, torch.float32).unflatten(1, data.image_shape)
        for points in (data.x, data.test_x)
    )
    logging.info("computing on %s", where)
    names = "all" if given["layers"] == "all" else given["layers"].split()
    layers = measure_layers(network.to(where), x, data.class_counts, names, loss=loss)
    names = [layer.name for layer in layers]
    logging.info("measured %s", ", ".join(names))
    parts = {"train": (x, data.labels), "test": (test_x, data.test_labels)}
    progress = own.evaluate(network, loss, data.classes, **parts)
    logging.info("%s", progress)
    with of_the_data(untrained.to(where), x):
        others = measure_layers(untrained, x, data.class_counts, names, loss=loss)
    table = measure(layers, others, progress, data.classes)
    tables.save(snakemake.output.network_layers, "network_layers", table, given["identity"])
    made_on = {"device": device.name(where), "versions": versions()}
    save_run(snakemake.output.record, given["identity"], given["record"] | made_on)
