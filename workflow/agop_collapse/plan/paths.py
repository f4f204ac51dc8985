"""Where results lie: the paths that the plan and the rules share, with Snakemake's wildcards."""

RESULTS = "results/{study}"
DATA = f"{RESULTS}/data/{{dataset}}.safetensors"
RUN = f"{RESULTS}/{{kind}}/{{dataset}}/{{run}}/seed{{seed}}"
TABLES = f"{RESULTS}/tables"
TABLE = f"{TABLES}/{{table}}.parquet"
LOGS = f"{RESULTS}/logs"
FIGURE = "figures/{study}/{figure}"
