"""Draw the collapse of Deep RFM over its layers."""

from agop_collapse import tables
from agop_collapse.plots import deep_rfm_curves, style
from job import job

with job(snakemake):
    figure = deep_rfm_curves.draw(
        tables.load_all(snakemake.input.deep_rfm, "deep_rfm"), snakemake.params.rows
    )
    style.add_footer(figure, snakemake.params.footer)
    style.save(figure, snakemake.output.pdf, snakemake.output.png)
