"""Identities: which change makes another of which results, and which makes none."""

import itertools
import math
import os
import re
import shutil
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from agop_collapse.files.contents import Contents
from agop_collapse.plan import code_digest
from agop_collapse.plan.configuration import load
from agop_collapse.plan.identity import digest_of, identity
from agop_collapse.plan.jobs import Jobs
from agop_collapse.plan.runs import typed_settings
from agop_collapse.plan.settings import Network
from configurations import own_network, trained_network
from hypothesis import given
from hypothesis import strategies as st

ROOT = Path(__file__).parents[2]
WORKFLOW = ROOT / "workflow"

# The digest itself

FACTS: dict[str, Any] = {
    "rule": "make",
    "settings": {"a": 1, "b": 2.0, "c": "x"},
    "code": "0" * 64,
    "made_from": ["1" * 64, "2" * 64],
}
CHANGES: dict[str, Any] = {
    "rule": ["make_", "MAKE", ""],
    "settings": [
        {"a": 2, "b": 1.0, "c": "x"},
        {"a": 2.0, "b": 1, "c": "x"},
        {"a": 1, "b": 2.0},
        {"a": 1, "b": 2.0, "c": None},
        {"a": 1, "b": 2.0, "c": "X"},
        {"a": 1, "b": 2.0, "x": "c"},
        {"a": True, "b": 2.0, "c": "x"},
        {"a": "1", "b": 2.0, "c": "x"},
        {"a": 1, "b": math.nextafter(2.0, 3), "c": "x"},
        {"a": 1, "b": {"c": 2.0}, "c": "x"},
        {"a": [1], "b": 2.0, "c": "x"},
        {},
    ],
    "code": ["3" * 64, ""],
    "made_from": [["2" * 64, "1" * 64], ["1" * 64], ["1" * 64 + "2" * 64], []],
}


def test_every_ingredient_makes_another_identity():
    found = [identity(**FACTS)]
    found += [
        identity(**FACTS | {key: value}) for key, values in CHANGES.items() for value in values
    ]
    assert len(set(found)) == len(found)
    assert all(re.fullmatch("[0-9a-f]{64}", each) for each in found)


def test_order_of_keys_says_nothing():
    settings = {"b": {"y": 1, "x": [{"q": 1, "p": 2}]}, "a": 1}
    turned = {"a": 1, "b": {"x": [{"p": 2, "q": 1}], "y": 1}}
    assert identity(**FACTS | {"settings": settings}) == identity(**FACTS | {"settings": turned})
    for keys in itertools.permutations(FACTS):
        assert identity(**{key: FACTS[key] for key in keys}) == identity(**FACTS)


@given(st.floats(allow_nan=False, allow_infinity=False), st.floats(allow_nan=False))
def test_numbers_are_told_apart_to_the_last_bit(one, other):
    if math.isfinite(other):
        assert (digest_of(one) == digest_of(other)) == (repr(one) == repr(other))


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_what_is_no_number_is_refused(value):
    with pytest.raises(ValueError, match="JSON"):
        digest_of({"a": value})


@pytest.mark.parametrize("value", [{1, 2}, object(), b"a", Network(model="mlp")])
def test_what_is_no_plain_value_is_refused(value):
    with pytest.raises(TypeError, match="JSON"):
        digest_of({"a": value})


def test_two_settings_that_swap_their_values_are_told_apart():
    one = typed_settings(Network(model="mlp", epochs=7, measure_every=5))
    other = typed_settings(Network(model="mlp", epochs=5, measure_every=7))
    assert sorted(map(str, one.values())) == sorted(map(str, other.values()))
    assert digest_of(one) != digest_of(other)


# What flows down in a study

STUDY: dict[str, Any] = {
    "description": "All kinds of jobs",
    "seeds": [0, 1],
    "device": "cpu",
    "datasets": {
        "digits": {"kind": "digits", "n": 60},
        "mine": {"kind": "npz", "n": 20, "path": "images.npz"},
    },
    "deep_rfm": [
        {"kernel": "laplace", "depth": 2, "datasets": ["digits"]},
        {"kernel": "gaussian", "ridge": 1e-3, "depth": 2},
    ],
    "networks": [{"model": "mlp", "gain": 0.5, "epochs": 2, "datasets": ["digits"]}],
    "theory_kernel": {"width": 16, "draws": 2},
    "figures": {
        "fig03": {"rows": [{"kernel": "gaussian", "dataset": "digits"}]},
        "fig06": {"rows": [{"kernel": "laplace"}]},
        "fig10": None,
        "v1_fig04": None,
        "theory_rate": None,
    },
}


@pytest.fixture
def place(tmp_path, monkeypatch) -> Path:
    """A working folder with a data set in it."""
    monkeypatch.chdir(tmp_path)
    images = np.arange(20 * 4, dtype=np.uint8).reshape(20, 2, 2)
    np.savez(tmp_path / "images.npz", x=images, y=np.arange(20) % 2)
    return tmp_path


def identities(
    study: dict[str, Any], workflow: Path = WORKFLOW, name: str = "tiny", root: str = "data"
) -> dict[str, str]:
    """The identity of each job of a study; "seed0" and so on in the names of runs' jobs."""
    configuration = load({"study": name, "studies": {name: study}})
    jobs = Jobs(configuration, workflow, root, Contents(Path("memory.json")))
    return {job: found.identity for job, found in jobs.everything(name).items()}


def forget() -> None:
    """What a process has read of code, which does not change while one plans."""
    for remembered in (code_digest._tree, code_digest._digest, code_digest._imports):
        remembered.cache_clear()


def differing(one: dict[str, str], other: dict[str, str]) -> set[str]:
    """The names of jobs with another identity, short: no folder that all of them share."""
    assert one.keys() == other.keys()
    names = {name for name in one if one[name] != other[name]}
    return {name.replace("results/tiny/", "") for name in names}


def changed(path: str, value: Any) -> dict[str, Any]:
    """The study with one key, such as "networks.0.gain", set to a value; `...` takes it away."""
    study = yaml.safe_load(yaml.safe_dump(STUDY))
    *keys, last = [int(key) if key.isdigit() else key for key in path.split(".")]
    inner: Any = study
    for key in keys:
        inner = inner[key]
    if value is ...:
        del inner[last]
    else:
        inner[last] = value
    return study


def short(names: Iterable[str]) -> set[str]:
    """Names of jobs as `differing` has them, with the ledger if a table is among them."""
    found = {name.replace("results/tiny/", "") for name in names}
    return found | {"claims"} if any(name.startswith("tables") for name in found) else found


def every(*patterns: str) -> Callable[[str], bool]:
    return lambda name: any(re.search(pattern, name) for pattern in patterns)


RUNS, THEORY = "tables list_runs", "(tables derive_theory|figure theory_rate)$"
OF_DEEP_RFM = "tables combine_deep_rfm"
OF_NETWORKS = "tables (combine_networks|summarise_nfa)"
# What a change reaches, as patterns of jobs' names.
REACHED: list[tuple[str, Any, list[str]]] = [
    ("datasets.digits.n", 61, ["digits", "tables (?!simulate|derive)", "figure fig"]),
    ("datasets.digits.n_test", 3, ["digits", "tables (?!simulate|derive)", "figure fig"]),
    ("datasets.mine.n", 19, ["mine", OF_DEEP_RFM, RUNS]),
    ("datasets.mine.standardize_test", "own", ["mine", OF_DEEP_RFM, RUNS]),
    ("networks.0.gain", 0.6, ["networks", OF_NETWORKS, RUNS, "figure fig10"]),
    ("networks.0.measure_every", 1, ["networks", OF_NETWORKS, RUNS, "figure fig10"]),
    ("networks.0.loss", "cross_entropy", ["networks", OF_NETWORKS, RUNS, "figure fig10"]),
    ("deep_rfm.0.width", 8, ["deep_rfm/.*laplace", OF_DEEP_RFM, RUNS, "figure fig06"]),
    ("deep_rfm.1.ridge", 1e-2, ["deep_rfm/.*gaussian", OF_DEEP_RFM, RUNS, "figure fig03"]),
    ("torch_threads", 2, ["deep_rfm", "networks", "table", "figure", "gram", "agop"]),
    ("device", "auto", ["(make|measure)", "tables (?!simulate|derive)", "figure fig"]),
    ("theory_kernel.draws", 3, ["tables simulate_theory_kernel", "figure v1_fig04"]),
    ("theory", {"layers": 9}, [THEORY]),
    ("figures.fig03.title", "Text", ["figure fig03"]),
    ("figures.fig03.footer", False, ["figure fig03"]),
    ("figures.fig03.size", [3, 2], ["figure fig03"]),
    ("figures.fig03.nc2", "nc2_over_k2", ["figure fig03"]),
]


@pytest.mark.parametrize(
    ("path", "value", "patterns"), REACHED, ids=[path for path, _, _ in REACHED]
)
def test_change_of_a_setting_reaches_what_is_made_of_it(path, value, patterns, place):
    before = identities(STUDY)
    reached = every(*patterns)
    wanted = {name for name in short(before) - {"claims"} if reached(name)}
    assert wanted
    assert differing(before, identities(changed(path, value))) == short(wanted)


NOTHING = {
    "description": ("description", "Another"),
    "order of seeds": ("seeds", [1, 0]),
    "an integer for a float": ("deep_rfm.1.bandwidth", 2),
    "a default that is said": ("networks.0.momentum", 0),
    "a default that is not said": ("deep_rfm.0.kernel", ...),
    "a setting of other features": ("deep_rfm.0.gamma", 0.7),
    "rows worked on at a time": ("deep_rfm.0.block_rows", 8),
}


@pytest.mark.parametrize("change", NOTHING)
def test_what_changes_no_result_reaches_nothing(change, place):
    path, value = NOTHING[change]
    assert differing(identities(STUDY), identities(changed(path, value))) <= set()


def test_order_of_keys_reaches_nothing(place):
    def turned(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: turned(value[key]) for key in reversed(value)}
        return [turned(item) for item in value] if isinstance(value, list) else value

    one, other = identities(STUDY), identities(turned(STUDY))
    # But the order of data sets is that of rows in tables and figures.
    tables = {name for name in one if name.startswith(("table", "figure", "claims"))}
    assert differing(one, other) <= tables
    study = turned(STUDY) | {"datasets": STUDY["datasets"]}
    assert differing(one, identities(study)) == set()


def test_another_seed_leaves_those_that_are_there(place):
    before, after = identities(STUDY), identities(changed("seeds", [0, 1, 2]))
    shared = {name: identity for name, identity in after.items() if "seed2" not in name}
    assert {name.split()[0] for name in differing(before, shared)} == {"tables", "figure", "claims"}
    # Figures of one seed and the simulation are of the first.
    assert not differing(before, shared) & {"figure fig06", "figure v1_fig04"}


def test_seeds_data_sets_and_kinds_are_told_apart(place):
    found = identities(STUDY)
    assert len(set(found.values())) == len(found)


def test_every_identity_is_one_of_content_not_of_place(place, monkeypatch):
    (place / "elsewhere").mkdir()
    before = identities(STUDY)
    assert identities(STUDY, root="/another/root") == before
    shutil.move("images.npz", "elsewhere/moved.npz")
    moved = changed("datasets.mine.path", "elsewhere/moved.npz")
    assert identities(moved) == before
    monkeypatch.chdir(place / "elsewhere")
    assert identities(changed("datasets.mine.path", "moved.npz")) == before


def test_own_data_count_to_the_last_byte(place):
    before, times = identities(STUDY), os.stat("images.npz")
    content = bytearray(Path("images.npz").read_bytes())
    content[len(content) // 2] ^= 1
    Path("images.npz").write_bytes(content)
    # As cp -p leaves them: only the system's own time of change tells.
    os.utime("images.npz", ns=(times.st_atime_ns, times.st_mtime_ns))
    assert os.stat("images.npz").st_size == times.st_size
    found = differing(before, identities(STUDY))
    wanted = every("mine", OF_DEEP_RFM, RUNS)
    assert found == short(name for name in before if wanted(name))


def test_same_run_in_two_studies_has_one_identity(place):
    one, other = identities(STUDY), identities(STUDY, name="other")
    for name, found in one.items():
        same = other[name.replace("results/tiny/", "results/other/")] == found
        # Tables, figures and claims say which study they are of.
        assert same == (not name.startswith(("table", "figure", "claims"))), name


def test_run_is_what_it_is_whatever_its_name_and_company(place):
    before = identities(STUDY)
    alone = {
        "seeds": [1, 0],  # of another seed is the network that each is compared with
        "device": "cpu",
        "datasets": {"numbers": {"kind": "digits", "n": 60}},
        "networks": [{"name": "net", "model": "mlp", "gain": [0.5], "epochs": [2]}],
    }
    found = identities(alone)
    folder, own = "networks/digits/mlp/seed1", "networks/numbers/net,gain=0.5,epochs=2/seed1"
    for what in ("make", "measure"):
        assert found[f"{what} results/tiny/{own}"] == before[f"{what} results/tiny/{folder}"]
    assert found["data numbers"] == before["data digits"]


def test_demo_is_derived_again_as_far_as_a_change_reaches(place):
    def demo(**parts: Any) -> dict[str, str]:
        config = yaml.safe_load((ROOT / "config.yaml").read_text(encoding="utf-8"))
        return identities(config["studies"]["demo"] | parts, name="tiny")

    before = demo()
    held_out = {"kind": "digits", "n": 800, "n_test": 600}
    datasets = {"digits": {"kind": "digits", "n": 1000}, "held_out": held_out}
    found = differing(before, demo(datasets=datasets))
    others = {"tables simulate_theory_kernel", "tables derive_theory", "figure v1_fig04"}
    others |= {f"figure {name}" for name in ("accuracy", "nc_full", "network_nc_full")}
    others |= {f"figure theory_{name}" for name in ("recursion", "rate", "objective")}
    others |= {"figure random_features"}
    others |= {name for name in before if "held_out" in name}
    assert found == short(set(before) - others)
    networks = [{"model": "mlp", "width": 256, "gain": 0.4, "datasets": ["digits", "held_out"]}]
    wanted = every("/networks/", OF_NETWORKS, RUNS, "figure (fig07|fig10|network_.*|nfa_null)")
    assert differing(before, demo(networks=networks)) == short(filter(wanted, before))
    assert demo(seeds=[2, 0, 1]) == before


# Code

MEASURED = {"deep_rfm": "^measure .*/deep_rfm/", "networks": "^measure .*/networks/"}
TABLES = "^tables (?!list_runs|simulate|derive)"
FIGURES = "^figure fig"
# A file of the library, or a script, and what its formulas reach.
CODE = {
    "agop_collapse/metrics/collapse.py": ["^measure", TABLES, FIGURES, THEORY],
    "agop_collapse/metrics/gram.py": [MEASURED["deep_rfm"], OF_DEEP_RFM, "figure fig0"],
    "agop_collapse/metrics/ansatz.py": [MEASURED["networks"], OF_NETWORKS, "figure fig10"],
    "agop_collapse/metrics/theory.py": ["theory_kernel", "v1_fig04", THEORY],
    "agop_collapse/theory/objective.py": [
        *(THEORY, MEASURED["deep_rfm"], OF_DEEP_RFM, "figure fig0"),
    ],
    "agop_collapse/machine/kernels/laplace.py": [
        "(make|measure) .*laplace",
        OF_DEEP_RFM,
        RUNS,
        "figure fig06",
    ],
    "agop_collapse/machine/kernels/gaussian.py": [
        "(make|measure) .*gaussian",
        OF_DEEP_RFM,
        RUNS,
        "figure fig03",
    ],
    "agop_collapse/machine/kernels/matern32.py": [],
    "agop_collapse/networks/losses/mse.py": ["/networks/", OF_NETWORKS, RUNS, "figure fig10"],
    "agop_collapse/networks/losses/cross_entropy.py": [],
    "agop_collapse/networks/backbones/vgg11.py": [],
    "agop_collapse/networks/training.py": ["/networks/", OF_NETWORKS, RUNS, "figure fig10"],
    "agop_collapse/machine/agop.py": ["/deep_rfm/", OF_DEEP_RFM, RUNS, "figure fig0"],
    "agop_collapse/data/readers/npz.py": ["mine", OF_DEEP_RFM, RUNS],
    "agop_collapse/data/readers/digits.py": ["digits", "^tables (?!simulate|derive)", FIGURES],
    "agop_collapse/data/readers/mnist.py": [],
    "agop_collapse/data/prepare.py": ["^data", "/seed", "^tables (?!simulate|derive)", FIGURES],
    "agop_collapse/rows/nfa_summary.py": ["tables summarise_nfa"],
    "agop_collapse/plots/gram.py": ["figure fig06"],
    "agop_collapse/plots/ansatz.py": ["figure fig10"],
    "agop_collapse/plots/overlay.py": [],
    "agop_collapse/plots/select.py": ["^figure", "^claims"],
    "agop_collapse/claims/networks.py": ["^claims"],
    "agop_collapse/claims/page.py": ["^claims"],
    "agop_collapse/plots/save.py": ["^figure"],
    "agop_collapse/plan/resources.py": [],
    "agop_collapse/plan/figure_kinds.py": [],
    "scripts/plot_figure.py": ["^figure"],
    "scripts/combine_tables.py": ["^tables (combine|summarise)"],
    "scripts/agop_collapse_job.py": [""],
}


@pytest.mark.parametrize("file", CODE)
def test_changed_formula_reaches_what_computes_by_it(file, place):
    before = identities(STUDY)
    shutil.copytree(WORKFLOW, "workflow", ignore=shutil.ignore_patterns("__pycache__"))
    with open(Path("workflow", file), "a") as opened:
        opened.write("\nCHANGED = 1\n")
    found = differing(before, identities(STUDY, place / "workflow"))
    reached = every(*CODE[file])
    wanted = {name for name in before if reached(name)} if CODE[file] else set()
    assert found == short(wanted)


def test_style_sheet_reaches_figures_and_no_more(place):
    before = identities(STUDY)
    shutil.copytree(WORKFLOW, "workflow", ignore=shutil.ignore_patterns("__pycache__"))
    with open("workflow/agop_collapse/plots/paper.mplstyle", "a") as style:
        style.write("lines.linewidth: 3\n")
    found = differing(before, identities(STUDY, place / "workflow"))
    assert found == {name for name in before if name.startswith("figure")}


def test_comments_reach_nothing(place):
    before = identities(STUDY)
    shutil.copytree(WORKFLOW, "workflow", ignore=shutil.ignore_patterns("__pycache__"))
    for file in Path("workflow").rglob("*.py"):
        text = file.read_text(encoding="utf-8")
        file.write_text(f'{text}\n# A comment.\n"""And a text."""\n', encoding="utf-8")
    assert identities(STUDY, place / "workflow") == before


def test_networks_of_ones_own_count_by_content(place):
    """Weights and code count by what is in them, not by where they lie; figures follow."""
    block = own_network(place)
    figures = {"layers": {"plot": "network_layers"}}
    study = STUDY | {"own_networks": [block | {"datasets": ["digits"]}], "figures": figures}
    before = identities(study)
    theirs = {name for name in before if "own_networks" in name}
    theirs = {name.replace("results/tiny/", "") for name in theirs}
    theirs |= {RUNS, "figure layers", "claims"}
    assert len(theirs) == 2 + 4

    def other(**given: str) -> set[str]:
        block = study["own_networks"][0] | given
        return differing(before, identities(study | {"own_networks": [block]}))

    Path("moved.pt").write_bytes(Path("weights.pt").read_bytes())
    assert other(checkpoint="moved.pt") == set()
    assert other(layers="conv1") == other(loss="mse") == theirs
    Path("weights.pt").write_bytes(b"others")
    assert other() == theirs
    Path("weights.pt").write_bytes(b"weights")
    assert other() == set()
    Path("my_nets.py").write_text("def small(image_shape, classes):\n    return 1\n")
    forget()
    assert other() == theirs


def test_what_networks_of_ones_own_are_trained_again_for(place):
    """Its code and how it is trained; the layers to measure for their measurement alone."""
    forget()
    block = trained_network(place, datasets=["digits"])
    study = STUDY | {"own_networks": [block], "figures": {"layers": {"plot": "network_layers"}}}
    before = identities(study)
    folders = [name for name in before if "own_networks" in name]
    made = {name.replace("results/tiny/", "") for name in folders if name.startswith("make")}
    measured = {name.replace("results/tiny/", "") for name in folders} - made
    measured |= {"figure layers", "claims"}
    assert (len(made), len(measured)) == (2, 2 + 1 + 1 + 1)

    def other(**given: Any) -> set[str]:
        return differing(before, identities(study | {"own_networks": [block | given]}))

    assert other(layers="conv1") == measured
    assert other(loss="mse") == other(momentum=0.5) == made | measured | {RUNS}
    Path("my_nets.py").write_text("def small(image_shape, classes):\n    return 1\n")
    forget()
    assert other() == made | measured | {RUNS}


def test_a_network_of_ones_own_changes_nothing_of_what_is_there(place):
    before, after = identities(STUDY), identities(STUDY | {"own_networks": [own_network(place)]})
    assert {name for name in before if before[name] != after[name]} == {RUNS, "claims"}


def test_own_code_counts_by_content(place):
    code = "from torch.nn import Flatten\n\ndef backbone(*shape):\n    return Flatten()\n"
    study = changed("networks", [{"model": "own", "backbone": "nets:backbone"}])
    study["figures"] = {}
    found = []
    for text in (code, f"# Mine.\n{code}", code.replace("Flatten()", "Flatten(1)")):
        Path("nets.py").write_text(text)
        forget()
        found.append(identities(study))
    before, commented, other = found
    assert commented == before
    wanted = every("/networks/", OF_NETWORKS, RUNS)
    assert differing(before, other) == short(filter(wanted, before))
