"""The workflow as a user runs it: real Snakemake, real jobs, a study of seconds."""

import contextlib
import copy
import os
import re
import shutil
import signal
import subprocess
import time
from collections import Counter
from pathlib import Path

import pandas as pd
import psutil
import pytest
import torch
import yaml
from agop_collapse.common.seeding import derive_seed
from agop_collapse.data.dataset import load_dataset
from agop_collapse.data.prepare import prepare
from agop_collapse.data.readers.digits import load as load_digits
from agop_collapse.files import tables
from agop_collapse.machine import deep_rfm
from agop_collapse.metrics import ansatz
from agop_collapse.networks import architecture as networks
from agop_collapse.networks import training as training_module
from agop_collapse.plan.catalogue import FIGURES
from agop_collapse.plan.settings import deep_rfm_runs, load, network_runs
from agop_collapse.rows import deep_rfm as deep_rfm_tables
from agop_collapse.rows import network as network_tables
from workflow_helpers import Workplace, contents, in_parallel, jobs_run

RELU = {"feature_map": "relu", "depth": 3, "width": 64}
COS = {"feature_map": "cos", "depth": 3, "n_features": 64}
MLP = {"model": "mlp", "width": 32, "epochs": 4, "measure_every": 2}
MLP |= {"momentum": 0.9, "recreate_optimizer": False}
TINY = {
    "seeds": [0, 1],
    "device": "cpu",
    "datasets": {"digits": {"kind": "digits", "n": 300, "n_test": 60}},
    "deep_rfm": [RELU, COS, RELU | {"projection": "identity"}],
    "networks": [MLP],
    "theory_kernel": {"width": 64, "draws": 2},
    "figures": {
        "fig01": {"layers": [1, 4]},
        "fig03": None,
        "fig07": None,
        "fig10": None,
        "ablation": None,
        "nfa_null": None,
        "v1_fig02": {"layers": [1, 3]},
        "v1_fig04": None,
    },
}
# Nothing but data: what lacks runs and figures.
BARE = {"datasets": {"shapes": {"kind": "digits", "n": 100}}}
PLOTS_OF_DEEP_RFM = {"plot_gram", "plot_deep_rfm_curves", "plot_ablation"}
PLOTS_OF_NETWORKS = {"plot_decomposition", "plot_ansatz", "plot_nfa_null"}


def outputs_of_figures(study: str, figures: dict) -> set[str]:
    return {f"figures/{study}/{name}.{end}" for name in figures for end in ("pdf", "png")}


FIGURE_FILES = outputs_of_figures("tiny", TINY["figures"])


@pytest.fixture(scope="module")
def tiny(tmp_path_factory) -> Workplace:
    """The tiny study, figures first and then tables, built once. Not to be changed by a test."""
    place = Workplace.make(tmp_path_factory.mktemp("tiny"), {"tiny": TINY, "bare": BARE})
    (place.work / "figures").mkdir()  # `figures/` must be a target though there is such a folder
    trace = place.trace()
    place.figures_run = place.run("figures/", environment=trace)
    place.figures_plan = place.plan("figures/")
    place.tables_run = place.run("tables", environment=trace)
    return place


@pytest.fixture(scope="module")
def fresh(tmp_path_factory) -> Workplace:
    """Where nothing is built. Not to be built in by a test."""
    return Workplace.make(tmp_path_factory.mktemp("fresh"), {"tiny": TINY, "bare": BARE})


@pytest.fixture
def spare(tiny, tmp_path) -> Workplace:
    """A copy of the built study to be changed."""
    return tiny.copy(tmp_path)


# What is built


def test_figures_with_a_slash_builds_every_figure(tiny):
    found = {f"figures/tiny/{path.name}" for path in (tiny.work / "figures" / "tiny").iterdir()}
    assert found == FIGURE_FILES
    for name in FIGURE_FILES:
        content = (tiny.work / name).read_bytes()
        assert content.startswith(b"%PDF-" if name.endswith("pdf") else b"\x89PNG\r\n")
        assert len(content) > 2000


def test_figures_need_only_the_runs_and_tables_that_they_draw(tiny):
    # With cosine features there is a picture of Gram matrices, so the first seed, and no more.
    assert jobs_run(tiny.figures_run) == {
        "prepare_data": 1,
        "build_deep_rfm": 5,
        "measure_deep_rfm": 5,
        "train_network": 2,
        "measure_network": 2,
        "simulate_theory_kernel": 1,
        "plot_gram": 2,
        "plot_deep_rfm_curves": 1,
        "plot_decomposition": 1,
        "plot_ansatz": 1,
        "plot_ablation": 1,
        "plot_nfa_null": 1,
        "plot_theory_kernel": 1,
    }
    rest = {"build_deep_rfm": 1, "measure_deep_rfm": 1, "combine_table": 6}
    assert rest.items() <= jobs_run(tiny.tables_run).items()


def test_again_there_is_nothing_to_do(tiny):
    assert tiny.figures_plan == {}
    for run in in_parallel(lambda target: tiny.run("-n", *target), [["figures/"], ["all"], []]):
        assert "Nothing to be done" in run.stdout


def test_every_table_of_the_contract_is_there_and_readable(tiny):
    folder = tiny.work / "results" / "tiny" / "tables"
    wanted = {"deep_rfm", "gram", "agop_spectrum", "network_nc", "network_nfa", "network_training"}
    found = {path.stem for path in folder.glob("*.parquet")}
    assert wanted <= found
    for name in found:
        assert len(tables.load(folder / f"{name}.parquet", name)) > 0


def test_a_table_has_the_rows_of_all_runs_once(tiny):
    folder = tiny.work / "results" / "tiny" / "tables"
    study = load({"study": "tiny", "studies": {"tiny": TINY}})["studies"]["tiny"]
    keys = {
        "deep_rfm": ["layer", "stage"],
        "gram": ["layer"],
        "agop_spectrum": ["layer", "index"],
        "network_nc": ["epoch", "layer", "stage"],
        "network_nfa": ["epoch", "layer"],
        "network_training": ["epoch"],
    }
    for name, inner in keys.items():
        runs = network_runs(study) if name.startswith("network") else deep_rfm_runs(study)
        columns = [column for column in runs[0] if column != "settings"]
        table = tables.load(folder / f"{name}.parquet", name)
        assert not table.duplicated([*columns, *inner]).any()
        expected = [tuple(run[column] for column in columns) for run in runs]
        assert list(table[columns].drop_duplicates().itertuples(index=False, name=None)) == expected


def test_deep_rfm_tables_hold_what_the_library_computes(tiny):
    run = {"dataset": "digits", "kernel": "laplace", "feature_map": "relu", "projection": "agop"}
    data = prepare(load_digits(300, 60), 300, 60)
    stored = load_dataset(tiny.work / "results/tiny/data/digits.safetensors")
    torch.testing.assert_close(stored.x, data.x, rtol=1e-6, atol=1e-6)  # stored in float32
    assert torch.equal(stored.labels, data.labels)

    study = load({"study": "tiny", "studies": {"tiny": TINY}})["studies"]["tiny"]
    settings = deep_rfm.Settings(**deep_rfm_runs(study)[1]["settings"])
    layers = list(deep_rfm.build(stored, settings, 1, torch.device("cpu")))
    assert len(layers) == 3
    expected = deep_rfm_tables.measure(layers, data.class_counts, run | {"seed": 1})
    for name in ("deep_rfm", "gram", "agop_spectrum"):
        table = tables.load(tiny.work / f"results/tiny/tables/{name}.parquet", name)
        for column, value in (run | {"seed": 1}).items():
            table = table[table[column] == value]
        table = table.reset_index(drop=True)
        pd.testing.assert_frame_equal(table, expected[name], check_dtype=False, rtol=1e-6)


def test_network_tables_hold_what_the_library_computes(tiny):
    run = {"dataset": "digits", "model": "mlp", "seed": 1}
    data = load_dataset(tiny.work / "results/tiny/data/digits.safetensors")
    architecture = networks.Architecture("mlp", MLP["width"], 0.3)
    settings = training_module.Settings("sgd", 0.05, 0.9, False, 128, 4, 2, "float32")
    x = data.x.float()

    def new_network(seed):
        return networks.build(architecture, data.image_shape, data.classes, seed)

    trainer = training_module.Trainer(new_network(1), data, settings, 1, torch.device("cpu"))
    heads = [
        (ansatz.measure_head(trainer.network, x, data.class_counts), progress)
        for _, progress in training_module.train(trainer)
        if progress
    ]
    stranger = new_network(derive_seed(1, "independent network"))
    independent = ansatz.measure_head(stranger, x, data.class_counts)
    expected = network_tables.measure(iter(heads), independent, run)
    for name, frame in expected.items():
        table = tables.load(tiny.work / f"results/tiny/tables/{name}.parquet", name)
        table = table[table["seed"] == 1].reset_index(drop=True)
        assert sorted(table["epoch"].unique()) == [0, 2, 4]
        pd.testing.assert_frame_equal(table, frame, check_dtype=False, rtol=1e-5)


def test_jobs_use_nothing_of_the_library_that_their_rule_does_not_declare(tiny):
    """Loaded or opened while the real script ran, so also what only a function imports or reads."""
    run = subprocess.run(
        tiny.command("--detailed-summary", "all"),
        cwd=tiny.repository,
        capture_output=True,
        text=True,
    )
    header, *lines = (line.split("\t") for line in run.stdout.splitlines())
    rows = [dict(zip(header, line, strict=True)) for line in lines]
    declared = {
        row["rule"]: {(tiny.work / name).resolve() for name in row["input-file(s)"].split(",")}
        for row in rows
    }
    traced = tiny.traced()
    assert {script for script, _ in traced} == set(declared)
    for script, files in traced:
        assert tiny.library / "storage.py" in files
        undeclared = {path for path in files if path.resolve() not in declared[script]}
        assert not undeclared, f"{script} uses {undeclared}"
    # That files which are no modules are noticed, too:
    assert (tiny.library / "plots" / "paper.mplstyle") in dict(traced)["plot_gram"]


# What is planned


def test_targets_are_the_figures_the_tables_or_all(fresh):
    targets = [["figures/"], ["figures"], ["tables"], ["all"], []]
    plans = in_parallel(lambda target: set(fresh.plan(*target)), targets)
    with_slash, figures, tables_, all_, default = plans
    drawn = {name for name in figures if name.startswith("figures/")}
    combined = {name for name in tables_ if "/tables/" in name}
    assert drawn == FIGURE_FILES
    assert with_slash == figures
    assert not drawn & tables_
    assert {"results/tiny/tables/deep_rfm.parquet"} < combined - figures
    assert all_ == default == figures | tables_


def test_a_figure_plans_its_own_runs_and_no_others(fresh):
    names = ["fig03", "v1_fig02", "fig07", "ablation", "v1_fig04"]
    targets = [f"figures/tiny/{name}.pdf" for name in names]
    plans = dict(zip(names, in_parallel(fresh.plan, targets), strict=True))
    runs = {
        name: {str(Path(path).parent) for path in plan if "seed" in path and "layers" not in path}
        for name, plan in plans.items()
    }
    folder = "results/tiny/deep_rfm/digits/laplace-"
    assert runs["fig03"] == {f"{folder}relu-agop/seed0", f"{folder}relu-agop/seed1"}
    assert Counter(plans["fig03"].values()) == {
        "prepare_data": 1,
        "build_deep_rfm": 2,
        "measure_deep_rfm": 2 * 4,  # its tables
        "plot_deep_rfm_curves": 2,  # pdf and png
    }
    assert runs["v1_fig02"] == {f"{folder}relu-agop/seed0"}
    assert {rule for path, rule in plans["fig07"].items() if "deep_rfm" in path} == set()
    assert "train_network" in plans["fig07"].values()
    assert len(runs["ablation"]) == 4
    assert set(plans["v1_fig04"].values()) == {"simulate_theory_kernel", "plot_theory_kernel"}


def test_every_figure_of_the_catalogue_can_be_planned(tmp_path):
    study = copy.deepcopy(TINY)
    study["networks"] = [MLP | {"model": model} for model in ("mlp", "resnet18", "vgg11")]
    study["figures"] = {
        name: {"layers": [1, 3]} if figure.plot == "gram" else None
        for name, figure in FIGURES.items()
    }
    place = Workplace.make(tmp_path, {"tiny": study})
    planned = {path for path in place.plan("figures/") if path.startswith("figures/")}
    assert planned == outputs_of_figures("tiny", FIGURES)


def test_any_folder_will_do_and_config_yaml_is_found(tmp_path):
    """With --directory, and without a config file named."""
    place = Workplace.make(tmp_path, {})
    command = place.command("-n", "figures/demo/fig03.pdf")
    start = command.index("--configfile")
    run = subprocess.run(
        [
            *command[:start],
            *command[start + 4 :],
            "--snakefile",
            str(place.repository / "Snakefile"),
        ],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert run.returncode == 0, run.stdout
    assert re.search(r"^plot_deep_rfm_curves +1$", run.stdout, flags=re.MULTILINE)


UNKNOWN = {
    "figures/tiny/fig99.pdf": ["figures/tiny/fig99.pdf"],
    "figures/tiny/fig08.pdf": ["The study tiny has no figure fig08; it has: fig01, fig03", "Add"],
    "figures/bare/fig03.pdf": ["The study bare has no figure fig03"],
    "figures/small/fig03.pdf": ["figures/small/fig03.pdf"],
    "results/tiny/data/shapes.safetensors": ["The study tiny has no data set shapes"],
    "results/tiny/data/nothing.safetensors": ["results/tiny/data/nothing.safetensors"],
    "results/tiny/tables/gramm.parquet": ["results/tiny/tables/gramm.parquet"],
    "results/bare/tables/gram.parquet": ["The study bare has no run for the table gram"],
    "results/tiny/networks/digits/vgg11/seed0/network_nc.parquet": [
        "The study tiny has no run digits, vgg11, 0"
    ],
    "results/tiny/deep_rfm/digits/laplace-relu-agop/seed7/gram.parquet": [
        "The study tiny has no run digits, laplace, relu, agop, 7"
    ],
    "results/bare/networks/shapes/mlp/seed0/checkpoints": [
        "The study bare has no run shapes, mlp, 0"
    ],
}


@pytest.fixture(scope="module")
def answers(fresh) -> dict[str, str]:
    """What Snakemake says to each unknown target."""
    runs = in_parallel(lambda target: fresh.run("-n", "--", target, succeed=False), [*UNKNOWN])
    return {target: run.stdout for target, run in zip(UNKNOWN, runs, strict=True)}


@pytest.mark.parametrize("target", UNKNOWN)
def test_target_that_cannot_be_made_is_named(answers, target):
    for part in UNKNOWN[target]:
        assert part in answers[target]
    assert "Traceback (most recent call last)" not in answers[target]


# What is derived again


GRAM_PLOTS = {"plot_gram"}
DEEP_RFM_RULES = {"build_deep_rfm", "measure_deep_rfm"} | PLOTS_OF_DEEP_RFM
NETWORK_RULES = {"train_network", "measure_network", "summarise_nfa"} | PLOTS_OF_NETWORKS
THEORY_RULES = {"simulate_theory_kernel", "plot_theory_kernel"}
ALL_PLOTS = PLOTS_OF_DEEP_RFM | PLOTS_OF_NETWORKS | {"plot_theory_kernel"}
# What is derived again, and what is not, when a remark is added to a file.
FILES = {
    "agop_collapse/plots/gram.py": (GRAM_PLOTS, ...),
    "scripts/plot_gram.py": (GRAM_PLOTS, ...),
    "agop_collapse/plots/paper.mplstyle": (ALL_PLOTS, ...),
    "agop_collapse/theory.py": (THEORY_RULES, ...),
    "agop_collapse/collapse.py": (
        {"measure_deep_rfm", "measure_network", "combine_table"} | PLOTS_OF_NETWORKS,
        {"prepare_data", "build_deep_rfm", "train_network"} | THEORY_RULES,
    ),
    "agop_collapse/kernels.py": (
        DEEP_RFM_RULES | {"combine_table"},
        {"prepare_data"} | NETWORK_RULES | THEORY_RULES,
    ),
    "agop_collapse/training.py": (
        NETWORK_RULES | {"combine_table"},
        {"prepare_data"} | DEEP_RFM_RULES | THEORY_RULES,
    ),
    "agop_collapse/data.py": (
        {"prepare_data", "combine_table"} | DEEP_RFM_RULES | NETWORK_RULES,
        THEORY_RULES,
    ),
}
# The same when a setting of the tiny study is another.
SETTINGS = {
    "description: another": (set(), ...),
    "figures.fig01.layers: [1, 4]": (set(), ...),  # as it is
    "figures.fig01.layers: [1, 3]": (GRAM_PLOTS, ...),
    "theory_kernel.draws: 3": (THEORY_RULES, ...),
    "networks.0.epochs: 6": (NETWORK_RULES | {"combine_table"}, ...),
    # Of the figures, fig01 is the only one with cosine features.
    "deep_rfm.1.gamma: 0.1": (
        {"build_deep_rfm", "measure_deep_rfm", "combine_table", "plot_gram"},
        ...,
    ),
    "datasets.digits.n: 200": (
        {"prepare_data", "combine_table"} | DEEP_RFM_RULES | NETWORK_RULES,
        THEORY_RULES,
    ),
}


def with_setting(line: str) -> dict:
    """The tiny study with one setting, as in "deep_rfm.1.gamma: 0.1", changed."""
    path, value = line.split(": ")
    *keys, last = [int(key) if key.isdigit() else key for key in path.split(".")]
    study = copy.deepcopy(TINY)
    place = study
    for key in keys:
        place = place[key]
    place[last] = yaml.safe_load(value)
    return study


@pytest.fixture(scope="module")
def rules_after_change(tiny, tmp_path_factory) -> dict[str, set[str]]:
    """The rules that Snakemake would run after each change."""

    def plan(change: str) -> set[str]:
        place = tiny.copy(tmp_path_factory.mktemp("changed"))
        if change in FILES:
            with (place.repository / "workflow" / change).open("a") as file:
                file.write("\n# a remark\n")
        else:
            place.configure({"tiny": with_setting(change), "bare": BARE})
        rules = set(place.plan("all").values())
        shutil.rmtree(place.root)
        return rules

    changes = [*FILES, *SETTINGS]
    return dict(zip(changes, in_parallel(plan, changes), strict=True))


@pytest.mark.parametrize("change", [*FILES, *SETTINGS])
def test_change_derives_again_what_depends_on_it(rules_after_change, change):
    derived, left = (FILES | SETTINGS)[change]
    rules = rules_after_change[change]
    assert rules >= derived
    if left is ...:
        assert rules == derived
    else:
        assert not rules & left


def test_touched_file_derives_nothing_again(spare):
    for path in spare.library.rglob("*.*"):
        path.touch()
    assert spare.plan("all") == {}


def test_another_seed_derives_that_seeds_runs_alone(spare):
    spare.configure({"tiny": with_setting("seeds: [0, 1, 5]"), "bare": BARE})
    plan = spare.plan("all")
    runs = [path for path, rule in plan.items() if re.match("build|train|measure", rule)]
    assert runs
    assert all("/seed5/" in path for path in runs)
    assert "prepare_data" not in plan.values()
    # One seed is all that a picture of Gram matrices shows, and that one is still the first.
    assert "plot_gram" not in plan.values()


def test_deleted_and_changed_files_are_derived_again_and_alike(spare, tiny):
    """A table of one run and a figure deleted; the module of another figure changed."""
    run = "results/tiny/deep_rfm/digits/laplace-relu-identity/seed1"
    (spare.work / run / "deep_rfm.parquet").unlink()
    (spare.work / "figures/tiny/ablation.pdf").unlink()
    with (spare.library / "plots" / "gram.py").open("a") as file:
        file.write("\n# a remark\n")
    targets = ["figures/tiny/ablation.pdf", "figures/tiny/v1_fig02.pdf"]
    assert jobs_run(spare.run(*targets)) == {
        "measure_deep_rfm": 1,
        "plot_ablation": 1,
        "plot_gram": 1,
    }
    assert contents(spare.work / "figures") == contents(tiny.work / "figures")
    assert contents(spare.work / "results") == contents(tiny.work / "results")
    assert spare.plan(*targets) == {}


# The same bits


def test_cores_do_not_change_a_bit(tmp_path):
    """With jobs of two threads, for which Snakemake has one core or two."""
    study = TINY | {
        "seeds": [3],
        "torch_threads": 2,
        "datasets": {"digits": {"kind": "digits", "n": 100}},
        "deep_rfm": [RELU],
        "figures": {"fig03": None, "fig10": None},
    }
    places = [Workplace.make(tmp_path / name, {"tiny": study}) for name in ("one", "two")]

    def build(cores: int) -> None:
        # Waiting threads let the other build's compute.
        environment = {"PYTHONHASHSEED": str(cores), "OMP_WAIT_POLICY": "passive"}
        places[cores - 1].run("figures/", cores=cores, environment=environment)

    in_parallel(build, [1, 2])
    one, two = (contents(place.work / "results") for place in places)
    assert Counter(Path(name).suffix for name in one) == {
        ".safetensors": 1 + 3 + 3,
        ".parquet": 4 + 3,
        "": 2,  # the fingerprints
    }
    assert one == two
    figures = [contents(place.work / "figures") for place in places]
    assert len(figures[0]) == 4
    assert figures[0] == figures[1]


# Killed


@pytest.fixture
def long(tmp_path) -> Workplace:
    """A study whose runs take a while, in many steps."""
    study = TINY | {
        "seeds": [0],
        "datasets": {"digits": {"kind": "digits", "n": 100}},
        "deep_rfm": [RELU | {"depth": 40}],
        "networks": [MLP | {"epochs": 300, "measure_every": 20}],
        "figures": {},
    }
    return Workplace.make(tmp_path, {"tiny": study})


def wait_for(condition, process: subprocess.Popen, seconds: float = 120) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert process.poll() is None, "it ended too early"
        assert time.monotonic() < end
        time.sleep(0.002)


def jobs_of(process: subprocess.Popen, script: str) -> list[psutil.Process]:
    """The running processes of one script below a run of Snakemake."""
    children = psutil.Process(process.pid).children(recursive=True)
    return [child for child in children if f".{script}.py" in " ".join(child.cmdline())]


def is_alive(process: psutil.Process) -> bool:
    try:
        return process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def test_killed_runs_continue_and_end_with_the_bytes_of_unbroken_ones(long):
    """Snakemake is killed, its jobs live on for a while; then they are killed, too."""
    deep = "results/tiny/deep_rfm/digits/laplace-relu-agop/seed0"
    network = "results/tiny/networks/digits/mlp/seed0"
    targets = [f"{deep}/deep_rfm.parquet", f"{network}/network_nc.parquet"]
    marks = {
        "build_deep_rfm": long.work / deep / "layers.partial" / "layer_03.safetensors",
        "train_network": long.work / network / "checkpoints.partial" / "epoch_00040.safetensors",
    }
    finals = [long.work / deep / "layers", long.work / network / "checkpoints"]

    process = subprocess.Popen(
        long.command(*targets),
        cwd=long.repository,
        env=long.environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    orphans: list[psutil.Process] = []
    try:
        waiting = dict(marks)
        while waiting:  # each is held where it is when it has come far enough
            wait_for(lambda: any(mark.exists() for mark in waiting.values()), process)
            for script in [script for script, mark in waiting.items() if mark.exists()]:
                orphans += jobs_of(process, script)
                for job in jobs_of(process, script):
                    job.suspend()
                del waiting[script]
        process.kill()
        assert process.wait() == -signal.SIGKILL
        assert not any(final.exists() for final in finals)

        locked = long.run(*targets, succeed=False)
        assert "--unlock" in locked.stdout
        long.run("--unlock")
        refused = long.run("--keep-going", *targets, succeed=False)
        for mark in marks.values():
            message = rf"^\w+: \S*{re.escape(mark.parent.name)} is in use by another process.*"
            assert re.search(f"{message} run again$", refused.stdout, flags=re.MULTILINE)
        assert all(mark.exists() for mark in marks.values())
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
    while any(is_alive(orphan) for orphan in orphans):
        time.sleep(0.01)

    continued = jobs_run(long.run(*targets))
    assert continued == {
        "build_deep_rfm": 1,
        "train_network": 1,
        "measure_deep_rfm": 1,
        "measure_network": 1,
    }
    layer = re.search(r"from layer (\d+)", long.log(f"{deep}/logs/build_deep_rfm.log"))
    epoch = re.search(r"from epoch (\d+)", long.log(f"{network}/logs/train_network.log"))
    assert 3 <= int(layer[1]) <= 40
    assert 20 <= int(epoch[1]) < 300

    resumed = contents(long.work / "results")
    assert not any(".partial" in name for name in resumed)
    for final in finals:
        shutil.rmtree(final)
    long.run("--forcerun", "build_deep_rfm", "train_network", "--", *targets)
    assert "from layer 1\n" in long.log(f"{deep}/logs/build_deep_rfm.log")
    assert "from epoch 0\n" in long.log(f"{network}/logs/train_network.log")
    unbroken = contents(long.work / "results")
    assert len([name for name in unbroken if name.endswith(".safetensors")]) == 1 + 40 + 16
    assert resumed == unbroken


# Refused


def paragraph(run: subprocess.CompletedProcess, rule: str) -> str:
    """What a failed job says, on the terminal before all that Snakemake adds."""
    said = re.search(rf"^{rule}: .*", run.stdout, flags=re.MULTILINE)
    assert said, run.stdout
    assert said.start() < run.stdout.index("Error in rule")
    assert "Traceback (most recent call last)" not in run.stdout
    return said[0]


@pytest.mark.parametrize(
    ("n", "n_test", "reason"),
    [
        (5, 0, r"no image of class 5, 6, 7, 8, 9 \(of classes 0 to 9\) among the first 5; raise n"),
        (1790, 8, r"digits has 1797 points, .* n \+ n_test = 1790 \+ 8 .*; lower n or n_test"),
    ],
)
def test_data_that_cannot_be_had_is_refused_with_the_reason(tmp_path, n, n_test, reason):
    study = {"datasets": {"digits": {"kind": "digits", "n": n, "n_test": n_test}}}
    place = Workplace.make(tmp_path, {"tiny": study})
    run = place.run("results/tiny/data/digits.safetensors", succeed=False)
    assert re.search(reason, paragraph(run, "prepare_data"))
    assert contents(place.work / "results") == {}


def test_training_that_diverges_is_refused_with_the_reason(tmp_path):
    network = MLP | {"learning_rate": 1e6, "gain": 10.0}
    study = TINY | {"seeds": [0], "networks": [network], "deep_rfm": [], "figures": {}}
    place = Workplace.make(tmp_path, {"tiny": study})
    run = place.run("tables", succeed=False)
    said = paragraph(run, "train_network")
    assert re.search(
        r"the training loss is nan in epoch 1: lower learning_rate \(now 1e\+06\)", said
    )
    assert "measure_network" not in jobs_run(run)
    folder = place.work / "results/tiny/networks/digits/mlp/seed0"
    assert not (folder / "checkpoints").exists()
    assert not list(folder.glob("*.parquet"))


def test_damaged_checkpoint_is_named_and_its_advice_works(spare, tiny):
    run = "results/tiny/deep_rfm/digits/laplace-relu-agop/seed1"
    damaged = spare.work / run / "layers" / "layer_02.safetensors"
    damaged.write_bytes(damaged.read_bytes()[:-100])
    (spare.work / run / "deep_rfm.parquet").unlink()

    failed = spare.run(f"{run}/deep_rfm.parquet", succeed=False)
    said = paragraph(failed, "measure_deep_rfm")
    assert f"{run}/layers/layer_02.safetensors is damaged" in said
    advice = re.search(r"delete (\S+) and run again", said)[1]
    assert not (spare.work / run / "deep_rfm.parquet").exists()

    shutil.rmtree(spare.work / advice)
    again = spare.run(f"{run}/deep_rfm.parquet")
    assert jobs_run(again) == {"build_deep_rfm": 1, "measure_deep_rfm": 1}
    assert contents(spare.work / run) == contents(tiny.work / run)


def test_mistakes_in_the_configuration_stop_before_any_job(tmp_path):
    fresh = Workplace.make(tmp_path, {})
    fresh.configure({"tiny": with_setting("deep_rfm.0.ridge: 1e-3") | {"sedes": [1]}})
    run = fresh.run("figures/", succeed=False)
    assert "The configuration has a mistake." in run.stdout
    assert re.search("^studies.tiny.deep_rfm.0..ridge = '1e-3' must be", run.stdout, re.MULTILINE)
    assert re.search("^studies.tiny has the unknown key 'sedes'", run.stdout, re.MULTILINE)
    assert "Traceback (most recent call last)" not in run.stdout
    assert "Job stats" not in run.stdout
    assert not (fresh.work / "results").exists()


def test_an_unknown_network_stops_before_any_job(tmp_path):
    fresh = Workplace.make(tmp_path, {"tiny": with_setting("networks.0.model: resnet81")})
    run = fresh.run("figures/", succeed=False)
    complaint = r"^studies.tiny.networks\[0\].model = 'resnet81' is not one of mlp, .*'resnet18'"
    assert re.search(complaint, run.stdout, re.MULTILINE)
    assert "Traceback (most recent call last)" not in run.stdout
    assert "Job stats" not in run.stdout
    assert not (fresh.work / "results").exists()
