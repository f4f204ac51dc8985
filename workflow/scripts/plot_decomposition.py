"""Draw what each part of a network's layers does to NC1."""

from agop_collapse import tables
from agop_collapse.plots import decomposition, style
from job import job

with job(snakemake):
    figure = decomposition.draw(
        tables.load_all(snakemake.input.network_nc, "network_nc"), snakemake.params.rows
    )
    style.add_footer(figure, snakemake.params.footer)
    style.save(figure, snakemake.output.pdf, snakemake.output.png)
