"""Simulate what ReLU features do to the distance of two points, beside Proposition A.1."""

from agop_collapse_job import job  # isort: split

import torch
from agop_collapse.files import tables
from agop_collapse.metrics.theory import simulate_relu_distances

# From nearly coincident to opposite unit vectors.
DISTANCES = [step / 20 for step in range(1, 41)]

with job(snakemake) as given:
    torch.set_num_threads(given["torch_threads"])
    seed = given["seed"]
    rows = simulate_relu_distances(DISTANCES, given["width"], given["draws"], seed)
    named = [{"study": given["study"], "seed": seed} | row for row in rows]
    table = tables.frame("theory_kernel", named)
    tables.save(snakemake.output[0], "theory_kernel", table, given["identity"])
