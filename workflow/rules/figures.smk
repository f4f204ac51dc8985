# Figures: a rule for each kind of plot. A figure needs the runs that it draws and no others.


def figures_of(plot):
    return "|".join(name for name, spec in catalogue.FIGURES.items() if spec.plot == plot)


def figure_runs(wildcards):
    study = STUDIES[wildcards.study]
    if wildcards.figure not in study["figures"]:
        raise WorkflowError(
            f"The study {wildcards.study} has no figure {wildcards.figure}; it has: "
            f"{', '.join(study['figures'])}. Add it to the study's figures in the configuration."
        )
    rows = settings.figure_rows(study, wildcards.figure)
    return [run for row in rows for run in settings.runs_of_row(study, wildcards.figure, row)]


def parts(table, folder):
    """Input function: one table of each run of a figure."""

    def paths(wildcards):
        runs = figure_runs(wildcards)
        return [f"{folder.format(study=wildcards.study, **run)}/{table}.parquet" for run in runs]

    return paths


def first_seed_parts(table, folder):
    """Input function: one table of each run of the study's first seed."""

    def paths(wildcards):
        seed = STUDIES[wildcards.study]["seeds"][0]
        runs = [run for run in figure_runs(wildcards) if run["seed"] == seed]
        return [f"{folder.format(study=wildcards.study, **run)}/{table}.parquet" for run in runs]

    return paths


def figure_layers(wildcards):
    return STUDIES[wildcards.study]["figures"][wildcards.figure]["layers"]


def figure_rows(wildcards):
    return settings.figure_rows(STUDIES[wildcards.study], wildcards.figure)


def footer(wildcards):
    """What a reader must know of where the figure comes from."""
    study = STUDIES[wildcards.study]
    seeds = study["seeds"]
    if wildcards.figure in figures_of("gram").split("|"):
        seeds = seeds[:1]
    datasets = dict.fromkeys(run["dataset"] for run in figure_runs(wildcards))
    points = ", ".join(f"{name} (n = {study['datasets'][name]['n']:,})" for name in datasets)
    drawn = f"seed{'s' if len(seeds) > 1 else ''} {', '.join(map(str, seeds))}"
    return f"study {wildcards.study}; {points}; {drawn}"


rule plot_deep_rfm_curves:
    input:
        deep_rfm=parts("deep_rfm", DEEP_RFM),
        code=code("plot_deep_rfm_curves"),
    output:
        pdf="figures/{study}/{figure}.pdf",
        png="figures/{study}/{figure}.png",
    log:
        "results/{study}/logs/figures/{figure}.log",
    wildcard_constraints:
        figure=figures_of("deep_rfm_curves"),
    conda:
        "../../envs/plot.yaml"
    resources:
        mem_mb=2000,
        runtime=10,
    params:
        rows=figure_rows,
        footer=footer,
    script:
        "../scripts/plot_deep_rfm_curves.py"


rule plot_ablation:
    input:
        deep_rfm=parts("deep_rfm", DEEP_RFM),
        code=code("plot_ablation"),
    output:
        pdf="figures/{study}/{figure}.pdf",
        png="figures/{study}/{figure}.png",
    log:
        "results/{study}/logs/figures/{figure}.log",
    wildcard_constraints:
        figure=figures_of("ablation"),
    conda:
        "../../envs/plot.yaml"
    resources:
        mem_mb=2000,
        runtime=10,
    params:
        rows=figure_rows,
        footer=footer,
    script:
        "../scripts/plot_ablation.py"


rule plot_gram:
    input:
        gram_picture=first_seed_parts("gram_picture", DEEP_RFM),
        code=code("plot_gram"),
    output:
        pdf="figures/{study}/{figure}.pdf",
        png="figures/{study}/{figure}.png",
    log:
        "results/{study}/logs/figures/{figure}.log",
    wildcard_constraints:
        figure=figures_of("gram"),
    conda:
        "../../envs/plot.yaml"
    resources:
        mem_mb=2000,
        runtime=10,
    params:
        rows=figure_rows,
        layers=figure_layers,
        footer=footer,
    script:
        "../scripts/plot_gram.py"


rule plot_decomposition:
    input:
        network_nc=parts("network_nc", NETWORK),
        network_training=parts("network_training", NETWORK),
        code=code("plot_decomposition"),
    output:
        pdf="figures/{study}/{figure}.pdf",
        png="figures/{study}/{figure}.png",
    log:
        "results/{study}/logs/figures/{figure}.log",
    wildcard_constraints:
        figure=figures_of("decomposition"),
    conda:
        "../../envs/plot.yaml"
    resources:
        mem_mb=2000,
        runtime=10,
    params:
        rows=figure_rows,
        footer=footer,
    script:
        "../scripts/plot_decomposition.py"


rule plot_ansatz:
    input:
        network_nc=parts("network_nc", NETWORK),
        network_nfa=parts("network_nfa", NETWORK),
        network_training=parts("network_training", NETWORK),
        code=code("plot_ansatz"),
    output:
        pdf="figures/{study}/{figure}.pdf",
        png="figures/{study}/{figure}.png",
    log:
        "results/{study}/logs/figures/{figure}.log",
    wildcard_constraints:
        figure=figures_of("ansatz"),
    conda:
        "../../envs/plot.yaml"
    resources:
        mem_mb=2000,
        runtime=10,
    params:
        rows=figure_rows,
        footer=footer,
    script:
        "../scripts/plot_ansatz.py"


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
