# The report: one page with the figures, tables and settings of a study.


rule make_report:
    input:
        figures=inputs("make_report", "figures"),
        parts=inputs("make_report", "parts"),
        pictures=inputs("make_report", "pictures"),
        claims=inputs("make_report", "claims"),
    output:
        REPORT,
    log:
        f"{LOGS}/make_report.log",
    conda:
        "../../envs/plot.yaml"
    threads: 1
    resources:
        mem_mb=needs("make_report", "mem_mb"),
        runtime=needs("make_report", "minutes"),
        disk_mb=needs("make_report", "disk_mb"),
    params:
        identity=identity("make_report"),
        settings=settings("make_report"),
    message:
        "Report of the study {wildcards.study}"
    script:
        "../scripts/make_report.py"


rule report:
    input:
        REPORT.replace("{study}", STUDY),
    message:
        f"The report of the study {STUDY} is there"
