# A study's tables: the rows of all its runs.

DEEP_RFM_TABLES = ["deep_rfm", "gram", "agop_spectrum"]
NETWORK_TABLES = ["network_nc", "network_nfa", "network_training"]


def parts_of_table(wildcards):
    """The table of each run, in the order of the configuration."""
    study = STUDIES[wildcards.study]
    network = wildcards.table in NETWORK_TABLES
    runs = settings.network_runs(study) if network else settings.deep_rfm_runs(study)
    if not runs:
        raise WorkflowError(f"The study {wildcards.study} has no run for the table {wildcards.table}.")
    return [part(wildcards.study, run, wildcards.table) for run in runs]


def figure_tables(study):
    """Tables of the study as a whole that its figures are drawn from."""
    plots = [catalogue.PLOTS[catalogue.FIGURES[name].plot] for name in STUDIES[study]["figures"]]
    return sorted({table for plot in plots if not plot.columns for table in plot.tables})


def tables_of_study(study):
    names = DEEP_RFM_TABLES if STUDIES[study]["deep_rfm"] else []
    names = names + (NETWORK_TABLES if STUDIES[study]["networks"] else [])
    names = names + figure_tables(study)
    return expand("results/{study}/tables/{table}.parquet", study=study, table=names)


rule combine_table:
    input:
        parts=parts_of_table,
        code=code("combine_table"),
    output:
        "results/{study}/tables/{table}.parquet",
    log:
        "results/{study}/logs/combine_table/{table}.log",
    wildcard_constraints:
        table="|".join(DEEP_RFM_TABLES + NETWORK_TABLES),
    conda:
        "../../envs/plot.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=10,
    script:
        "../scripts/combine_table.py"


rule tables:
    input:
        tables_of_study(DEFAULT_STUDY),
