"""Measure the collapse of a Deep RFM's layers."""

from agop_collapse import device, tables
from agop_collapse.dataset import load_dataset
from agop_collapse.deep_rfm_tables import measure
from agop_collapse.layer_files import load_layer
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
