# Deep RFM: build the layers of a run, then measure their collapse.


def deep_rfm_settings(wildcards):
    return find_run(wildcards, settings.deep_rfm_runs)["settings"]


def layer_width(wildcards):
    """Dimension of the points after the first layer, near enough to plan by."""
    run = deep_rfm_settings(wildcards)
    if run["feature_map"] == "relu":
        return run["width"]
    return 3072 if run["n_features"] == "input_dim" else run["n_features"]


def deep_rfm_mem_mb(wildcards, attempt):
    """Eight n x n and d x d matrices, four n x d, in float64; and what PyTorch itself takes."""
    n, d = n_points(wildcards), layer_width(wildcards)
    return attempt * (1500 + 8 * (8 * n * n + 8 * d * d + 4 * n * d) // 10**6)


def deep_rfm_minutes(wildcards, attempt):
    """Layers at 10 (CPU thread) or 5000 (GPU) Gflop/s: the solve, W^2, the products and the root."""
    n, d = n_points(wildcards), layer_width(wildcards)
    rate = 5e12 if gpus(wildcards) else 1e10 * torch_threads(wildcards)
    flops = deep_rfm_settings(wildcards)["depth"] * (2 * n**3 + 6 * n * n * d + 30 * d**3)
    return attempt * (10 + int(2 * flops / rate / 60))


rule build_deep_rfm:
    input:
        data="results/{study}/data/{dataset}.safetensors",
        code=code("build_deep_rfm"),
    output:
        layers=directory(f"{DEEP_RFM}/layers"),
    log:
        f"{DEEP_RFM}/logs/build_deep_rfm.log",
    benchmark:
        f"{DEEP_RFM}/benchmarks/build_deep_rfm.tsv"
    conda:
        "../../envs/compute.yaml"
    threads: torch_threads
    resources:
        mem_mb=deep_rfm_mem_mb,
        runtime=deep_rfm_minutes,
        gpu=gpus,
    params:
        settings=deep_rfm_settings,
        torch_threads=torch_threads,
        device=device,
    script:
        "../scripts/build_deep_rfm.py"


rule measure_deep_rfm:
    input:
        data="results/{study}/data/{dataset}.safetensors",
        layers=f"{DEEP_RFM}/layers",
        code=code("measure_deep_rfm"),
    output:
        deep_rfm=f"{DEEP_RFM}/deep_rfm.parquet",
        gram=f"{DEEP_RFM}/gram.parquet",
        gram_picture=f"{DEEP_RFM}/gram_picture.parquet",
        agop_spectrum=f"{DEEP_RFM}/agop_spectrum.parquet",
    log:
        f"{DEEP_RFM}/logs/measure_deep_rfm.log",
    benchmark:
        f"{DEEP_RFM}/benchmarks/measure_deep_rfm.tsv"
    conda:
        "../../envs/compute.yaml"
    threads: torch_threads
    resources:
        mem_mb=deep_rfm_mem_mb,
        runtime=deep_rfm_minutes,
        gpu=gpus,
    params:
        depth=lambda wildcards: deep_rfm_settings(wildcards)["depth"],
        torch_threads=torch_threads,
        device=device,
    script:
        "../scripts/measure_deep_rfm.py"
