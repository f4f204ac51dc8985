"""Measure the collapse of a Deep RFM's layers."""

from agop_collapse.common import device
from agop_collapse.data.dataset import load_dataset
from agop_collapse.files import tables
from agop_collapse.machine.checkpoints import load_layer
from agop_collapse.rows.deep_rfm import measure
from job import job, use_threads
from tqdm import trange

with job(snakemake):
    use_threads(snakemake.params.torch_threads)
    where = device.select(snakemake.params.device, snakemake.resources.gpu)
    wildcards = snakemake.wildcards
    run = {
        "dataset": wildcards.dataset,
        "kernel": wildcards.kernel,
        "feature_map": wildcards.feature_map,
        "projection": wildcards.projection,
        "seed": int(wildcards.seed),
    }
    numbers = trange(1, snakemake.params.depth + 1, unit="layer")
    layers = (load_layer(snakemake.input.layers, number, where) for number in numbers)
    class_counts = load_dataset(snakemake.input.data).class_counts
    for name, table in measure(layers, class_counts, run).items():
        tables.save(snakemake.output[name], name, table)
