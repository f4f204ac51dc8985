# A study's tables: the rows of all its runs.


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
    message:
        "Table {wildcards.table} of the study {wildcards.study}"
    script:
        "../scripts/combine_table.py"


rule summarise_nfa:
    input:
        network_nfa="results/{study}/tables/network_nfa.parquet",
        network_training="results/{study}/tables/network_training.parquet",
        code=code("summarise_nfa"),
    output:
        parquet="results/{study}/tables/nfa_summary.parquet",
        csv="results/{study}/tables/nfa_summary.csv",
    log:
        "results/{study}/logs/summarise_nfa.log",
    conda:
        "../../envs/plot.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=10,
    message:
        "Table nfa_summary of the study {wildcards.study}"
    script:
        "../scripts/summarise_nfa.py"


rule tables:
    input:
        tables_of_study(DEFAULT_STUDY),
    message:
        f"The tables of the study {DEFAULT_STUDY} are there"
