"""Compute the paper's theorems, and compare each claim with what is found."""

from agop_collapse_job import job  # isort: split

import logging

import torch
from agop_collapse.files import tables
from agop_collapse.rows import theory
from agop_collapse.rows.theory_claims import claims

with job(snakemake) as given:
    torch.set_num_threads(given["torch_threads"])
    settings, seed = theory.Settings(**given["settings"]), given["seed"]
    named = {"study": given["study"], "seed": seed}
    rows = theory.measure(settings, seed)
    found = {
        name: tables.frame(name, [named | row for row in of_table])
        for name, of_table in rows.items()
    }
    checked = claims(found, settings, seed)
    for row in checked:
        holds = "holds" if row["holds"] else "does not hold"
        logging.info(
            "%s: %s (%s; found %.3g)", row["source"], row["statement"], holds, row["found"]
        )
    found["theory_claims"] = tables.frame("theory_claims", [named | row for row in checked])
    for name, table in found.items():
        tables.save(snakemake.output[name], name, table, given["identity"])
