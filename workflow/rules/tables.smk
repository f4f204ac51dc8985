# A study's tables: the rows of all its runs.

DEEP_RFM_TABLES = ["deep_rfm", "gram", "agop_spectrum"]
NETWORK_TABLES = ["network_nc", "network_nfa", "network_training"]


def parts_of_table(wildcards):
    """The tables of the single runs, in the order of the configuration."""
    study = STUDIES[wildcards.study]
    if wildcards.table in NETWORK_TABLES:
        runs, folder = settings.network_runs(study), NETWORK
    else:
        runs, folder = settings.deep_rfm_runs(study), DEEP_RFM
    if not runs:
        raise WorkflowError(f"The study {wildcards.study} has no run for the table {wildcards.table}.")
    return [f"{folder.format(study=wildcards.study, **run)}/{wildcards.table}.parquet" for run in runs]


def tables_of_study(study):
    names = DEEP_RFM_TABLES if STUDIES[study]["deep_rfm"] else []
    names = names + (NETWORK_TABLES if STUDIES[study]["networks"] else [])
    return expand("results/{study}/tables/{table}.parquet", study=study, table=names)


rule combine_table:
    input:
        parts=parts_of_table,
        code=code("combine_table"),
    output:
        "results/{study}/tables/{table}.parquet",
    log:
        "results/{study}/logs/combine_table/{table}.log",
    conda:
        "../../envs/plot.yaml"
    resources:
        mem_mb=2000,
        runtime=10,
    script:
        "../scripts/combine_table.py"


rule tables:
    input:
        tables_of_study(DEFAULT_STUDY),
