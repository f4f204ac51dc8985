# Networks: train a run, keeping its weights at the measured epochs, then measure these.


rule train_network:
    input:
        data="results/{study}/data/{dataset}.safetensors",
        backbone=backbone,
        code=code("train_network"),
    output:
        checkpoints=directory(f"{NETWORK}/checkpoints"),
    log:
        f"{NETWORK}/logs/train_network.log",
    benchmark:
        f"{NETWORK}/benchmarks/train_network.tsv"
    conda:
        "../../envs/compute.yaml"
    threads: torch_threads
    resources:
        mem_mb=network_mem_mb,
        runtime=network_minutes,
        gpu=gpus,
    params:
        architecture=architecture,
        training=training,
        torch_threads=torch_threads,
        device=device,
    message:
        "Training {wildcards.model} on {wildcards.dataset}, seed {wildcards.seed}"
        " ({resources.mem_mb} MB, {resources.runtime} min, {resources.gpu} GPU)"
    script:
        "../scripts/train_network.py"


rule measure_network:
    input:
        data="results/{study}/data/{dataset}.safetensors",
        checkpoints=f"{NETWORK}/checkpoints",
        backbone=backbone,
        code=code("measure_network"),
    output:
        network_nc=f"{NETWORK}/network_nc.parquet",
        network_nfa=f"{NETWORK}/network_nfa.parquet",
        network_training=f"{NETWORK}/network_training.parquet",
    log:
        f"{NETWORK}/logs/measure_network.log",
    benchmark:
        f"{NETWORK}/benchmarks/measure_network.tsv"
    conda:
        "../../envs/compute.yaml"
    threads: torch_threads
    resources:
        mem_mb=network_mem_mb,
        runtime=network_minutes,
        gpu=gpus,
    params:
        architecture=architecture,
        training=training,
        torch_threads=torch_threads,
        device=device,
    message:
        "Measuring {wildcards.model} on {wildcards.dataset}, seed {wildcards.seed}"
        " ({resources.mem_mb} MB, {resources.runtime} min, {resources.gpu} GPU)"
    script:
        "../scripts/measure_network.py"
