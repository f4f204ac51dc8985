"""Download an archive of a public data set and put its files in place."""

from agop_collapse.data.archives import fetch
from job import job

with job(snakemake):
    fetch(snakemake.params.kind, snakemake.params.archive, snakemake.params.folder)
