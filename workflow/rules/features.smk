# The points of layers as files for other programs: what is asked for, or all that the study names.


rule export_deep_rfm:
    input:
        data=DATA,
        # Of a folder Snakemake knows its time alone, which says nothing; of the record its content.
        layers=ancient(f"{DEEP_RFM}/layers"),
        record=f"{DEEP_RFM}/run.json",
    output:
        directory(f"{DEEP_RFM}/features"),
    log:
        f"{DEEP_RFM}/logs/export_deep_rfm.log",
    conda:
        COMPUTE
    threads: needs("export_deep_rfm", "threads")
    resources:
        **on_gpu("export_deep_rfm"),
        mem_mb=needs("export_deep_rfm", "mem_mb"),
        runtime=needs("export_deep_rfm", "minutes"),
        disk_mb=needs("export_deep_rfm", "disk_mb"),
    params:
        identity=identity("export_deep_rfm"),
        settings=settings("export_deep_rfm"),
    message:
        "Points of Deep RFM on {wildcards.dataset}: {wildcards.run}, seed {wildcards.seed}"
    script:
        "../scripts/export_deep_rfm.py"


rule export_network:
    input:
        data=DATA,
        checkpoints=ancient(f"{NETWORK}/checkpoints"),
        record=f"{NETWORK}/run.json",
    output:
        directory(f"{NETWORK}/features/epoch_{{epoch}}"),
    log:
        f"{NETWORK}/logs/export_network_{{epoch}}.log",
    wildcard_constraints:
        epoch="[0-9]+",
    conda:
        COMPUTE
    threads: needs("export_network", "threads")
    resources:
        **on_gpu("export_network"),
        mem_mb=needs("export_network", "mem_mb"),
        runtime=needs("export_network", "minutes"),
        disk_mb=needs("export_network", "disk_mb"),
    params:
        identity=identity("export_network"),
        settings=settings("export_network"),
    message:
        "Points of {wildcards.run} on {wildcards.dataset}, seed {wildcards.seed},"
        " epoch {wildcards.epoch}"
    script:
        "../scripts/export_network.py"


rule features:
    input:
        list(ask(JOBS.features, STUDY)),
    message:
        f"The points of the study {STUDY} are there"
