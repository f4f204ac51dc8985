# Theory: what the paper's propositions say, beside what a simulation finds.


rule simulate_theory_kernel:
    output:
        f"{TABLES}/theory_kernel.parquet",
    log:
        f"{LOGS}/simulate_theory_kernel.log",
    conda:
        COMPUTE
    threads: needs("simulate_theory_kernel", "threads")
    resources:
        mem_mb=needs("simulate_theory_kernel", "mem_mb"),
        runtime=needs("simulate_theory_kernel", "minutes"),
        disk_mb=needs("simulate_theory_kernel", "disk_mb"),
    params:
        identity=identity("simulate_theory_kernel"),
        settings=settings("simulate_theory_kernel"),
    message:
        "Simulating what ReLU features do to distances"
    script:
        "../scripts/simulate_theory_kernel.py"
