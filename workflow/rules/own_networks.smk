# Networks of one's own: train those that have no weights of their own, then measure their layers.


rule train_own_network:
    input:
        data=DATA,
    output:
        checkpoints=directory(f"{OWN_NETWORK}/checkpoints"),
        record=f"{OWN_NETWORK}/training.json",
    log:
        f"{OWN_NETWORK}/logs/train_own_network.log",
    benchmark:
        f"{OWN_NETWORK}/benchmarks/train_own_network.tsv"
    wildcard_constraints:
        study=KEPT,
    conda:
        COMPUTE
    threads: needs("train_own_network", "threads")
    resources:
        **on_gpu("train_own_network"),
        mem_mb=needs("train_own_network", "mem_mb"),
        runtime=needs("train_own_network", "minutes"),
        disk_mb=needs("train_own_network", "disk_mb"),
    params:
        identity=identity("train_own_network"),
        settings=settings("train_own_network"),
    message:
        "Training {wildcards.run} on {wildcards.dataset}, seed {wildcards.seed}"
        " (at most {resources.mem_mb} MB, {resources.runtime} min; GPUs: {resources.gpu})"
    script:
        "../scripts/train_own_network.py"


use rule train_own_network as train_own_network_for_tables with:
    output:
        checkpoints=temp(directory(f"{OWN_NETWORK}/checkpoints")),
        record=f"{OWN_NETWORK}/training.json",
    wildcard_constraints:
        study=NOT_KEPT,


rule measure_own_network:
    input:
        data=DATA,
        # Of a network that is trained here; as of `measure_network`.
        checkpoints=ancient(inputs("measure_own_network", "checkpoints")),
        training=inputs("measure_own_network", "record"),
    output:
        network_layers=f"{OWN_NETWORK}/network_layers.parquet",
        record=f"{OWN_NETWORK}/run.json",
    log:
        f"{OWN_NETWORK}/logs/measure_own_network.log",
    benchmark:
        f"{OWN_NETWORK}/benchmarks/measure_own_network.tsv"
    # Before more is made that waits to be measured.
    priority: 1
    conda:
        COMPUTE
    threads: needs("measure_own_network", "threads")
    resources:
        **on_gpu("measure_own_network"),
        mem_mb=needs("measure_own_network", "mem_mb"),
        runtime=needs("measure_own_network", "minutes"),
        disk_mb=needs("measure_own_network", "disk_mb"),
    params:
        identity=identity("measure_own_network"),
        settings=settings("measure_own_network"),
    message:
        "Measuring {wildcards.run} on {wildcards.dataset}, seed {wildcards.seed}"
        " (at most {resources.mem_mb} MB, {resources.runtime} min; GPUs: {resources.gpu})"
    script:
        "../scripts/measure_own_network.py"
