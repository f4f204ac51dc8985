"""Pack a study into one file, to be run where there is no Snakemake."""

from agop_collapse_job import job  # isort: split

from agop_collapse.files.atomic import atomic
from agop_collapse.packed import pack

with job(snakemake) as given, atomic(snakemake.output[0]) as partial:
    pack.write(partial, given)
