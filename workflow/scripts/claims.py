"""Say on the terminal what has become of the claims, and fail if that was asked for."""

from agop_collapse_job import job  # isort: split

import logging

from agop_collapse.claims.ledger import expect_reproduced, summary
from agop_collapse.files import tables

with job(snakemake) as given:
    found = tables.load(snakemake.input.claims, "claims", given["identity"])
    # A warning is what comes on the terminal.
    logging.warning("study %s: %s; see %s", given["study"], summary(found), snakemake.input.page)
    if given["strict"]:
        expect_reproduced(found)
