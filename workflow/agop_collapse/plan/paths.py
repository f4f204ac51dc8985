"""Where results lie: the paths that the plan and the rules share, with Snakemake's wildcards."""

RESULTS = "results/{study}"
DATA = f"{RESULTS}/data/{{dataset}}.safetensors"
RUN = f"{RESULTS}/{{kind}}/{{dataset}}/{{run}}/seed{{seed}}"
FEATURES = f"{RUN}/features"
EPOCH_FEATURES = f"{FEATURES}/epoch_{{epoch:05d}}"
TABLES = f"{RESULTS}/tables"
TABLE = f"{TABLES}/{{table}}.parquet"
# Of all studies; no study has a name with a dot.
STORE = "results/.store"
LOGS = f"{RESULTS}/logs"
FIGURE = "figures/{study}/{figure}"
