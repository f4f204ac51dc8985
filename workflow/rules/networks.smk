# Networks: train a run, keeping its weights at the measured epochs, then measure these.


def network_settings(wildcards):
    return find_run(wildcards, settings.network_runs)["settings"]


ARCHITECTURE = ("model", "width", "gain", "backbone")


def architecture(wildcards):
    return {key: network_settings(wildcards)[key] for key in ARCHITECTURE}


def backbone(wildcards):
    """The file of a backbone of the user's own."""
    given = network_settings(wildcards)["backbone"]
    return [] if given is None else str(settings.backbone_file(given))


def training(wildcards):
    run = network_settings(wildcards)
    return {key: value for key, value in run.items() if key not in ARCHITECTURE}


def network_minutes(wildcards, attempt):
    """Epochs at 5,000 (CPU) or 100,000 (GPU) points a second, and half a minute a measurement."""
    run = network_settings(wildcards)
    rate = 1e5 if gpus(wildcards) else 5e3
    seconds = run["epochs"] * (n_points(wildcards) / rate + 30 / run["measure_every"])
    return attempt * (10 + int(seconds / 60))


def network_mem_mb(wildcards, attempt):
    """The points in float64 and float32 at every layer, and what PyTorch itself takes."""
    return attempt * (2500 + n_points(wildcards) * 100_000 // 10**6)


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
    script:
        "../scripts/measure_network.py"
