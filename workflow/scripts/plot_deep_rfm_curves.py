"""Draw the collapse of Deep RFM over its layers."""

from agop_collapse.files import tables
from agop_collapse.plots import deep_rfm_curves, style
from job import job

with job(snakemake):
    rows = snakemake.params.rows
    deep_rfm = tables.load_all(snakemake.input.deep_rfm, "deep_rfm")
    figure = deep_rfm_curves.draw(deep_rfm, rows, **snakemake.params.options)
    style.add_footer(figure, snakemake.params.footer + style.doubtful_note(deep_rfm, rows))
    style.save(figure, snakemake.output.pdf, snakemake.output.png)
