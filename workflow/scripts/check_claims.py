"""Hold the paper's claims against a study's tables: the ledger, as tables and as a page."""

from agop_collapse_job import job  # isort: split

import logging

from agop_collapse.claims import ledger, page
from agop_collapse.files import tables
from agop_collapse.files.atomic import atomic
from agop_collapse.files.places import located

with job(snakemake) as given:
    study, identity = given["study"], given["identity"]
    loaded = {
        name: tables.load(path, name, of_table)
        for name, ((path, _, of_table),) in located(given["parts"], snakemake.input).items()
        if name in ledger.TABLES
    }
    checked = [ledger.check(claim, loaded) for claim in ledger.CLAIMS]
    for each in checked:
        logging.info("%s: %s. %s", each.claim.id, each.verdict, each.why)
    for name, rows in (
        ("claims", ledger.claim_rows(study, checked)),
        ("claim_values", ledger.value_rows(study, checked)),
    ):
        tables.save(snakemake.output[name], name, tables.frame(name, rows), identity)
    with atomic(snakemake.output.page) as partial:
        text = page.page(study, checked, given["figures"], identity)
        partial.write_text(text, encoding="utf-8")
