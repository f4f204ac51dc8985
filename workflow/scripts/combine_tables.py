"""Put the tables of a study's runs into one each."""

from agop_collapse_job import job  # isort: split

from agop_collapse.files import tables
from agop_collapse.files.places import located

with job(snakemake) as given:
    for name, parts in located(given["parts"], snakemake.input).items():
        combined = tables.load_runs(parts, name)
        tables.save(snakemake.output[name], name, combined, given["identity"])
