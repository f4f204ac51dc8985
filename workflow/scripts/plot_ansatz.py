"""Draw a network's collapse, its neural feature ansatz and its training loss."""

from agop_collapse.files import tables
from agop_collapse.plots import ansatz, style
from job import job

with job(snakemake):
    rows = snakemake.params.rows
    network_training = tables.load_all(snakemake.input.network_training, "network_training")
    figure = ansatz.draw(
        tables.load_all(snakemake.input.network_nc, "network_nc"),
        tables.load_all(snakemake.input.network_nfa, "network_nfa"),
        network_training,
        rows,
    )
    unfitted = style.unfitted_rows(network_training, rows)
    style.add_footer(figure, snakemake.params.footer + style.unfitted_note(unfitted))
    style.save(figure, snakemake.output.pdf, snakemake.output.png)
