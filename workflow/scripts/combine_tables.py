"""Put the tables of a study's runs into one each."""

from agop_collapse_job import job  # isort: split

from agop_collapse.files import tables

with job(snakemake) as given:
    for name, parts in given["parts"].items():
        combined = tables.load_runs(parts, name)
        tables.save(snakemake.output[name], name, combined, given["identity"])
