"""Train a network of the user's own, keeping its weights as `train_network` does."""

from agop_collapse_job import gpus, job  # isort: split

from pathlib import Path

import torch
from agop_collapse.common import device
from agop_collapse.common.versions import versions
from agop_collapse.data.dataset import load_dataset
from agop_collapse.files.run_record import save_run
from agop_collapse.files.store import Store
from agop_collapse.networks import own
from agop_collapse.networks.checkpoints import train_into
from agop_collapse.networks.from_settings import training_of
from agop_collapse.networks.training import Trainer

with job(snakemake) as given:
    torch.set_num_threads(given["torch_threads"])
    where = device.select(given["device"], gpus(snakemake.resources))
    identity, seed, place = given["identity"], given["seed"], given["settings"]["network"]
    data = load_dataset(snakemake.input.data, given["data"])
    settings = training_of(given["settings"])

    def new_network():
        return own.build(place, data.image_shape, data.classes, seed)

    network = new_network()
    trainer = Trainer(network, data, settings, seed, where, as_images=True, at_a_time=own.AT_A_TIME)
    # Of all classes, which come one after the other.
    rows = torch.linspace(0, len(data.x) - 1, min(settings.batch_size, len(data.x))).long()
    images = data.x[rows].float().to(where).unflatten(1, data.image_shape)
    batch = images, data.labels[rows], data.classes
    own.expect_trainable(new_network().to(where), *batch, settings.loss, given["layers"])
    made_on = {"device": device.name(where), "versions": versions()}
    store = Store(given["store"], given["stem"], given["keep"] == "all", **made_on)
    train_into(Path(snakemake.output.checkpoints), trainer, identity, store, made_on)
    save_run(snakemake.output.record, identity, given["record"] | made_on)
