"""Draw the neural feature ansatz beside its baselines."""

from agop_collapse.files import tables
from agop_collapse.plots import nfa_null, style
from job import job

with job(snakemake):
    rows = snakemake.params.rows
    training = tables.load_all(snakemake.input.network_training, "network_training")
    unfitted = style.unfitted_rows(training, rows)
    network_nfa = tables.load_all(snakemake.input.network_nfa, "network_nfa")
    figure = nfa_null.draw(network_nfa, rows, unfitted)
    style.add_footer(figure, snakemake.params.footer + style.unfitted_note(unfitted))
    style.save(figure, snakemake.output.pdf, snakemake.output.png)
