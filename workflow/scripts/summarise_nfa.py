"""Summarise the neural feature ansatz of a study's networks, beside the paper's figures."""

from agop_collapse_job import job  # isort: split

from agop_collapse.files import tables
from agop_collapse.files.atomic import atomic
from agop_collapse.files.places import located
from agop_collapse.rows.nfa_summary import summarise_nfa

with job(snakemake) as given:
    loaded = {
        name: tables.load(path, name, identity)
        for name, ((path, _, identity),) in located(given["parts"], snakemake.input).items()
    }
    summary = summarise_nfa(loaded["network_nfa"], loaded["network_training"])
    tables.save(snakemake.output.parquet, "nfa_summary", summary, given["identity"])
    with atomic(snakemake.output.csv) as partial:
        summary.to_csv(partial, index=False)
