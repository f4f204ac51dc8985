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


rule derive_theory:
    output:
        theory_recursion=f"{TABLES}/theory_recursion.parquet",
        theory_rate=f"{TABLES}/theory_rate.parquet",
        theory_objective=f"{TABLES}/theory_objective.parquet",
        theory_random_features=f"{TABLES}/theory_random_features.parquet",
        theory_claims=f"{TABLES}/theory_claims.parquet",
    log:
        f"{LOGS}/derive_theory.log",
    conda:
        COMPUTE
    threads: needs("derive_theory", "threads")
    resources:
        mem_mb=needs("derive_theory", "mem_mb"),
        runtime=needs("derive_theory", "minutes"),
        disk_mb=needs("derive_theory", "disk_mb"),
    params:
        identity=identity("derive_theory"),
        settings=settings("derive_theory"),
    message:
        "Computing what the paper's theorems say, and what holds"
    script:
        "../scripts/derive_theory.py"
