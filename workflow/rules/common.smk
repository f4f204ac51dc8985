# The configuration as the rules see it, and what several rules share.

import os
from pathlib import Path

from snakemake.exceptions import WorkflowError

from agop_collapse.plan import catalogue, provenance, settings
from agop_collapse.data import archives as downloads
from agop_collapse.files import resumable

LIBRARY = Path(workflow.basedir, "workflow", "agop_collapse")
SCRIPTS = Path(workflow.basedir, "workflow", "scripts")
STYLE_SHEET = os.path.relpath(LIBRARY / "plots" / "paper.mplstyle")

try:
    config = settings.load(config)
except settings.ConfigError as error:
    raise WorkflowError(f"The configuration has a mistake.\n{error}") from None

STUDIES = config["studies"]
DEFAULT_STUDY = config["study"]

# The variable is for clusters and shared machines, whose data lie where no configuration knows.
DATA_ROOT = os.path.expanduser(os.environ.get("AGOP_COLLAPSE_DATA") or config["data_root"])

# The folder of a run, by the columns that name it in the tables.
DEEP_RFM = "results/{study}/deep_rfm/{dataset}/{kernel}-{feature_map}-{projection}/seed{seed}"
NETWORK = "results/{study}/networks/{dataset}/{model}/seed{seed}"


wildcard_constraints:
    study="|".join(STUDIES),
    dataset="|".join({name for study in STUDIES.values() for name in study["datasets"]}),
    kernel="[a-z]+",
    feature_map="[a-z]+",
    projection="[a-z]+",
    model="[A-Za-z0-9_]+",
    seed="[0-9]+",
    table="[a-z_]+",
    figure="|".join(catalogue.FIGURES),


def code(script):
    """The script's library modules, as inputs: a changed formula derives its results again."""
    modules = provenance.modules_used(SCRIPTS / f"{script}.py", LIBRARY)
    return [os.path.relpath(module) for module in modules]


def find_run(wildcards, runs):
    """The run of the study, one of `runs(study)`, that a path's wildcards name."""
    study = STUDIES[wildcards.study]
    columns = [*catalogue.DEEP_RFM_COLUMNS, "model", "seed"]
    named = {key: wildcards[key] for key in columns if key in wildcards.keys()}
    for run in runs(study):
        if all(str(run[key]) == value for key, value in named.items()):
            return run
    raise WorkflowError(
        f"The study {wildcards.study} has no run {', '.join(named.values())} in the configuration."
    )


def part(study, run, table):
    """Path of one table of one run."""
    folder = NETWORK if "model" in run else DEEP_RFM
    return f"{folder.format(study=study, **run)}/{table}.parquet"


def torch_threads(wildcards):
    return STUDIES[wildcards.study]["torch_threads"]


def device(wildcards):
    return STUDIES[wildcards.study]["device"]


def gpus(wildcards):
    return 0 if device(wildcards) == "cpu" else 1


# Data sets: the first n images, standardised, sorted by class.


def dataset_settings(wildcards):
    datasets = STUDIES[wildcards.study]["datasets"]
    if wildcards.dataset not in datasets:
        raise WorkflowError(f"The study {wildcards.study} has no data set {wildcards.dataset}.")
    return datasets[wildcards.dataset]


def n_points(wildcards):
    return dataset_settings(wildcards)["n"]


def public_folder(kind):
    """Parameter function: the folder of a public data set."""

    def folder(wildcards):
        return os.path.join(DATA_ROOT, kind)

    return folder


def data_path(wildcards):
    """Where the images of a data set lie; nowhere, if they come with a package."""
    dataset = dataset_settings(wildcards)
    if dataset["kind"] in downloads.ARCHIVES:
        return os.path.join(DATA_ROOT, dataset["kind"])
    return dataset["path"]


def data_files(wildcards):
    """What a data set is made of."""
    dataset = dataset_settings(wildcards)
    if dataset["kind"] in downloads.ARCHIVES:
        return downloads.files_of(dataset["kind"], data_path(wildcards))
    own = {key: dataset[key] for key in ("path", "test_path") if dataset[key] is not None}
    for key, path in own.items():
        if not os.path.exists(path):
            where = f"studies.{wildcards.study}.datasets.{wildcards.dataset}.{key}"
            raise WorkflowError(f"{where} = {path!r}: no such file or folder in {os.getcwd()}")
    return list(own.values())


def public_files(study):
    """Files of all public data sets of a study."""
    kinds = {dataset["kind"] for dataset in STUDIES[study]["datasets"].values()}
    return [
        file
        for kind in sorted(kinds & set(downloads.ARCHIVES))
        for file in downloads.files_of(kind, os.path.join(DATA_ROOT, kind))
    ]


def data_listing(wildcards):
    """Files of image folders with sizes and times; of a folder, Snakemake sees its own time only."""
    folders = [path for path in data_files(wildcards) if os.path.isdir(path)]
    return resumable.fingerprint([], listings=[resumable.listing(folder) for folder in folders])


def data_mem_mb(wildcards, attempt):
    """The images twice in float64, taken for 64 x 64 if that is not known; and what PyTorch takes."""
    dataset = dataset_settings(wildcards)
    grey = {"digits": 8, "mnist": 28, "fashion_mnist": 28, "kmnist": 28}
    colour = {"cifar10": 32, "svhn": 32}
    if dataset["kind"] in grey:
        values = grey[dataset["kind"]] ** 2
    else:
        values = 3 * (dataset["size"] or colour.get(dataset["kind"], 64)) ** 2
    return attempt * (1500 + 16 * (dataset["n"] + dataset["n_test"]) * values // 10**6)


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
    """One n x n array, three of its panels, six n x d and d x d; and what PyTorch itself takes."""
    n, d = n_points(wildcards), layer_width(wildcards)
    rows = min(n, deep_rfm_settings(wildcards)["block_rows"])
    numbers = n * n + 3 * n * rows + 6 * n * d + 6 * d * d
    return attempt * (1500 + 8 * numbers // 10**6)


def deep_rfm_minutes(wildcards, attempt):
    """Layers at 10 (CPU thread) or 5000 (GPU) Gflop/s: W^2, the solve, the products and the root."""
    n, d = n_points(wildcards), layer_width(wildcards)
    rate = 5e12 if gpus(wildcards) else 1e10 * torch_threads(wildcards)
    flops = deep_rfm_settings(wildcards)["depth"] * (2 * n**3 + 6 * n * n * d + 20 * d**3)
    return attempt * (10 + int(2 * flops / rate / 60))


# Networks: train a run, keeping its weights at the measured epochs, then measure these.


def network_settings(wildcards):
    return find_run(wildcards, settings.network_runs)["settings"]


ARCHITECTURE = ("model", "width", "gain", "backbone")


def architecture(wildcards):
    return {key: network_settings(wildcards)[key] for key in ARCHITECTURE}


def backbone(wildcards):
    """The file of a backbone of the user's own."""
    given = network_settings(wildcards)["backbone"]
    return [] if given is None else str(settings.backbone_file(given))


def training(wildcards):
    run = network_settings(wildcards)
    return {key: value for key, value in run.items() if key not in ARCHITECTURE}


def network_minutes(wildcards, attempt):
    """Epochs at 5,000 (CPU) or 100,000 (GPU) points a second, and half a minute a measurement."""
    run = network_settings(wildcards)
    rate = 1e5 if gpus(wildcards) else 5e3
    seconds = run["epochs"] * (n_points(wildcards) / rate + 30 / run["measure_every"])
    return attempt * (10 + int(seconds / 60))


def network_mem_mb(wildcards, attempt):
    """The points in float64 and float32 at every layer, and what PyTorch itself takes."""
    return attempt * (2500 + n_points(wildcards) * 100_000 // 10**6)


# Theory: what the paper's propositions say, beside what a simulation finds.


def theory_kernel_settings(wildcards):
    return STUDIES[wildcards.study]["theory_kernel"]


# A study's tables: the rows of all its runs.
DEEP_RFM_TABLES = ["deep_rfm", "gram", "agop_spectrum"]
NETWORK_TABLES = ["network_nc", "network_nfa", "network_training"]


def parts_of_table(wildcards):
    """The table of each run, in the order of the configuration."""
    study = STUDIES[wildcards.study]
    network = wildcards.table in NETWORK_TABLES
    runs = settings.network_runs(study) if network else settings.deep_rfm_runs(study)
    if not runs:
        raise WorkflowError(
            f"The study {wildcards.study} has no run for the table {wildcards.table}."
        )
    return [part(wildcards.study, run, wildcards.table) for run in runs]


def figure_tables(study):
    """Tables of the study as a whole that its figures are drawn from."""
    plots = [catalogue.PLOTS[catalogue.FIGURES[name].plot] for name in STUDIES[study]["figures"]]
    return sorted({table for plot in plots if not plot.columns for table in plot.tables})


def tables_of_study(study):
    names = DEEP_RFM_TABLES if STUDIES[study]["deep_rfm"] else []
    names = names + ([*NETWORK_TABLES, "nfa_summary"] if STUDIES[study]["networks"] else [])
    names = names + figure_tables(study)
    return expand("results/{study}/tables/{table}.parquet", study=study, table=names)


# Figures: a rule for each kind of plot. A figure needs the runs that it draws and no others.


def figure_runs(wildcards):
    study = STUDIES[wildcards.study]
    if wildcards.figure not in study["figures"]:
        raise WorkflowError(
            f"The study {wildcards.study} has no figure {wildcards.figure}; it has: "
            f"{', '.join(study['figures'])}. Add it to the study's figures in the configuration."
        )
    return settings.figure_runs(study, wildcards.figure)


def parts(table):
    """Input function: this table of each run of a figure, or of the study as a whole."""

    def paths(wildcards):
        runs = figure_runs(wildcards)
        if not runs:
            return [f"results/{wildcards.study}/tables/{table}.parquet"]
        return [part(wildcards.study, run, table) for run in runs]

    return paths


def figure_rows(wildcards):
    return settings.figure_rows(STUDIES[wildcards.study], wildcards.figure)


def figure_layers(wildcards):
    return STUDIES[wildcards.study]["figures"][wildcards.figure]["layers"]


def figure_options(wildcards):
    return catalogue.FIGURES[wildcards.figure].options


def footer(wildcards):
    """What a reader must know of where the figure comes from."""
    runs = figure_runs(wildcards)
    if not runs:
        return f"study {wildcards.study}; simulated"
    sizes = {run["dataset"]: STUDIES[wildcards.study]["datasets"][run["dataset"]] for run in runs}
    points = ", ".join(
        f"{catalogue.NAMES.get(name, name)} (n = {dataset['n']:,})"
        for name, dataset in sizes.items()
    )
    seeds = sorted({run["seed"] for run in runs})
    drawn = f"seed{'s' if len(seeds) > 1 else ''} {', '.join(map(str, seeds))}"
    return f"study {wildcards.study}; {points}; {drawn}"
