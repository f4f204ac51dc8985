"""Runs: sweeps, names, labels, folders, and settings as plain values."""

import itertools
import re
import shlex
from pathlib import Path

import pytest
from agop_collapse.plan.config_errors import ConfigError
from agop_collapse.plan.runs import Run, as_text, dataset_label, expand, filter_keys, typed_settings
from agop_collapse.plan.settings import RUN_KINDS, Block, DeepRFM, Network
from configurations import config_of, own_network, refusal, study, trained_network
from hypothesis import assume, given
from hypothesis import strategies as st


def names(kind: str, block: dict) -> list[str]:
    return [each.name for each in expand(kind, block, "here")]


def labels(kind: str, block: dict) -> list[str]:
    return [each.label for each in expand(kind, block, "here")]


def runs(**parts) -> list[Run]:
    return list(study(**{"seeds": [0]} | parts).runs)


# Sweeps


def test_lists_are_swept_in_all_combinations_in_the_declared_order():
    block = {"ridge": [0.5, 0.1], "kernel": "gaussian", "width": [64, 256], "depth": 3}
    swept = [(run.settings.ridge, run.settings.width) for run in runs(deep_rfm=[block])]
    # The setting declared first varies slowest, each in the order of its list.
    assert swept == [(0.5, 64), (0.5, 256), (0.1, 64), (0.1, 256)]
    assert all(run.settings.depth == 3 for run in runs(deep_rfm=[block]))


@given(st.permutations(["ridge", "width", "gamma", "name", "datasets"]))
def test_order_of_keys_says_nothing(keys):
    block = {
        "name": "own",
        "datasets": ["digits"],
        "ridge": [0.1, 0.2],
        "width": [8, 9],
        "gamma": 1,
    }
    assert runs(deep_rfm=[{key: block[key] for key in keys}]) == runs(deep_rfm=[block])


def test_each_run_is_made_for_each_data_set_and_seed():
    digits = {"kind": "digits", "n": 60}
    made = study(
        datasets={"a": digits, "b": digits}, networks=[{"model": "mlp", "gain": [1, 2]}], seeds=[1]
    )
    assert [(run.dataset, run.name, run.seed) for run in made.runs] == [
        ("a", "mlp,gain=1", 1),
        ("b", "mlp,gain=1", 1),
        ("a", "mlp,gain=2", 1),
        ("b", "mlp,gain=2", 1),
    ]


# Names and labels


@pytest.mark.parametrize(
    ("kind", "block", "expected"),
    [
        ("deep_rfm", {}, ["laplace-relu-agop"]),
        ("deep_rfm", {"kernel": "matern32", "feature_map": "cos"}, ["matern32-cos-agop"]),
        ("deep_rfm", {"projection": "identity", "ridge": 0.1}, ["laplace-relu-identity"]),
        ("networks", {"model": "resnet18", "gain": 0.1}, ["resnet18"]),
        ("networks", {"model": "mlp", "gain": [0.3]}, ["mlp,gain=0.3"]),
        ("networks", {"model": "mlp", "gain": [1, 1e-5]}, ["mlp,gain=1", "mlp,gain=1e-05"]),
        (
            "networks",
            {"model": "mlp", "learning_rate": [0.1], "gain": [0.1234567]},
            ["mlp,gain=0.1234567,learning_rate=0.1"],
        ),
        (
            "networks",
            {"model": "mlp", "recreate_optimizer": [True, False]},
            ["mlp,recreate_optimizer=true", "mlp,recreate_optimizer=false"],
        ),
        # What a name begins with says which; it need not be said again.
        ("networks", {"model": ["mlp", "vgg11"]}, ["mlp", "vgg11"]),
        (
            "deep_rfm",
            {"kernel": ["laplace", "matern52"], "width": [8]},
            ["laplace-relu-agop,width=8", "matern52-relu-agop,width=8"],
        ),
        (
            "deep_rfm",
            {"n_features": ["input_dim", 9], "feature_map": "cos"},
            ["laplace-cos-agop,n_features=input_dim", "laplace-cos-agop,n_features=9"],
        ),
        # A given name does not.
        ("deep_rfm", {"name": "smooth", "kernel": "gaussian"}, ["smooth"]),
        (
            "deep_rfm",
            {"name": "my-runs_2.0", "kernel": ["laplace", "gaussian"]},
            ["my-runs_2.0,kernel=laplace", "my-runs_2.0,kernel=gaussian"],
        ),
        # The object of one's own.
        ("deep_rfm", {"kernel": "my.kernels:cauchy"}, ["cauchy-relu-agop"]),
        (
            "deep_rfm",
            {"name": "own", "kernel": ["my.kernels:cauchy"]},
            ["own,kernel=my.kernels.cauchy"],
        ),
        # Kernels of the layers' own.
        ("deep_rfm", {"kernel": "laplace gaussian"}, ["laplace_gaussian-relu-agop"]),
        (
            "deep_rfm",
            {"kernel": ["laplace", "matern32 my.kernels:cauchy laplace"]},
            ["laplace-relu-agop", "matern32_cauchy_laplace-relu-agop"],
        ),
        (
            "deep_rfm",
            {"name": "own", "kernel": ["laplace my.kernels:cauchy"]},
            ["own,kernel=laplace_my.kernels.cauchy"],
        ),
    ],
)
def test_name_is_the_kinds_or_the_given_one_with_what_is_swept(kind, block, expected):
    assert names(kind, block) == expected


@pytest.mark.parametrize(
    ("kind", "block", "expected"),
    [
        ("deep_rfm", {}, ["Laplace, ReLU"]),
        ("deep_rfm", {"projection": "identity"}, ["Laplace, ReLU, $M = I$"]),
        ("deep_rfm", {"kernel": ["matern32"], "feature_map": "cos"}, ["Matérn 3/2, cos"]),
        ("deep_rfm", {"kernel": "my.kernels:cauchy"}, ["cauchy, ReLU"]),
        ("deep_rfm", {"kernel": "matern32 my:own"}, [r"Matérn 3/2 $\to$ own, ReLU"]),
        ("deep_rfm", {"gamma": [0.5], "depth": [3]}, [r"Laplace, ReLU, depth = 3, $\gamma$ = 0.5"]),
        ("deep_rfm", {"name": "smooth", "agop_norm": ["sum"]}, ["smooth, AGOP scale = sum"]),
        ("networks", {"model": "vgg11", "learning_rate": [1]}, ["VGG-11, learning rate = 1"]),
        ("networks", {"model": "mine", "backbone": "my:net"}, ["mine"]),
    ],
)
def test_label_is_for_readers(kind, block, expected):
    assert labels(kind, block) == expected


def test_data_sets_have_labels():
    assert dataset_label("cifar10") == "CIFAR-10"
    assert dataset_label("digits") == "digits"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1, "1"),
        (1.0, "1"),
        (0.1, "0.1"),
        (1e-7, "1e-07"),
        (1e22, "1e+22"),
        (0.30000000000000004, "0.30000000000000004"),
        (True, "true"),
        (False, "false"),
        ("relu", "relu"),
        ("a.b:c", "a.b.c"),
        ("a b:c", "a_b.c"),
    ],
)
def test_values_as_text(value, text):
    assert as_text(value) == text


NUMBERS = st.floats(1e-300, 1e9) | st.integers(1, 10**6).map(float)
OWN = st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,4}(\.[a-z_])?:[A-Za-z_][A-Z0-9]?", fullmatch=True)
COMMON = Path(__file__).parents[2] / "workflow" / "rules" / "common.smk"
WILDCARD = re.search(r'^ +run="(.+)",$', COMMON.read_text(), flags=re.MULTILINE)[1]


@given(
    block=st.fixed_dictionaries(
        {},
        optional={
            "name": st.from_regex(r"[A-Za-z][A-Za-z0-9_.-]{0,8}", fullmatch=True),
            "kernel": st.sampled_from(["laplace", "laplace gaussian"])
            | OWN
            | st.lists(OWN, min_size=1)
            | st.lists(OWN, min_size=2, max_size=4).map(" ".join),
            "projection": st.sampled_from(["agop", "identity"]),
            "bandwidth": st.lists(NUMBERS, min_size=1, max_size=3, unique=True),
            "width": st.lists(st.integers(1, 10**6), min_size=1, max_size=3, unique=True),
            "n_features": st.lists(st.just("input_dim"), min_size=1, max_size=1),
        },
    )
)
def test_names_are_safe_in_paths_and_shells_and_told_apart_by_swept_numbers(block):
    kernel = block.get("kernel", "")
    assume(not isinstance(kernel, list) or len(kernel) == len(set(kernel)))
    try:
        found = names("deep_rfm", block)
    except ConfigError as error:
        assume("longer than 200 characters" not in str(error))
        raise
    for name in found:
        assert shlex.quote(name) == name
        assert Path(name).name == name
        assert re.fullmatch(WILDCARD, name)
    if not isinstance(kernel, list):
        assert len(set(found)) == len(found)


# Which are the same


def test_run_asked_for_twice_is_one_run():
    block = {"gain": 0.5, "model": "mlp"}
    assert runs(networks=[block, dict(block)]) == runs(networks=[block])
    assert runs(networks=[block, {"model": "mlp", "gain": 0.5, "momentum": 0}]) == runs(
        networks=[block]
    )
    # A sweep may name again what another has.
    one, other = {"model": "mlp", "gain": [1, 2]}, {"model": "mlp", "gain": [2, 3]}
    assert [run.name for run in runs(networks=[one, other])] == [
        "mlp,gain=1",
        "mlp,gain=2",
        "mlp,gain=3",
    ]


def test_two_different_runs_of_one_name_are_refused_with_both_and_both_ways_out():
    first = {"model": "mlp", "gain": 1.0e-5, "momentum": 0.5}
    message = refusal(config_of(networks=[first, {"model": "mlp", "momentum": 0.5}]))
    assert message == (
        "studies.mine.networks[1]: two different runs on digits are called mlp: this one and that "
        "of networks[0], with gain 1e-05 and 0.3. Give one of them a name (name: ...), or make one "
        "block of both that sweeps (gain: [1.0e-05, 0.3])"
    )
    named = runs(networks=[first, {"model": "mlp", "momentum": 0.5, "name": "other"}])
    assert [run.name for run in named] == ["mlp", "other"]
    swept = runs(networks=[first | {"gain": [1.0e-05, 0.3]}])
    assert [run.settings.gain for run in swept] == [1e-5, 0.3]


def test_one_name_on_different_data_sets_or_of_different_kinds_is_no_mistake():
    digits = {"kind": "digits", "n": 60}
    made = study(
        datasets={"a": digits, "b": digits},
        seeds=[0],
        deep_rfm=[{"name": "x"}],
        networks=[
            {"name": "x", "model": "mlp", "datasets": ["a"]},
            {"name": "x", "model": "vgg11", "datasets": ["b"]},
        ],
    )
    assert [run.folder for run in made.runs] == [
        "results/mine/deep_rfm/a/x/seed0",
        "results/mine/deep_rfm/b/x/seed0",
        "results/mine/networks/a/x/seed0",
        "results/mine/networks/b/x/seed0",
    ]


@pytest.mark.parametrize("same", [True, False])
def test_names_that_differ_in_capital_letters_only_are_refused(same):
    blocks = [{"name": "wide", "depth": 2}, {"name": "Wide", "depth": 2 if same else 3}]
    message = refusal(config_of(deep_rfm=blocks))
    assert message.startswith("studies.mine.deep_rfm[1]: the names wide and Wide differ in capital")
    assert message.endswith("give one of the blocks another name")


# A run


def test_folder_and_columns_name_the_run():
    deep_rfm, network = runs(
        deep_rfm=[{"name": "x", "kernel": "gaussian", "feature_map": "cos"}],
        networks=[{"model": "mlp", "gain": [0.5]}],
    )
    assert deep_rfm.folder == "results/mine/deep_rfm/digits/x/seed0"
    assert list(deep_rfm.columns.items()) == [
        ("study", "mine"),
        ("dataset", "digits"),
        ("run", "x"),
        ("seed", 0),
        ("kernel", "gaussian"),
        ("feature_map", "cos"),
        ("projection", "agop"),
    ]
    assert network.folder == "results/mine/networks/digits/mlp,gain=0.5/seed0"
    assert list(network.columns.items()) == [
        ("study", "mine"),
        ("dataset", "digits"),
        ("run", "mlp,gain=0.5"),
        ("seed", 0),
        ("model", "mlp"),
    ]


@pytest.mark.parametrize("kind", RUN_KINDS)
def test_run_has_a_value_of_all_that_it_can_be_chosen_by(kind, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    blocks = {"networks": {"model": "mlp"}, "own_networks": own_network(tmp_path)}
    block = blocks.get(kind, {})
    (run,) = runs(**{kind: [block]})
    assert {key: run.value(key) for key in filter_keys(kind)} == {
        "study": "mine",
        "dataset": "digits",
        "run": run.name,
        "seed": 0,
    } | dict(run.settings)


# Settings as plain values


def test_how_a_network_of_ones_own_was_trained_elsewhere_has_no_effect(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    blocks = [own_network(tmp_path), trained_network(tmp_path, name="here")]
    elsewhere, here = runs(own_networks=blocks)
    assert (elsewhere.is_made, here.is_made) == (False, True)
    assert list(typed_settings(elsewhere.settings)) == ["layers", "loss", "network"]
    assert set(typed_settings(here.settings)) == {
        *("layers", "loss", "network", "optimizer", "learning_rate", "schedule", "weight_decay"),
        *("momentum", "recreate_optimizer", "batch_size", "epochs", "measure_every", "arithmetic"),
    }


def test_settings_without_effect_are_left_out():
    relu = typed_settings(DeepRFM())
    cos = typed_settings(DeepRFM(feature_map="cos"))
    assert set(DeepRFM.model_fields) - set(relu) == {"n_features", "gamma", "block_rows"}
    assert set(DeepRFM.model_fields) - set(cos) == {
        *("width", "weight_dist", "feature_bias", "block_rows"),
    }
    assert typed_settings(DeepRFM(gamma=3.0, n_features=7, block_rows=1)) == relu
    assert typed_settings(DeepRFM(feature_map="cos", width=7, weight_dist="gaussian")) == cos
    assert typed_settings(DeepRFM(width=7)) != relu


@pytest.mark.parametrize("block", [DeepRFM(), Network(model="mlp")], ids=["deep_rfm", "network"])
def test_settings_are_sorted_and_no_objects(block: Block):
    found = typed_settings(block)
    assert list(found) == sorted(found)
    assert {type(value) for value in found.values()} <= {int, float, str, bool, type(None)}


def test_numbers_are_of_their_declared_type_whatever_was_written():
    given = {"gain": 1, "momentum": 0, "model": "mlp", "learning_rate": 2}
    found = typed_settings(Network(**given))
    for key in ("gain", "momentum", "learning_rate"):
        assert type(found[key]) is float
    assert type(found["width"]) is int
    for keys in itertools.permutations(given):
        again = typed_settings(Network(**{key: given[key] for key in keys}))
        assert list(again.items()) == list(found.items())
    assert repr(typed_settings(Network(**given | {"gain": 1.0}))) == repr(found)
