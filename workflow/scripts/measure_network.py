"""Measure a network's collapse and neural feature ansatz, layer by layer, at each checkpoint."""

import torch
from agop_collapse.common import device
from agop_collapse.common.out_of_memory import with_less_at_a_time
from agop_collapse.common.seeding import derive_seed
from agop_collapse.data.dataset import load_dataset
from agop_collapse.files import tables
from agop_collapse.metrics import ansatz
from agop_collapse.networks.architecture import Architecture, build
from agop_collapse.networks.checkpoints import load_weights
from agop_collapse.networks.training import Settings, measured_epochs
from agop_collapse.rows.network import measure
from job import job, use_threads
from tqdm import tqdm

with job(snakemake), device.tf32(False):
    use_threads(snakemake.params.torch_threads)
    where = device.select(snakemake.params.device, snakemake.resources.gpu)
    wildcards = snakemake.wildcards
    run = {"dataset": wildcards.dataset, "model": wildcards.model, "seed": int(wildcards.seed)}
    data = load_dataset(snakemake.input.data)
    x = data.x.to(where, torch.float32)
    architecture = Architecture(**snakemake.params.architecture)

    def new_network(seed):
        return build(architecture, data.image_shape, data.classes, seed).to(where)

    def measure_head(network):
        head, _ = with_less_at_a_time(
            lambda points: ansatz.measure_head(network, x, data.class_counts, points),
            ansatz.AT_A_TIME,
            "points at a time:",
        )
        return head

    def heads():
        network = new_network(run["seed"])
        epochs = measured_epochs(Settings(**snakemake.params.training))
        for epoch in tqdm(epochs, unit="checkpoint"):
            progress = load_weights(network, snakemake.input.checkpoints, epoch)
            yield measure_head(network), progress

    stranger = new_network(derive_seed(run["seed"], "independent network"))
    independent_head = measure_head(stranger)
    for name, table in measure(heads(), independent_head, run).items():
        tables.save(snakemake.output[name], name, table)
