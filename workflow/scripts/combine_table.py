"""Put the tables of a study's runs into one."""

from agop_collapse_job import job  # isort: split

from agop_collapse.files import tables

with job(snakemake) as given:
    name = given["table"]
    combined = tables.load_runs(given["parts"][name], name)
    tables.save(snakemake.output[0], name, combined, given["identity"])
