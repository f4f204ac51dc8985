# A study's tables: the rows of all its runs.

KINDS = {
    "deep_rfm": "Deep RFM",
    "networks": "the networks",
    "own_networks": "your own networks",
}

for kind, of_kind in COMBINED.items():

    rule:
        name:
            COMBINE[kind]
        input:
            inputs(COMBINE[kind], "parts"),
        output:
            **{table: TABLE.replace("{table}", table) for table in of_kind},
        log:
            f"{LOGS}/combine_tables/{kind}.log",
        conda:
            "../../envs/plot.yaml"
        threads: 1
        resources:
            mem_mb=needs(COMBINE[kind], "mem_mb"),
            runtime=needs(COMBINE[kind], "minutes"),
            disk_mb=needs(COMBINE[kind], "disk_mb"),
        params:
            identity=identity(COMBINE[kind]),
            settings=settings(COMBINE[kind]),
        message:
            f"Tables of {KINDS[kind]} in the study {{wildcards.study}}"
        script:
            "../scripts/combine_tables.py"


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
        [path for job in ask(JOBS.tables, STUDY).values() for path in job.outputs.values()],
    message:
        f"The tables of the study {STUDY} are there"
