"""Write the table of a study's runs, with every setting as a column."""

from agop_collapse_job import job  # isort: split

from agop_collapse.files import tables

with job(snakemake) as given:
    tables.save_runs(snakemake.output[0], given["rows"], given["types"], given["identity"])
