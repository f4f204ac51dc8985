"""Put the tables of a study's runs into one."""

from agop_collapse.files import tables
from job import job

with job(snakemake):
    name = snakemake.wildcards.table
    tables.save(snakemake.output[0], name, tables.load_all(snakemake.input.parts, name))
