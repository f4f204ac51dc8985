"""Summarise the neural feature ansatz of a study's networks, beside the paper's figures."""

from agop_collapse.files import tables
from agop_collapse.files.atomic import atomic
from agop_collapse.rows.nfa_summary import summarise_nfa
from job import job

with job(snakemake):
    summary = summarise_nfa(
        tables.load(snakemake.input.network_nfa, "network_nfa"),
        tables.load(snakemake.input.network_training, "network_training"),
    )
    tables.save(snakemake.output.parquet, "nfa_summary", summary)
    with atomic(snakemake.output.csv) as partial:
        summary.to_csv(partial, index=False)
