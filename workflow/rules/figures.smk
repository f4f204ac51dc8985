# Figures: a rule for each kind of plot. A figure needs the runs that it draws and no others.


for plot, spec in catalogue.PLOTS.items():

    rule:
        name:
            f"plot_{plot}"
        input:
            **{table: parts(table) for table in spec.tables},
            code=code(f"plot_{plot}"),
            style=STYLE_SHEET,
        output:
            pdf="figures/{study}/{figure}.pdf",
            png="figures/{study}/{figure}.png",
        log:
            "results/{study}/logs/figures/{figure}.log",
        wildcard_constraints:
            figure="|".join(catalogue.figures_of(plot)),
        conda:
            "../../envs/plot.yaml"
        threads: 1
        resources:
            mem_mb=2000,
            runtime=10,
        params:
            plot=plot,
            rows=figure_rows,
            layers=figure_layers,
            options=figure_options,
            footer=footer,
        message:
            "Drawing {output.pdf}"
        script:
            "../scripts/plot_{params.plot}.py"


rule figures:
    input:
        expand(
            "figures/{study}/{figure}.{ending}",
            study=DEFAULT_STUDY,
            figure=STUDIES[DEFAULT_STUDY]["figures"],
            ending=["pdf", "png"],
        ),
    message:
        f"The figures of the study {DEFAULT_STUDY} are there"


# `snakemake figures/`: a rule's name may hold a slash, a file target may not end in one.
rule:
    name:
        "figures/"
    input:
        rules.figures.input,
    message:
        f"The figures of the study {DEFAULT_STUDY} are there"
