"""What Snakemake derives again of studies that are built, after which change, and what not."""

import ast
import base64
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from agop_collapse.files.columns import OF_A_RUN
from studies import STUDIES, TINY, with_settings
from workflow_helpers import ROOT, Workplace, contents, in_parallel, jobs_run

pytestmark = pytest.mark.slow

STRANGE = "made by other settings, data or code than today's"

# What is derived again is named by its rule, and if this makes several things, by the table or
# figure.
DEEP_TABLES = {"deep_rfm", "gram", "classes", "agop_spectrum", "attribution", "rates", "predictor"}
DEEP_TABLES |= {"theory_layers"}
NETWORK_TABLES = {*OF_A_RUN["networks"], "summarise_nfa"}
DEEP_FIGURES = {"fig01", "fig03", "ablation", "nc_full"}
NETWORK_FIGURES = {"fig07", "fig10", "network_nc_full", "network_spectrum", "nfa_null"}
THEORY_KERNEL = {"simulate_theory_kernel", "v1_fig04"}
THEOREMS = {"derive_theory", "theory_rate"}
THEORY = THEORY_KERNEL | THEOREMS
FIGURES = DEEP_FIGURES | NETWORK_FIGURES | {"v1_fig04", "theory_rate"}
LEDGER = {"check_claims"}
AFTER_DEEP_RFM = {"measure_deep_rfm"} | DEEP_TABLES | DEEP_FIGURES
AFTER_NETWORKS = {"measure_network"} | NETWORK_TABLES | NETWORK_FIGURES
DEEP_RFM = {"build_deep_rfm", "list_runs"} | AFTER_DEEP_RFM
NETWORKS = {"train_network", "list_runs"} | AFTER_NETWORKS
EVERYTHING = {"prepare_data"} | DEEP_RFM | NETWORKS | THEORY


def with_ledger(derived: set[str]) -> set[str]:
    """And the claims, which are checked on all tables."""
    return derived | LEDGER if derived - FIGURES else derived


def names(plan: dict[str, str]) -> set[str]:
    """What a plan derives."""
    return {
        Path(path).stem if rule.startswith(("combine_", "plot_")) else rule
        for path, rule in plan.items()
    }


# Changes, each with what it derives of the study tiny


# A line that is replaced in a file of the workflow, or added to it where there is none.
CODE = {
    "formula in metrics/collapse.py": (
        *("agop_collapse/metrics/collapse.py", "nc1 / classes", "nc1 / (classes + 1)"),
        AFTER_DEEP_RFM | AFTER_NETWORKS | THEOREMS,
    ),
    "formula in machine/kernels/laplace.py": (
        *(
            "agop_collapse/machine/kernels/laplace.py",
            "distance / -bandwidth",
            "-distance / bandwidth",
        ),
        DEEP_RFM,
    ),
    "machine/agop.py": ("agop_collapse/machine/agop.py", None, "added = 1", DEEP_RFM),
    "networks/training.py": ("agop_collapse/networks/training.py", None, "added = 1", NETWORKS),
    "the loss in use": ("agop_collapse/networks/losses/mse.py", None, "added = 1", NETWORKS),
    "another loss": ("agop_collapse/networks/losses/cross_entropy.py", None, "added = 1", set()),
    "the activation": ("agop_collapse/networks/activations/relu.py", None, "added = 1", NETWORKS),
    "the backbone": ("agop_collapse/networks/backbones/mlp.py", None, "added = 1", NETWORKS),
    "another kernel": ("agop_collapse/machine/kernels/matern32.py", None, "added = 1", set()),
    "formula of the theory": (
        *("agop_collapse/metrics/theory.py", "math.sqrt(2 * INPUT_DIM", "math.sqrt(3 * INPUT_DIM"),
        THEORY,
    ),
    "the reader": ("agop_collapse/data/readers/digits.py", None, "added = 1", EVERYTHING - THEORY),
    "a kind of figure": ("agop_collapse/plots/gram.py", None, "added = 1", {"fig01"}),
    "a claim": ("agop_collapse/claims/networks.py", None, "added = 1", LEDGER),
    "the script of figures": ("scripts/plot_figure.py", None, "added = 1", FIGURES),
    "what all scripts use": ("scripts/agop_collapse_job.py", None, "added = 1", EVERYTHING),
    "the style sheet": ("agop_collapse/plots/paper.mplstyle", None, "font.size: 9", FIGURES),
    "a label in plan/registry.py": (
        *("agop_collapse/plan/registry.py", '"Laplace"', '"Laplacian"'),
        DEEP_FIGURES,
    ),
}
SETTINGS = {
    "description: another": set(),
    "seeds: [1, 0]; networks.0.gain: 1; networks.0.momentum: 9.0e-1": set(),
    "deep_rfm.0.block_rows: 16": set(),
    "figures.fig01.layers: [1, 3]": {"fig01"},
    "figures.fig03: {title: Curves}": {"fig03"},
    "theory_kernel.draws: 3": THEORY_KERNEL,
    "theory.layers: 9": THEOREMS,
    "networks.0.epochs: 6": NETWORKS,
    # Two settings, the one with the other's value.
    "networks.0.gain: 0.05; networks.0.learning_rate: 1.0": NETWORKS,
    # Of the figures, fig01 is the only one with cosine features.
    "deep_rfm.1.gamma: 0.1": DEEP_RFM - {"fig03", "ablation", "nc_full"},
    "datasets.digits.n: 200": EVERYTHING - THEORY,
}


def change_code(place: Workplace, name: str) -> None:
    file, old, new, _ = CODE[name]
    path = place.repository / "workflow" / file
    text = path.read_text()
    if old is None:
        path.write_text(f"{text}\n{new}\n")
        return
    assert old in text
    path.write_text(text.replace(old, new))


@pytest.fixture(scope="module")
def derived(tiny, tmp_path_factory) -> dict[str, set[str]]:
    """What Snakemake would derive after each change."""

    def plan(change: str) -> set[str]:
        place = tiny.copy(tmp_path_factory.mktemp("changed"))
        if change in CODE:
            change_code(place, change)
        else:
            place.configure(with_settings(change))
        found = names(place.plan("all"))
        shutil.rmtree(place.root)
        return found

    changes = [*CODE, *SETTINGS]
    return dict(zip(changes, in_parallel(plan, changes), strict=True))


@pytest.mark.parametrize("change", CODE)
def test_changed_code_derives_again_what_depends_on_it(derived, change):
    assert derived[change] == with_ledger(CODE[change][-1])


@pytest.mark.parametrize("change", SETTINGS)
def test_changed_setting_derives_again_what_depends_on_it(derived, change):
    assert derived[change] == with_ledger(SETTINGS[change])


def test_edited_kernel_derives_again_the_runs_that_name_it(spare):
    change_code(spare, "another kernel")
    plan = spare.plan("all", study="sweeps")
    runs = {Path(path).parts[4] for path in plan if path.startswith("results/sweeps/deep_rfm/")}
    assert runs == {"matern32-relu-agop,width=16", "matern32-relu-agop,width=32"}
    assert names(plan) == {
        *("build_deep_rfm", "measure_deep_rfm", "list_runs", "widths", "smooth"),
        *DEEP_TABLES,
        *LEDGER,
    }


def test_another_seed_derives_that_seeds_runs_alone(spare):
    spare.configure(with_settings("seeds: [0, 1, 5]"))
    plan = spare.plan("all")
    runs = [path for path, rule in plan.items() if re.match("build|train|measure", rule)]
    assert runs
    assert all("/seed5/" in path for path in runs)
    assert "prepare_data" not in plan.values()
    # One seed is all that a picture of Gram matrices shows, and that one is still the first.
    assert "fig01" not in names(plan)


def reordered(value):
    """With the keys of each mapping in the opposite order."""
    if isinstance(value, dict):
        return {key: reordered(value[key]) for key in reversed(value)}
    return [*map(reordered, value)] if isinstance(value, list) else value


def test_reordered_keys_derive_nothing_again(spare):
    studies = reordered(STUDIES)
    assert list(studies["tiny"]["deep_rfm"][0]) == [*reversed(TINY["deep_rfm"][0])]
    spare.configure(studies)
    assert spare.plan("all") == {}


# Code that says the same


def python_files(place: Workplace) -> list[Path]:
    files = [*place.library.rglob("*.py"), *(place.library.parent / "scripts").glob("*.py")]
    assert len(files) > 70
    return files


def test_remarks_derive_nothing_again(spare):
    """A comment in every file, and other words in every docstring."""
    docstring = re.compile(r'^( *)"""(?=\w)', flags=re.MULTILINE)
    for path in python_files(spare):
        before = path.read_text()
        after = docstring.sub(r'\1"""Or rather: ', before) + '\n# a remark\n"""Another."""\n'
        assert ast.dump(ast.parse(after)) != ast.dump(ast.parse(before))
        path.write_text(after)
    assert spare.plan("all") == {}


def test_a_formatters_run_derives_nothing_again(spare):
    before = {path: path.read_text() for path in python_files(spare)}
    workflow = spare.library.parent
    (workflow / "ruff.toml").write_text(
        'line-length = 60\n[format]\nquote-style = "single"\nskip-magic-trailing-comma = true\n'
        '[lint]\nselect = ["I"]\n[lint.isort]\nforce-single-line = true\n'
        "force-sort-within-sections = true\n"
    )
    for command in (["check", "--fix"], ["format"]):
        command = [sys.executable, "-m", "ruff", *command, "--no-cache", workflow]
        subprocess.run(command, check=True, capture_output=True)
    changed = [path for path, text in before.items() if path.read_text() != text]
    assert len(changed) > 0.7 * len(before)
    assert spare.plan("all") == {}


def test_a_new_kernel_derives_nothing_again(spare):
    kernels = spare.library / "machine" / "kernels"
    shutil.copy(kernels / "laplace.py", kernels / "another.py")
    registry = spare.library / "plan" / "registry.py"
    entry = '"another": _kernel("Another", "another", "as laplace"),'
    text = registry.read_text()
    assert text.count("KERNELS = {\n") == 1
    registry.write_text(text.replace("KERNELS = {\n", f"KERNELS = {{\n    {entry}\n"))
    assert spare.plan("all") == {}
    spare.configure(with_settings("deep_rfm.1.kernel: another"))
    assert "another-cos-agop" in "".join(spare.plan("tables"))


# Copies


def as_in_a_fresh_clone(tiny: Workplace, root: Path, records: bool = True) -> Workplace:
    """The built tree in another clone, whose own files are newer than what was built; with or
    without what Snakemake recorded."""
    clone = Workplace.make(root, STUDIES)
    for path in clone.repository.rglob("*"):
        path.touch()
    without = None if records else shutil.ignore_patterns(".snakemake")
    shutil.copytree(tiny.work, clone.work, dirs_exist_ok=True, ignore=without)
    return clone


@pytest.mark.parametrize("records", [True, False], ids=["with .snakemake", "without"])
def test_a_copy_into_a_fresh_clone_has_nothing_to_do(tiny, tmp_path, records):
    clone = as_in_a_fresh_clone(tiny, tmp_path, records)
    for study in STUDIES:
        said = clone.run("-n", study=study).stdout
        assert "Nothing to be done" in said
        assert STRANGE not in said


def test_without_records_the_command_that_is_named_derives_what_a_formula_changes(tiny, tmp_path):
    known = as_in_a_fresh_clone(tiny, tmp_path / "known")
    clone = as_in_a_fresh_clone(tiny, tmp_path / "clone", records=False)
    for place in (known, clone):
        change_code(place, "networks/training.py")
    depends = known.plan("all")
    assert names(depends) == with_ledger(NETWORKS)

    said = clone.run("-n").stdout
    assert STRANGE in said
    # A command for each study that has results; the one that is built has it by default.
    assert " snakemake all --config study=sweeps -R results/" in said
    command = re.search(r"^ +snakemake (all -R .+)$", said, flags=re.MULTILINE)[1].split()
    before = clone.times(depends)
    run = clone.run(*command)
    assert set(jobs_run(run)) == set(depends.values())
    # Each file that depends on the formula was made anew, and carries today's identity.
    after = clone.times(depends)
    assert all(after[path] != before[path] for path in depends)
    again = clone.run("-n").stdout
    assert "Nothing to be done" in again
    assert " snakemake all -R " not in again
    assert " snakemake all --config study=sweeps -R results/sweeps/" in again


# Deleted


def test_what_is_deleted_comes_back_alike(spare, tiny):
    """By the default target, whatever it was, and whoever needs it."""
    run = "results/tiny/deep_rfm/digits/{}/seed{}"
    shutil.rmtree(spare.work / run.format("laplace-relu-identity", 1) / "layers")
    for path in (
        f"{run.format('laplace-relu-identity', 0)}/run.json",
        f"{run.format('laplace-cos-agop', 1)}/gram_picture.parquet",  # which no figure draws
        "results/tiny/tables/network_nfa.parquet",
        "results/tiny/tables/nfa_summary.csv",
        "results/tiny/tables/runs.parquet",
        "results/tiny/claims.html",
        "figures/tiny/fig07.png",
    ):
        (spare.work / path).unlink()
    assert jobs_run(spare.run()) == {
        "build_deep_rfm": 2,
        "measure_deep_rfm": 3,
        "combine_deep_rfm": 1,
        "combine_networks": 1,
        "summarise_nfa": 1,
        "list_runs": 1,
        "check_claims": 1,
        "plot_figure": 2,  # ablation, fig07
    }
    assert contents(spare.work / "figures") == contents(tiny.work / "figures")
    assert contents(spare.work / "results") == contents(tiny.work / "results")
    assert spare.plan() == {}


def test_deleted_data_come_back_alike_and_all_that_is_made_of_them_is_planned(spare, tiny):
    for study, dataset in (("bare", "shapes"), ("tiny", "digits")):
        (spare.work / f"results/{study}/data/{dataset}.safetensors").unlink()
    assert names(spare.plan()) == with_ledger(EVERYTHING - THEORY - {"list_runs"})
    assert jobs_run(spare.run(study="bare")) == {"prepare_data": 1}
    bare = "results/bare"
    assert contents(spare.work / bare) == contents(tiny.work / bare)


# What Snakemake goes by


@pytest.mark.parametrize("profile", sorted((ROOT / "profiles").glob("*/config.yaml")), ids=str)
def test_profile_leaves_the_judgement_to_identities(profile):
    assert yaml.safe_load(profile.read_text())["rerun-triggers"] == ["params"]


def test_identity_is_all_that_snakemake_compares(tiny):
    records = {
        base64.urlsafe_b64decode(path.name).decode(): json.loads(path.read_text())
        for path in (tiny.work / ".snakemake" / "metadata").iterdir()
    }
    for study in STUDIES:
        for path, identity in tiny.identities(study).items():
            record = records[path]
            assert record["params"] == [repr(f"{record['rule']} {identity}")]
