"""Draw what ReLU features do to the distance of two points."""

from agop_collapse.files import tables
from agop_collapse.plots import style, theory_kernel
from job import job

with job(snakemake):
    figure = theory_kernel.draw(tables.load_all(snakemake.input.theory_kernel, "theory_kernel"))
    style.add_footer(figure, snakemake.params.footer)
    style.save(figure, snakemake.output.pdf, snakemake.output.png)
