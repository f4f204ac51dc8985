"""Measure a network's collapse and neural feature ansatz, layer by layer, at each checkpoint."""

from agop_collapse_job import gpus, job  # isort: split

import logging

import torch
from agop_collapse.common import device
from agop_collapse.common.epochs import measured_epochs
from agop_collapse.common.out_of_memory import with_less_at_a_time
from agop_collapse.common.progress import Steps
from agop_collapse.common.seeding import derive_seed
from agop_collapse.data.dataset import load_dataset
from agop_collapse.files import tables
from agop_collapse.metrics import head, head_collapse
from agop_collapse.networks.architecture import build
from agop_collapse.networks.batch_statistics import of_the_data
from agop_collapse.networks.checkpoints import trained
from agop_collapse.networks.from_settings import architecture_of, training_of
from agop_collapse.rows.network import Found, measure

with job(snakemake) as given, device.tf32(False):
    torch.set_num_threads(given["torch_threads"])
    where = device.select(given["device"], gpus(snakemake.resources))
    data = load_dataset(snakemake.input.data, given["data"])
    x, test_x = (points.float().to(where) for points in (data.x, data.test_x))
    architecture = architecture_of(given["settings"])
    settings = training_of(given["settings"])

    def new_network(seed):
        return build(architecture, data.image_shape, data.classes, seed).to(where)

    def measure_head(network, **more):
        found, _ = with_less_at_a_time(
            lambda points: head.measure_head(network, x, data.class_counts, points, **more),
            head.AT_A_TIME,
            "points at a time:",
        )
        return found

    def found():
        network = new_network(given["seed"])
        known = x, data.labels, settings.loss, f"model {architecture.model!r}"
        epochs = measured_epochs(settings)
        done = Steps(len(epochs), 0, "checkpoint")
        for epoch in epochs:
            folder, other = snakemake.input.checkpoints, None
            with trained(network, folder, epoch, given["stem"], *known) as progress:
                own = measure_head(network, loss=settings.loss, spectra=True)
                weighting = given["class_weighting"]
                collapse = head_collapse.measure(network, x, test_x, data, weighting)
            for folder in snakemake.input.other_checkpoints:
                with trained(network, folder, epoch, given["other"], *known):
                    other = measure_head(network)
            yield Found(progress, collapse, own, other)
            done.update()
            logging.info("%s: epoch %d", done, epoch)

    untrained = new_network(derive_seed(given["seed"], "independent network"))
    with of_the_data(untrained, x):
        untrained_head = measure_head(untrained)
    measured = measure(found(), untrained_head, settings, data.classes)
    for name, table in measured.items():
        tables.save(snakemake.output[name], name, table, given["identity"])
