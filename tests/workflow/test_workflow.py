"""The workflow as a user runs it: real Snakemake, real jobs, studies of seconds."""

import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import time
from collections import Counter
from pathlib import Path

import numpy as np
import oracle
import pandas as pd
import psutil
import pytest
import torch
from agop_collapse.common.lookup import find_object
from agop_collapse.common.seeding import derive_seed
from agop_collapse.data.dataset import load_dataset
from agop_collapse.data.prepare import prepare
from agop_collapse.data.readers.digits import load as load_digits
from agop_collapse.files import tables
from agop_collapse.files.columns import OF_A_RUN, THEORY
from agop_collapse.files.stamp import read_identity
from agop_collapse.machine import deep_rfm
from agop_collapse.machine.kernels.laplace import kernel as laplace
from agop_collapse.metrics import head_collapse
from agop_collapse.metrics.head import measure_head
from agop_collapse.networks import architecture as networks
from agop_collapse.networks import training as training_module
from agop_collapse.plan.code_digest import files_reached
from agop_collapse.plan.figure_kinds import PAPER_FIGURES
from agop_collapse.plan.paths import STORE
from agop_collapse.plan.settings import Network as NetworkSettings
from agop_collapse.rows import deep_rfm as deep_rfm_rows
from agop_collapse.rows import network as network_rows
from safetensors.numpy import load_file
from studies import MLP, RELU, STUDIES, TINY, with_settings
from workflow_helpers import Trace, Workplace, contents, in_parallel, jobs_run

pytestmark = pytest.mark.slow

SEED0 = "results/tiny/{}/digits/{}/seed0"


def outputs_of_figures(study: str, figures: dict) -> set[str]:
    return {f"figures/{study}/{name}.{end}" for name in figures for end in ("pdf", "png")}


FIGURE_FILES = outputs_of_figures("tiny", TINY["figures"])
TABLES = {
    "deep_rfm": ["layer", "stage"],
    "gram": ["layer"],
    "classes": ["class"],
    "agop_spectrum": ["layer", "index"],
    "attribution": ["layer"],
    "rates": ["stage"],
    "predictor": [],
    "theory_layers": ["layer"],
    "network_nc": ["epoch", "layer", "stage"],
    "network_readout": ["epoch"],
    "network_attribution": ["epoch", "layer"],
    "network_rates": ["epoch", "stage"],
    "network_nfa": ["epoch", "layer"],
    "network_ansatz": ["epoch", "layer", "weights", "jacobians", "power"],
    "network_ranks": ["epoch", "layer"],
    "network_spectrum": ["epoch", "layer", "of", "index"],
    "network_training": ["epoch"],
}


LEDGER = ("claims.parquet", "claim_values.parquet", "claims.html")


def table(place: Workplace, name: str, study: str = "tiny") -> pd.DataFrame:
    path = place.work / f"results/{study}/tables/{name}.parquet"
    return tables.load(path, name, read_identity(path))


# What is built


def test_features_are_the_points_that_were_measured(spare):
    folder = spare.work / SEED0.format("networks", "mlp")
    assert not (folder / "features").exists()
    spare.run("features", f"{SEED0.format('networks', 'mlp')}/features/epoch_00002")
    assert "Nothing to be done" in spare.run("features", "-n").stdout
    last = load_file(folder / "features" / "epoch_00004" / "layer_05.safetensors")
    counts = np.bincount(last["train_labels"]).tolist()
    assert sum(counts) == 300
    nc = pd.read_parquet(folder / "network_nc.parquet")
    for epoch, layer in ((2, 1), (4, 5)):
        points = load_file(folder / f"features/epoch_{epoch:05d}/layer_{layer:02d}.safetensors")
        for stage, name in (("right", "preactivation"), ("full", "activation")):
            at = (nc["epoch"] == epoch) & (nc["layer"] == layer) & (nc["stage"] == stage)
            expected = oracle.nc1(points[f"train_{name}"].astype(float), counts)
            assert nc.loc[at, "nc1"].item() == pytest.approx(expected, rel=1e-6)
            assert len(points[f"test_{name}"]) == len(points["test_labels"]) == 60
    deep = spare.work / SEED0.format("deep_rfm", "laplace-relu-agop")
    measured = pd.read_parquet(deep / "deep_rfm.parquet")
    for layer in (1, 2, 3):
        points = load_file(deep / f"features/layer_{layer:02d}.safetensors")
        for stage in ("X", "MX", "PhiMX"):
            at = (measured["layer"] == layer) & (measured["stage"] == stage)
            expected = oracle.nc1(points[f"train_{stage}"], counts)
            assert measured.loc[at, "nc1"].item() == pytest.approx(expected, rel=1e-9)
            assert points[f"test_{stage}"].shape == (60, points[f"train_{stage}"].shape[1])


def test_figures_with_a_slash_builds_every_figure(tiny):
    found = {f"figures/tiny/{path.name}" for path in (tiny.work / "figures" / "tiny").iterdir()}
    assert found == FIGURE_FILES
    for name in FIGURE_FILES:
        content = (tiny.work / name).read_bytes()
        assert content.startswith(b"%PDF-" if name.endswith("pdf") else b"\x89PNG\r\n")
        assert len(content) > 2000


def test_every_job_is_run_once(tiny):
    """By `figures/`, which makes the tables too, so that the default has but claims to check."""
    jobs = json.loads((tiny.root / "jobs.json").read_text())
    assert jobs["figures/"] == {
        "prepare_data": 1,
        "build_deep_rfm": 6,
        "measure_deep_rfm": 6,
        "train_network": 2,
        "measure_network": 2,
        "simulate_theory_kernel": 1,
        "derive_theory": 1,
        "combine_deep_rfm": 1,
        "combine_networks": 1,
        "summarise_nfa": 1,
        "list_runs": 1,
        "plot_figure": 11,
    }
    assert jobs["all"] == {"check_claims": 1}
    assert jobs["bare"] == {"prepare_data": 1, "list_runs": 1, "check_claims": 1}


def test_again_there_is_nothing_to_do(tiny):
    targets = [["figures/"], ["tables"], ["all"], []]
    for run in in_parallel(lambda target: tiny.run("-n", *target), targets):
        assert "Nothing to be done" in run.stdout
        assert "made by other settings" not in run.stdout


def test_a_runs_folder_has_its_record_layers_and_tables(tiny):
    deep_rfm_run = tiny.work / SEED0.format("deep_rfm", "laplace-relu-agop")
    network = tiny.work / SEED0.format("networks", "mlp")
    for folder, expected in (
        (deep_rfm_run, {"layers", *OF_A_RUN["deep_rfm"]}),
        (network, {"checkpoints", *OF_A_RUN["networks"]}),
    ):
        found = {path.stem for path in folder.iterdir()}
        assert found == expected | {"run", "logs", "benchmarks"}
    record = json.loads((network / "run.json").read_text())
    assert record["settings"] == dict(NetworkSettings(**MLP))
    assert (record["study"], record["dataset"], record["run"], record["seed"]) == (
        *("tiny", "digits", "mlp", 0),
    )
    assert record["dataset_settings"]["n_test"] == 60
    assert record["device"] == "cpu"
    assert record["versions"]["torch"].partition("+")[0] == torch.__version__.partition("+")[0]
    assert record["identity"] == read_identity(network / "checkpoints")


def test_every_file_has_the_identity_that_is_planned(tiny):
    for study in STUDIES:
        planned = tiny.identities(study)
        assert {path: read_identity(tiny.work / path) for path in planned} == planned
    folders = [tiny.work / path for path in planned if (tiny.work / path).is_dir()]
    for folder in folders:
        files = list(folder.glob("*.safetensors"))
        assert files
        assert {read_identity(path) for path in files} == {read_identity(folder)}


def test_every_table_of_the_contract_is_there_and_readable(tiny):
    found = {path.stem for path in (tiny.work / "results/tiny/tables").glob("*.parquet")}
    assert found == {*TABLES, "nfa_summary", "theory_kernel", *THEORY, "runs"}
    for name in found - {"runs"}:
        assert len(table(tiny, name)) > 0


def test_a_runs_table_holds_what_was_measured_and_a_studys_the_runs_before_it(tiny):
    of_kind = {
        "deep_rfm": ["kernel", "feature_map", "projection"],
        "networks": ["model"],
    }
    for name in TABLES:
        kind = "networks" if name.startswith("network") else "deep_rfm"
        run = "mlp" if kind == "networks" else "laplace-relu-agop"
        path = tiny.work / SEED0.format(kind, run) / f"{name}.parquet"
        own = pd.read_parquet(path)
        whole = table(tiny, name)
        first = ["study", "dataset", "run", "seed", *of_kind[kind]]
        assert list(whole) == first + list(own)
        chosen = whole[(whole["run"] == run) & (whole["seed"] == 0)]
        pd.testing.assert_frame_equal(
            chosen[list(own)].reset_index(drop=True), own, check_exact=True
        )


def test_a_table_has_the_rows_of_all_runs_once(tiny):
    deep = ["laplace-relu-agop", "laplace-cos-agop", "laplace-relu-identity"]
    for name, inner in TABLES.items():
        whole = table(tiny, name)
        columns = ["study", "dataset", "run", "seed"]
        assert not whole.duplicated([*columns, *inner]).any()
        names = ["mlp"] if name.startswith("network") else deep
        expected = [("tiny", "digits", run, seed) for run in names for seed in (0, 1)]
        found = whole[columns].drop_duplicates().itertuples(index=False, name=None)
        assert list(found) == expected


def prepared(place: Workplace):
    path = place.work / "results/tiny/data/digits.safetensors"
    return load_dataset(path, read_identity(path))


def test_deep_rfm_tables_hold_what_the_library_computes(tiny):
    data = prepare(load_digits(300, 60), 300, 60)
    stored = prepared(tiny)
    torch.testing.assert_close(stored.x, data.x, rtol=1e-6, atol=1e-6)  # stored in float32
    assert torch.equal(stored.labels, data.labels)

    record = json.loads(
        (tiny.work / SEED0.format("deep_rfm", "laplace-relu-agop") / "run.json").read_text()
    )
    settings = deep_rfm.Settings(**record["settings"] | {"kernel": laplace})
    layers = list(deep_rfm.build(stored, settings, 1, torch.device("cpu")))
    assert len(layers) == 3
    expected = deep_rfm_rows.measure(layers, stored)
    for name in ("deep_rfm", "gram", "agop_spectrum", "attribution", "rates"):
        whole = table(tiny, name)
        found = whole[(whole["run"] == "laplace-relu-agop") & (whole["seed"] == 1)]
        found = found[list(expected[name])].reset_index(drop=True)
        pd.testing.assert_frame_equal(found, expected[name], check_dtype=False, rtol=1e-6)

    predictor = deep_rfm.fit_predictor(stored, settings, torch.device("cpu"), layers)
    expected = deep_rfm_rows.predictor_table(predictor)
    whole = table(tiny, "predictor")
    found = whole[(whole["run"] == "laplace-relu-agop") & (whole["seed"] == 1)]
    found = found[list(expected)].reset_index(drop=True)
    pd.testing.assert_frame_equal(found, expected, check_dtype=False, rtol=1e-6)


def test_network_tables_hold_what_the_library_computes(tiny):
    data = prepared(tiny)
    backbone, relu, mse = (
        find_object(f"agop_collapse.networks.{place}")
        for place in ("backbones.mlp:backbone", "activations.relu:activation", "losses.mse:loss")
    )
    architecture = networks.Architecture("mlp", MLP["width"], 1.0, backbone, relu)
    settings = training_module.Settings("sgd", 0.05, 0.9, False, 128, 4, 2, "float32", mse)
    x, test_x = data.x.float(), data.test_x.float()

    def new_network(seed):
        return networks.build(architecture, data.image_shape, data.classes, seed)

    def trained(seed):
        network = new_network(seed)
        trainer = training_module.Trainer(network, data, settings, seed, torch.device("cpu"))
        for _, progress in training_module.train(trainer):
            if progress:
                head = measure_head(network, x, data.class_counts, loss=mse, spectra=True)
                yield progress, head_collapse.measure(network, x, test_x, data), head

    found = (
        network_rows.Found(*own, other)
        for own, (*_, other) in zip(trained(1), trained(0), strict=True)
    )
    untrained = new_network(derive_seed(1, "independent network"))
    untrained_head = measure_head(untrained, x, data.class_counts)
    expected = network_rows.measure(found, untrained_head, settings, data.classes)
    for name, frame in expected.items():
        whole = table(tiny, name)
        found = whole[whole["seed"] == 1][list(frame)].reset_index(drop=True)
        assert sorted(found["epoch"].unique()) == [0, 2, 4]
        pd.testing.assert_frame_equal(found, frame, check_dtype=False, rtol=1e-5, atol=1e-9)


# What of a job's settings names a file of code that counts as the job's own.
NAMED = {
    "prepare_data": ["reader"],
    "build_deep_rfm": ["kernel"],
    "measure_deep_rfm": ["kernel"],
    "train_network": ["backbone", "activation", "loss"],
    "measure_network": ["backbone", "activation", "loss"],
    "plot_figure": ["plot"],
}


def counted(place: Workplace, job: Trace) -> set[Path]:
    """The files of code that a job's identity is of."""
    given = job.given | job.given.get("settings", {})
    modules = [given[key].partition(":")[0] for key in NAMED.get(job.script, [])]
    entries = [place.library.parent / f"{module.replace('.', '/')}.py" for module in modules]
    script = place.library.parent / "scripts" / f"{job.script}.py"
    return set(files_reached(script, place.library, entries))


def test_jobs_use_nothing_of_the_workflow_that_does_not_count(tiny):
    """Loaded or opened while the real script ran, so also what only a function imports or reads."""
    jobs = tiny.traced()
    ran = json.loads((tiny.root / "jobs.json").read_text())
    expected = ran["figures/"] | ran["all"]
    combined = [expected.pop(f"combine_{kind}") for kind in ("deep_rfm", "networks")]
    assert Counter(job.script for job in jobs) == expected | {"combine_tables": sum(combined)}
    style = tiny.library / "plots" / "paper.mplstyle"  # counts by content
    for job in jobs:
        assert tiny.library / "common" / "errors.py" in job.files
        assert tiny.library.parent / "scripts" / "agop_collapse_job.py" in job.files
        assert not any(tiny.library / "plan" in path.parents for path in job.files)
        uncounted = job.files - counted(tiny, job)
        assert uncounted == ({style} if job.script == "plot_figure" else set()), job.script
    # What is found by its place is used, too:
    used = {path for job in jobs for path in job.files}
    for name in ("machine/kernels/laplace.py", "networks/losses/mse.py", "plots/gram.py"):
        assert tiny.library / name in used


# What is planned


def test_targets_are_the_figures_the_tables_or_all(fresh):
    targets = [["figures/"], ["figures"], ["tables"], ["claims"], ["all"], []]
    plans = in_parallel(lambda target: set(fresh.plan(*target)), targets)
    with_slash, figures, tables_, claims, all_, default = plans
    drawn = {name for name in figures if name.startswith("figures/")}
    assert drawn == FIGURE_FILES
    assert with_slash == figures
    assert figures == drawn | tables_
    assert {f"results/tiny/tables/{name}.parquet" for name in TABLES} < tables_
    ledger = {f"results/tiny/{name}" for name in LEDGER}
    assert claims == tables_ | ledger
    assert all_ == default == figures | ledger


def test_all_is_what_no_figure_needs_too(fresh):
    plans = in_parallel(lambda target: fresh.plan(target, study="bare"), ["figures/", "all"])
    runs, data = "results/bare/tables/runs.parquet", "results/bare/data/shapes.safetensors"
    ledger = {f"results/bare/{name}": "check_claims" for name in LEDGER}
    assert plans == [
        {runs: "list_runs"},
        {runs: "list_runs", data: "prepare_data"} | ledger,
    ]


def test_a_figure_plans_its_own_runs_and_no_others(fresh):
    names = ["fig03", "fig01", "fig07", "ablation", "v1_fig04"]
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
        "build_deep_rfm": 2 * 2,  # layers and record
        "measure_deep_rfm": 2 * 9,  # its tables
        "plot_figure": 2,  # pdf and png
    }
    # A picture of Gram matrices is of one seed.
    assert runs["fig01"] == {f"{folder}relu-agop/seed0", f"{folder}cos-agop/seed0"}
    assert {rule for path, rule in plans["fig07"].items() if "deep_rfm" in path} == set()
    assert "train_network" in plans["fig07"].values()
    assert len(runs["ablation"]) == 4
    assert set(plans["v1_fig04"].values()) == {"simulate_theory_kernel", "plot_figure"}


def test_every_figure_of_the_paper_can_be_planned(tmp_path):
    models = [MLP | {"model": model} for model in ("mlp", "resnet18", "vgg11")]
    study = TINY | {"networks": models, "figures": dict.fromkeys(PAPER_FIGURES)}
    place = Workplace.make(tmp_path, {"tiny": study})
    planned = {path for path in place.plan("figures/") if path.startswith("figures/")}
    assert planned == outputs_of_figures("tiny", PAPER_FIGURES)


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
    assert re.search(r"^plot_figure +1$", run.stdout, flags=re.MULTILINE)


UNKNOWN = {
    "figures/tiny/fig99.pdf": ["The study tiny has no figure fig99", "Add"],
    "figures/tiny/fig08.pdf": ["The study tiny has no figure fig08", "Add"],
    "figures/bare/fig03.pdf": ["The study bare has no figure fig03; it has: none"],
    "figures/small/fig03.pdf": ["figures/small/fig03.pdf"],
    "results/tiny/data/shapes.safetensors": ["The study tiny has no data set shapes"],
    "results/tiny/data/nothing.safetensors": [
        "The study tiny has no data set nothing; it has: digits"
    ],
    "results/tiny/tables/gramm.parquet": ["results/tiny/tables/gramm.parquet"],
    "results/bare/tables/gram.parquet": ["The study bare has no deep_rfm to make tables of"],
    "results/tiny/networks/digits/vgg11/seed0/network_nc.parquet": [
        "The study tiny has no run digits, vgg11, seed 0 of networks",
        "its runs are: mlp.",
    ],
    "results/sweeps/networks/digits/mlp,gain=2/seed0/network_nc.parquet": [
        "The study sweeps has no run digits, mlp,gain=2, seed 0 of networks",
        "its runs are: mlp,gain=0.3, mlp,gain=1.",
    ],
    "results/tiny/deep_rfm/digits/laplace-relu-agop/seed7/gram.parquet": [
        "The study tiny has no run digits, laplace-relu-agop, seed 7 of deep_rfm",
        "its runs are: laplace-relu-agop, laplace-cos-agop, laplace-relu-identity.",
    ],
    "results/bare/networks/shapes/mlp/seed0/checkpoints": [
        "The study bare has no run shapes, mlp, seed 0 of networks",
        "its runs are: none.",
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

    targets = ["figures/tiny/fig03.pdf", "figures/tiny/fig10.pdf"]

    def build(cores: int) -> None:
        # Waiting threads let the other build's compute.
        environment = {"PYTHONHASHSEED": str(cores), "OMP_WAIT_POLICY": "passive"}
        places[cores - 1].run(*targets, cores=cores, environment=environment)

    in_parallel(build, [1, 2])
    one, two = (contents(place.work / "results") for place in places)
    assert Counter(Path(name).suffix for name in one) == {
        ".safetensors": 1 + (3 + 1) + 3,
        ".parquet": 9 + 9,
        ".json": 2,
        "": 2,  # the marks of layers and checkpoints
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
            message = rf"^    \w+: \S*{re.escape(mark.parent.name)} is in use by another process.*"
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
    for final in (*finals, long.work / STORE):
        shutil.rmtree(final)
    long.run("--forcerun", "build_deep_rfm", "train_network", "--", *targets)
    assert "from layer 1\n" in long.log(f"{deep}/logs/build_deep_rfm.log")
    assert "from epoch 0\n" in long.log(f"{network}/logs/train_network.log")
    unbroken = contents(long.work / "results")
    assert len([name for name in unbroken if name.endswith(".safetensors")]) == 1 + (40 + 1) + 16
    assert resumed == unbroken


# Refused


def paragraph(run: subprocess.CompletedProcess, rule: str) -> str:
    """What a failed job says, on the terminal; once."""
    said = re.search(rf"^    {rule}: .*", run.stdout, flags=re.MULTILINE)
    assert said, run.stdout
    assert run.stdout.count(said[0]) == 1
    assert "Traceback (most recent call last)" not in run.stdout
    return said[0]


@pytest.mark.parametrize(
    ("n", "n_test", "reason"),
    [
        (5, 0, r"no image of class 5, 6, 7, 8, 9 among the first 5 \(n\); raise n to 10 or more"),
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
    folder = place.work / SEED0.format("networks", "mlp")
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
    fresh.configure(with_settings("deep_rfm.0.ridge: 1e-3; sedes: [1]"))
    run = fresh.run("figures/", succeed=False)
    assert "The configuration has a mistake." in run.stdout
    assert re.search("^studies.tiny.deep_rfm.0..ridge = '1e-3' must be", run.stdout, re.MULTILINE)
    assert re.search("^studies.tiny has the unknown key 'sedes'", run.stdout, re.MULTILINE)
    assert "Traceback (most recent call last)" not in run.stdout
    assert "Job stats" not in run.stdout
    assert not (fresh.work / "results").exists()


def test_an_unknown_network_stops_before_any_job(tmp_path):
    fresh = Workplace.make(tmp_path, with_settings("networks.0.model: resnet81"))
    run = fresh.run("figures/", succeed=False)
    complaint = r"^studies.tiny.networks\[0\].model = 'resnet81' is not one of mlp, .*'resnet18'"
    assert re.search(complaint, run.stdout, re.MULTILINE)
    assert "Traceback (most recent call last)" not in run.stdout
    assert "Job stats" not in run.stdout
    assert not (fresh.work / "results").exists()
