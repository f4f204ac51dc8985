"""Draw Deep RFM with the AGOP projection beside Deep RFM without."""

from agop_collapse.files import tables
from agop_collapse.plots import ablation, style
from job import job

with job(snakemake):
    rows = snakemake.params.rows
    deep_rfm = tables.load_all(snakemake.input.deep_rfm, "deep_rfm")
    figure = ablation.draw(deep_rfm, rows)
    style.add_footer(figure, snakemake.params.footer + style.doubtful_note(deep_rfm, rows))
    style.save(figure, snakemake.output.pdf, snakemake.output.png)
