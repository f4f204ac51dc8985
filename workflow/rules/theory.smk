# Theory: what the paper's propositions say, beside what a simulation finds.


rule simulate_theory_kernel:
    input:
        code=code("simulate_theory_kernel"),
    output:
        "results/{study}/tables/theory_kernel.parquet",
    log:
        "results/{study}/logs/simulate_theory_kernel.log",
    conda:
        "../../envs/compute.yaml"
    threads: torch_threads
    resources:
        mem_mb=2000,
        runtime=10,
    params:
        settings=theory_kernel_settings,
        seed=lambda wildcards: STUDIES[wildcards.study]["seeds"][0],
        torch_threads=torch_threads,
    message:
        "Simulating what ReLU features do to distances"
    script:
        "../scripts/simulate_theory_kernel.py"
