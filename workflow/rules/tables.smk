# A study's tables: the rows of all its runs.


rule combine_table:
    input:
        inputs("combine_table", "parts"),
    output:
        TABLE,
    log:
        f"{LOGS}/combine_table/{{table}}.log",
    wildcard_constraints:
        table="|".join(table for tables in COMBINED.values() for table in tables),
    conda:
        "../../envs/plot.yaml"
    threads: 1
    resources:
        mem_mb=needs("combine_table", "mem_mb"),
        runtime=needs("combine_table", "minutes"),
        disk_mb=needs("combine_table", "disk_mb"),
    params:
        identity=identity("combine_table"),
        settings=settings("combine_table"),
    message:
        "Table {wildcards.table} of the study {wildcards.study}"
    script:
        "../scripts/combine_table.py"


rule list_runs:
    output:
        f"{TABLES}/runs.parquet",
    log:
        f"{LOGS}/list_runs.log",
    conda:
        "../../envs/plot.yaml"
    threads: 1
    resources:
        mem_mb=needs("list_runs", "mem_mb"),
        runtime=needs("list_runs", "minutes"),
        disk_mb=needs("list_runs", "disk_mb"),
    params:
        identity=identity("list_runs"),
        settings=settings("list_runs"),
    message:
        "Table runs of the study {wildcards.study}"
    script:
        "../scripts/list_runs.py"


rule summarise_nfa:
    input:
        inputs("summarise_nfa", "parts"),
    output:
        parquet=f"{TABLES}/nfa_summary.parquet",
        csv=f"{TABLES}/nfa_summary.csv",
    log:
        f"{LOGS}/summarise_nfa.log",
    conda:
        "../../envs/plot.yaml"
    threads: 1
    resources:
        mem_mb=needs("summarise_nfa", "mem_mb"),
        runtime=needs("summarise_nfa", "minutes"),
        disk_mb=needs("summarise_nfa", "disk_mb"),
    params:
        identity=identity("summarise_nfa"),
        settings=settings("summarise_nfa"),
    message:
        "Table nfa_summary of the study {wildcards.study}"
    script:
        "../scripts/summarise_nfa.py"


rule tables:
    input:
        [job.outputs["table"] for job in ask(JOBS.tables, STUDY).values()],
    message:
        f"The tables of the study {STUDY} are there"
