# Figures: a rule for each kind of plot. A figure needs the runs that it draws and no others.


def figure_runs(wildcards):
    study = STUDIES[wildcards.study]
    if wildcards.figure not in study["figures"]:
        raise WorkflowError(
            f"The study {wildcards.study} has no figure {wildcards.figure}; it has: "
            f"{', '.join(study['figures'])}. Add it to the study's figures in the configuration."
        )
    return settings.figure_runs(study, wildcards.figure)


def parts(table):
    """Input function: this table of each run of a figure, or of the study as a whole."""

    def paths(wildcards):
        runs = figure_runs(wildcards)
        if not runs:
            return [f"results/{wildcards.study}/tables/{table}.parquet"]
        return [part(wildcards.study, run, table) for run in runs]

    return paths


def figure_rows(wildcards):
    return settings.figure_rows(STUDIES[wildcards.study], wildcards.figure)


def figure_layers(wildcards):
    return STUDIES[wildcards.study]["figures"][wildcards.figure]["layers"]


def figure_options(wildcards):
    return catalogue.FIGURES[wildcards.figure].options


def footer(wildcards):
    """What a reader must know of where the figure comes from."""
    runs = figure_runs(wildcards)
    if not runs:
        return f"study {wildcards.study}; simulated"
    sizes = {run["dataset"]: STUDIES[wildcards.study]["datasets"][run["dataset"]] for run in runs}
    points = ", ".join(f"{name} (n = {dataset['n']:,})" for name, dataset in sizes.items())
    seeds = sorted({run["seed"] for run in runs})
    drawn = f"seed{'s' if len(seeds) > 1 else ''} {', '.join(map(str, seeds))}"
    return f"study {wildcards.study}; {points}; {drawn}"


for plot, spec in catalogue.PLOTS.items():

    rule:
        name:
            f"plot_{plot}"
        input:
            **{table: parts(table) for table in spec.tables},
            code=code(f"plot_{plot}"),
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


# `snakemake figures/`: a rule's name may hold a slash, a file target may not end in one.
rule:
    name:
        "figures/"
    input:
        rules.figures.input,
