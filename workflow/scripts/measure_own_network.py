"""Measure the layers of a network of the user's own: collapse, ansatz, accuracy."""

from agop_collapse_job import gpus, job  # isort: split

import logging
from dataclasses import asdict
from pathlib import Path

import torch
from agop_collapse.common import device
from agop_collapse.common.epochs import measured_epochs
from agop_collapse.common.out_of_memory import with_less_at_a_time
from agop_collapse.common.progress import Steps
from agop_collapse.common.seeding import derive_seed
from agop_collapse.common.versions import versions
from agop_collapse.data.dataset import load_dataset
from agop_collapse.files import tables
from agop_collapse.files.contents import expect_contents
from agop_collapse.files.run_record import save_run
from agop_collapse.metrics.any_network import AT_A_TIME, measure_layers
from agop_collapse.networks import own
from agop_collapse.networks.batch_statistics import of_the_data
from agop_collapse.networks.checkpoints import trained
from agop_collapse.networks.from_settings import loss_of, training_of
from agop_collapse.rows.own_network import measure

with job(snakemake) as given, device.tf32(False):
    torch.set_num_threads(given["torch_threads"])
    where = device.select(given["device"], gpus(snakemake.resources))
    data = load_dataset(snakemake.input.data, given["data"])
    place, loss = given["settings"]["network"], loss_of(given["settings"])
    x, test_x = (
        points.float().to(where).unflatten(1, data.image_shape) for points in (data.x, data.test_x)
    )

    def new_network(seed):
        return own.build(place, data.image_shape, data.classes, seed)

    def layers_of(network):
        found, _ = with_less_at_a_time(
            lambda points: measure_layers(
                network, x, data.class_counts, given["layers"], points, loss
            ),
            AT_A_TIME,
            "images at a time:",
            least=1,
        )
        return found

    network = new_network(given["seed"]).to(where)
    if given["stem"] is None:
        own.load_weights(network, Path(given["path"]))
        expect_contents({Path(given["path"]): given["checkpoint"]})

    def found():
        if given["stem"] is None:
            parts = {"train": (x, data.labels), "test": (test_x, data.test_labels)}
            yield own.evaluate(network, loss, data.classes, **parts), layers_of(network)
            return
        (folder,) = snakemake.input.checkpoints
        known = given["stem"], x, data.labels, loss, f"the network {place!r}", own.AT_A_TIME
        epochs = measured_epochs(training_of(given["settings"]))
        done = Steps(len(epochs), 0, "checkpoint")
        for epoch in epochs:
            with trained(network, folder, epoch, *known) as progress:
                fitted = {"fitted": loss.is_fitted(progress.train_loss)}
                yield asdict(progress) | fitted, layers_of(network)
            done.update()
            logging.info("%s: epoch %d", done, epoch)

    logging.info("computing on %s", where)
    untrained = new_network(derive_seed(given["seed"], "independent network")).to(where)
    with of_the_data(untrained, x):
        others = layers_of(untrained)
    logging.info("measuring %s", ", ".join(layer.name for layer in others))
    table = measure(found(), others, data.classes)
    tables.save(snakemake.output.network_layers, "network_layers", table, given["identity"])
    made_on = {"device": device.name(where), "versions": versions()}
    save_run(snakemake.output.record, given["identity"], given["record"] | made_on)
