# Networks of one's own: measure their layers with weights that were trained elsewhere.


rule measure_own_network:
    input:
        data=DATA,
    output:
        network_layers=f"{OWN_NETWORK}/network_layers.parquet",
        record=f"{OWN_NETWORK}/run.json",
    log:
        f"{OWN_NETWORK}/logs/measure_own_network.log",
    benchmark:
        f"{OWN_NETWORK}/benchmarks/measure_own_network.tsv"
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
