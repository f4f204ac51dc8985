"""Download an archive of a public data set and put its files in place."""

from agop_collapse_job import job  # isort: split

from agop_collapse.data.downloads import fetch
from agop_collapse.files.places import folder_above

with job(snakemake) as given:
    folder = folder_above(snakemake.output[0], given["first"])
    fetch(given["kind"], given["archive"], folder)
