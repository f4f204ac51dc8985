"""Draw Deep RFM with the AGOP projection beside Deep RFM without."""

from agop_collapse import tables
from agop_collapse.plots import ablation, style
from job import job

with job(snakemake):
    figure = ablation.draw(
        tables.load_all(snakemake.input.deep_rfm, "deep_rfm"), snakemake.params.rows
    )
    style.add_footer(figure, snakemake.params.footer)
    style.save(figure, snakemake.output.pdf, snakemake.output.png)
