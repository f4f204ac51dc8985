"""Simulate what ReLU features do to the distance of two points, beside Proposition A.1."""

from agop_collapse.files import tables
from agop_collapse.metrics.theory import simulate_relu_distances
from job import job, use_threads

# From nearly coincident to opposite unit vectors.
DISTANCES = [step / 20 for step in range(1, 41)]

with job(snakemake):
    use_threads(snakemake.params.torch_threads)
    settings, seed = snakemake.params.settings, snakemake.params.seed
    rows = simulate_relu_distances(DISTANCES, settings["width"], settings["draws"], seed)
    table = tables.frame("theory_kernel", [{"seed": seed} | row for row in rows])
    tables.save(snakemake.output[0], "theory_kernel", table)
