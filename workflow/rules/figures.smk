# Figures. A figure needs the runs that it draws and no others.


rule plot_figure:
    input:
        inputs("plot_figure", "parts"),
    output:
        pdf=f"{FIGURE}.pdf",
        png=f"{FIGURE}.png",
    log:
        f"{LOGS}/figures/{{figure}}.log",
    conda:
        "../../envs/plot.yaml"
    threads: 1
    resources:
        mem_mb=needs("plot_figure", "mem_mb"),
        runtime=needs("plot_figure", "minutes"),
        disk_mb=needs("plot_figure", "disk_mb"),
    params:
        identity=identity("plot_figure"),
        settings=settings("plot_figure"),
    message:
        "Drawing {output.pdf}"
    script:
        "../scripts/plot_figure.py"


rule figures:
    input:
        [path for job in ask(JOBS.figures, STUDY).values() for path in job.outputs.values()],
        [path for job in ask(JOBS.tables, STUDY).values() for path in job.outputs.values()],
    message:
        f"The figures and tables of the study {STUDY} are there"


# `snakemake figures/`: a rule's name may hold a slash, a file target may not end in one.
rule:
    name:
        "figures/"
    input:
        rules.figures.input,
    message:
        f"The figures and tables of the study {STUDY} are there"
