"""Draw what each part of a network's layers does to NC1."""

from agop_collapse.files import tables
from agop_collapse.plots import decomposition, style
from job import job

with job(snakemake):
    rows = snakemake.params.rows
    training = tables.load_all(snakemake.input.network_training, "network_training")
    unfitted = style.unfitted_rows(training, rows)
    network_nc = tables.load_all(snakemake.input.network_nc, "network_nc")
    figure = decomposition.draw(network_nc, rows, unfitted)
    style.add_footer(figure, snakemake.params.footer + style.unfitted_note(unfitted))
    style.save(figure, snakemake.output.pdf, snakemake.output.png)
