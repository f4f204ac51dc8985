# Deep RFM: build the layers of a run, then measure their collapse.


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
    message:
        "Deep RFM on {wildcards.dataset}: {wildcards.kernel} kernel, {wildcards.feature_map}"
        " features, projection {wildcards.projection}, seed {wildcards.seed}"
        " ({resources.mem_mb} MB, {resources.runtime} min, {resources.gpu} GPU)"
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
    message:
        "Measuring Deep RFM on {wildcards.dataset}: {wildcards.kernel}, {wildcards.feature_map},"
        " {wildcards.projection}, seed {wildcards.seed}"
        " ({resources.mem_mb} MB, {resources.runtime} min, {resources.gpu} GPU)"
    script:
        "../scripts/measure_deep_rfm.py"
