# Data sets: the first n images, standardised, sorted by class.


def dataset_settings(wildcards):
    datasets = STUDIES[wildcards.study]["datasets"]
    if wildcards.dataset not in datasets:
        raise WorkflowError(f"The study {wildcards.study} has no data set {wildcards.dataset}.")
    return datasets[wildcards.dataset]


def n_points(wildcards):
    return dataset_settings(wildcards)["n"]


rule prepare_data:
    input:
        code=code("prepare_data"),
    output:
        "results/{study}/data/{dataset}.safetensors",
    log:
        "results/{study}/logs/prepare_data/{dataset}.log",
    conda:
        "../../envs/compute.yaml"
    resources:
        mem_mb=2000,
        runtime=10,
    params:
        settings=dataset_settings,
    script:
        "../scripts/prepare_data.py"
