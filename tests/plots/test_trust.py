"""What is not to be trusted, and what figures say of it."""

import math

import pandas as pd
import pytest
from agop_collapse.plots import trust

MLP = {"study": "paper", "dataset": "mnist", "run": "mlp"}


def test_first_doubtful_layer_is_of_any_seed(deep_rfm, make_row, part):
    run = part(deep_rfm, make_row("", "mnist", "gaussian-relu-agop")).copy()
    assert trust.first_doubtful_layer(run) == math.inf
    run.loc[(run["seed"] == 2) & (run["layer"] >= 9), "valid"] = False
    run.loc[(run["seed"] == 0) & (run["layer"] >= 12), "valid"] = False
    assert trust.first_doubtful_layer(run) == 9


@pytest.mark.parametrize(
    ("fitted", "unfitted"),
    [([False, True], False), ([True, False], True), ([True, True], False)],
)
def test_unfitted_by_the_last_epoch_of_any_seed(fitted, unfitted):
    """A seed that ends early, and one whose rows are not in the order of epochs."""
    sound = MLP | {"model": "mlp", "seed": 0, "epoch": 30, "fitted": True}
    records = [sound] + [
        sound | {"seed": 1, "epoch": epoch, "fitted": each}
        for epoch, each in zip((10, 20), fitted, strict=True)
    ]
    tables = {"network_training": pd.DataFrame(records[::-1])}
    assert trust.is_unfitted(tables["network_training"]) is unfitted
    rows = [{"label": "MNIST, MLP", "runs": [MLP]}]
    assert trust.note(tables, rows) == (". Not fitted: MNIST, MLP" if unfitted else "")
    assert trust.doubt(tables, rows) == ("not fitted" if unfitted else "")


def test_note_on_layers_that_are_not_to_be_trusted(deep_rfm, make_row):
    rows = [
        make_row("MNIST, ReLU", "mnist", "gaussian-relu-agop"),
        make_row("SVHN, ReLU", "svhn", "laplace-relu-agop"),
    ]
    assert trust.note({"deep_rfm": deep_rfm}, rows) == ""
    assert trust.doubt({"deep_rfm": deep_rfm}, rows) == ""
    bad = (deep_rfm["dataset"] == "svhn") & (deep_rfm["layer"] >= 7) & (deep_rfm["seed"] == 1)
    doubtful = {"deep_rfm": deep_rfm.assign(valid=~bad)}
    assert trust.note(doubtful, rows) == (
        ". Not to be trusted (ill-conditioned solve): SVHN, ReLU from layer 7"
    )
    assert trust.doubt(doubtful, rows) == "not to be trusted"


def test_a_row_of_several_runs_is_as_good_as_its_worst(deep_rfm, make_row):
    """The ablation's."""
    worse = deep_rfm.assign(valid=(deep_rfm["run"] != "gaussian-cos-agop") | (deep_rfm.layer < 4))
    runs = [make_row("", "mnist", f"gaussian-{name}-agop")["runs"][0] for name in ("relu", "cos")]
    note = trust.note({"deep_rfm": worse}, [{"label": "both", "runs": runs}])
    assert note.endswith(": both from layer 4")


def test_verdict_is_read_from_the_table_that_has_the_run(deep_rfm, networks, make_row):
    tables = networks | {"deep_rfm": deep_rfm.assign(valid=False)}
    deep = make_row("", "mnist", "gaussian-relu-agop")["runs"][0]
    assert trust.doubtful_from(tables, deep) == 1
    assert trust.doubtful_from(tables, MLP) == math.inf
    unfitted = networks["network_training"].assign(fitted=False)
    assert trust.doubtful_from({"network_training": unfitted}, MLP) == -math.inf
    with pytest.raises(ValueError, match="nothing of the run.*absent"):
        trust.doubtful_from(tables, MLP | {"run": "absent"})
    assert trust.doubtful_from({}, MLP) == math.inf


def test_a_predictor_that_is_not_valid_is_one_layer_behind_the_last(deep_rfm, predictors, make_row):
    run = make_row("", "mnist", "gaussian-relu-agop")["runs"][0]
    mine = (predictors["study"] == "paper") & (predictors["run"] == run["run"])
    doubted = predictors.assign(valid=predictors["valid"] & ~(mine & (predictors["seed"] == 2)))
    tables = {"deep_rfm": deep_rfm, "predictor": doubted}
    assert trust.doubtful_from(tables, run) == 21
    assert trust.doubtful_from(tables, run | {"seeds": [0, 1]}) == math.inf
    assert trust.doubtful_from(tables, run | {"dataset": "svhn", "run": "laplace-relu-agop"}) == (
        math.inf
    )
    earlier = deep_rfm.assign(valid=deep_rfm["layer"] < 4)
    assert trust.doubtful_from(tables | {"deep_rfm": earlier}, run) == 4
