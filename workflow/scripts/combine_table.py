"""Put the tables of a study's runs into one."""

from agop_collapse.files import tables
from job import job

with job(snakemake) as given:
    name = given["table"]
    combined = tables.load_runs(given["parts"][name], name)
    tables.save(snakemake.output[0], name, combined, given["identity"])
