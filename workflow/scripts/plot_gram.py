"""Draw Gram matrices of Deep RFM's points."""

from agop_collapse.files import tables
from agop_collapse.plots import gram, style
from job import job

with job(snakemake):
    pictures = tables.load_all(snakemake.input.gram_picture, "gram_picture")
    stage = snakemake.params.options.get("stage", "MX")
    figure = gram.draw(
        pictures[pictures["stage"] == stage], snakemake.params.rows, snakemake.params.layers
    )
    style.add_footer(figure, snakemake.params.footer)
    style.save(figure, snakemake.output.pdf, snakemake.output.png)
