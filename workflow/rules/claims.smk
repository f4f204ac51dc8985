# The paper's claims, held against a study's tables: a ledger, and what it says on the terminal.


rule check_claims:
    input:
        inputs("check_claims", "parts"),
    output:
        claims=f"{CLAIMS}.parquet",
        claim_values=f"{CLAIM_VALUES}.parquet",
        page=f"{CLAIMS}.html",
    log:
        f"{LOGS}/check_claims.log",
    conda:
        "../../envs/plot.yaml"
    threads: 1
    resources:
        mem_mb=needs("check_claims", "mem_mb"),
        runtime=needs("check_claims", "minutes"),
        disk_mb=needs("check_claims", "disk_mb"),
    params:
        identity=identity("check_claims"),
        settings=settings("check_claims"),
    message:
        "Checking the paper's claims in the study {wildcards.study}"
    script:
        "../scripts/check_claims.py"


# It writes nothing, so it says each time what the ledger has, and may fail without taking it away.
rule claims:
    input:
        **ask(JOBS.check_claims, STUDY).outputs,
    log:
        f"{LOGS}/claims.log".format(study=STUDY),
    localrule: True
    conda:
        "../../envs/plot.yaml"
    params:
        settings=dict(
            identity=ask(JOBS.check_claims, STUDY).identity,
            study=STUDY,
            strict=configuration.strict_claims,
        ),
    message:
        f"The claims in the study {STUDY} are checked"
    script:
        "../scripts/claims.py"
