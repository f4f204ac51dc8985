"""List a study's files by their digests, and what all of it was made by."""

from agop_collapse_job import job  # isort: split

from pathlib import Path

from agop_collapse.sharing import manifest

with job(snakemake) as given:
    manifest.write(Path(snakemake.output[0]), given)
