"""Download an archive of a public data set and put its files in place."""

from agop_collapse_job import job  # isort: split

from agop_collapse.data.downloads import fetch

with job(snakemake) as given:
    fetch(given["kind"], given["archive"], given["folder"])
