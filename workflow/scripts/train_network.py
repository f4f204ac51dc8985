"""Train a network, keeping its weights at the measured epochs; a killed job continues."""

from agop_collapse_job import gpus, job  # isort: split

from pathlib import Path

import torch
from agop_collapse.common import device
from agop_collapse.common.versions import versions
from agop_collapse.data.dataset import load_dataset
from agop_collapse.files.run_record import save_run
from agop_collapse.files.store import Store
from agop_collapse.networks.architecture import build
from agop_collapse.networks.checkpoints import train_into
from agop_collapse.networks.from_settings import architecture_of, training_of
from agop_collapse.networks.training import Trainer

with job(snakemake) as given:
    torch.set_num_threads(given["torch_threads"])
    where = device.select(given["device"], gpus(snakemake.resources))
    identity, seed = given["identity"], given["seed"]
    data = load_dataset(snakemake.input.data, given["data"])
    network = build(architecture_of(given["settings"]), data.image_shape, data.classes, seed)
    trainer = Trainer(network, data, training_of(given["settings"]), seed, where)
    made_on = {"device": device.name(where), "versions": versions()}
    store = Store(given["store"], given["stem"], given["keep"] == "all", **made_on)
    train_into(Path(snakemake.output.checkpoints), trainer, identity, store, made_on)
    save_run(snakemake.output.record, identity, given["record"] | made_on)
