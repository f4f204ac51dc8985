"""Where results lie: the paths that the plan and the rules share, with Snakemake's wildcards."""

DATA = "results/{study}/data/{dataset}.safetensors"
RUN = "results/{study}/{kind}/{dataset}/{run}/seed{seed}"
TABLES = "results/{study}/tables"
TABLE = f"{TABLES}/{{table}}.parquet"
FIGURE = "figures/{study}/{figure}"
LOGS = "results/{study}/logs"
