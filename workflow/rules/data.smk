# Data sets: the first n images, standardised, sorted by class.


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
