# Networks: train a run, keeping its weights at the measured epochs, then measure these.


rule train_network:
    input:
        data=DATA,
    output:
        checkpoints=directory(f"{NETWORK}/checkpoints"),
        record=f"{NETWORK}/run.json",
    log:
        f"{NETWORK}/logs/train_network.log",
    benchmark:
        f"{NETWORK}/benchmarks/train_network.tsv"
    wildcard_constraints:
        study=KEPT,
    conda:
        COMPUTE
    threads: needs("train_network", "threads")
    resources:
        **on_gpu("train_network"),
        mem_mb=needs("train_network", "mem_mb"),
        runtime=needs("train_network", "minutes"),
        disk_mb=needs("train_network", "disk_mb"),
    params:
        identity=identity("train_network"),
        settings=settings("train_network"),
    message:
        "Training {wildcards.run} on {wildcards.dataset}, seed {wildcards.seed}"
        " (at most {resources.mem_mb} MB, {resources.runtime} min; GPUs: {resources.gpu})"
    script:
        "../scripts/train_network.py"


use rule train_network as train_network_for_tables with:
    output:
        checkpoints=temp(directory(f"{NETWORK}/checkpoints")),
        record=f"{NETWORK}/run.json",
    wildcard_constraints:
        study=NOT_KEPT,


rule measure_network:
    input:
        data=DATA,
        # Of a folder Snakemake knows its time alone, which says nothing; of the record its content.
        checkpoints=ancient(f"{NETWORK}/checkpoints"),
        record=f"{NETWORK}/run.json",
        # Of the network that it is compared with. With that network's checkpoints alone, `ancient`,
        # Snakemake asks for no other reason to measure while they are to be made again.
        other_checkpoints=ancient(inputs("measure_network", "other_checkpoints")),
        other_record=inputs("measure_network", "other_record"),
    output:
        network_nc=f"{NETWORK}/network_nc.parquet",
        network_readout=f"{NETWORK}/network_readout.parquet",
        network_attribution=f"{NETWORK}/network_attribution.parquet",
        network_rates=f"{NETWORK}/network_rates.parquet",
        network_nfa=f"{NETWORK}/network_nfa.parquet",
        network_ansatz=f"{NETWORK}/network_ansatz.parquet",
        network_ranks=f"{NETWORK}/network_ranks.parquet",
        network_spectrum=f"{NETWORK}/network_spectrum.parquet",
        network_training=f"{NETWORK}/network_training.parquet",
    log:
        f"{NETWORK}/logs/measure_network.log",
    benchmark:
        f"{NETWORK}/benchmarks/measure_network.tsv"
    # Before more is made that waits to be measured.
    priority: 1
    conda:
        COMPUTE
    threads: needs("measure_network", "threads")
    resources:
        **on_gpu("measure_network"),
        mem_mb=needs("measure_network", "mem_mb"),
        runtime=needs("measure_network", "minutes"),
        disk_mb=needs("measure_network", "disk_mb"),
    params:
        identity=identity("measure_network"),
        settings=settings("measure_network"),
    message:
        "Measuring {wildcards.run} on {wildcards.dataset}, seed {wildcards.seed}"
        " (at most {resources.mem_mb} MB, {resources.runtime} min; GPUs: {resources.gpu})"
    script:
        "../scripts/measure_network.py"
