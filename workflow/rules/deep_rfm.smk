# Deep RFM: build the layers of a run and its predictor, then measure their collapse.


rule build_deep_rfm:
    input:
        data=DATA,
    output:
        layers=directory(f"{DEEP_RFM}/layers"),
        record=f"{DEEP_RFM}/run.json",
    log:
        f"{DEEP_RFM}/logs/build_deep_rfm.log",
    benchmark:
        f"{DEEP_RFM}/benchmarks/build_deep_rfm.tsv"
    wildcard_constraints:
        study=KEPT,
    conda:
        COMPUTE
    threads: needs("build_deep_rfm", "threads")
    resources:
        **on_gpu("build_deep_rfm"),
        mem_mb=needs("build_deep_rfm", "mem_mb"),
        runtime=needs("build_deep_rfm", "minutes"),
        disk_mb=needs("build_deep_rfm", "disk_mb"),
    params:
        identity=identity("build_deep_rfm"),
        settings=settings("build_deep_rfm"),
    message:
        "Deep RFM on {wildcards.dataset}: {wildcards.run}, seed {wildcards.seed}"
        " (at most {resources.mem_mb} MB, {resources.runtime} min; GPUs: {resources.gpu})"
    script:
        "../scripts/build_deep_rfm.py"


use rule build_deep_rfm as build_deep_rfm_for_tables with:
    output:
        layers=temp(directory(f"{DEEP_RFM}/layers")),
        record=f"{DEEP_RFM}/run.json",
    wildcard_constraints:
        study=NOT_KEPT,


rule measure_deep_rfm:
    input:
        data=DATA,
        # Of a folder Snakemake knows its time alone, which says nothing; of the record its content.
        layers=ancient(f"{DEEP_RFM}/layers"),
        record=f"{DEEP_RFM}/run.json",
    output:
        deep_rfm=f"{DEEP_RFM}/deep_rfm.parquet",
        gram=f"{DEEP_RFM}/gram.parquet",
        gram_picture=f"{DEEP_RFM}/gram_picture.parquet",
        classes=f"{DEEP_RFM}/classes.parquet",
        agop_spectrum=f"{DEEP_RFM}/agop_spectrum.parquet",
        attribution=f"{DEEP_RFM}/attribution.parquet",
        rates=f"{DEEP_RFM}/rates.parquet",
        theory_layers=f"{DEEP_RFM}/theory_layers.parquet",
        predictor=f"{DEEP_RFM}/predictor.parquet",
    log:
        f"{DEEP_RFM}/logs/measure_deep_rfm.log",
    benchmark:
        f"{DEEP_RFM}/benchmarks/measure_deep_rfm.tsv"
    # Before more is made that waits to be measured.
    priority: 1
    conda:
        COMPUTE
    threads: needs("measure_deep_rfm", "threads")
    resources:
        **on_gpu("measure_deep_rfm"),
        mem_mb=needs("measure_deep_rfm", "mem_mb"),
        runtime=needs("measure_deep_rfm", "minutes"),
        disk_mb=needs("measure_deep_rfm", "disk_mb"),
    params:
        identity=identity("measure_deep_rfm"),
        settings=settings("measure_deep_rfm"),
    message:
        "Measuring Deep RFM on {wildcards.dataset}: {wildcards.run}, seed {wildcards.seed}"
        " (at most {resources.mem_mb} MB, {resources.runtime} min; GPUs: {resources.gpu})"
    script:
        "../scripts/measure_deep_rfm.py"
