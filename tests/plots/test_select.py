"""A run's part of a table, and its summary over seeds."""

import math

import numpy as np
import pandas as pd
import pytest
from agop_collapse.plots import select
from hypothesis import given
from hypothesis import strategies as st

RUN = {"study": "paper", "dataset": "mnist", "run": "gaussian-relu-agop", "colour": "any"}

values = st.floats(-1e6, 1e6, allow_subnormal=False)


@given(st.dictionaries(st.integers(0, 50), st.lists(values, min_size=1, max_size=4), min_size=1))
def test_summary_is_that_of_a_plain_loop(points):
    records = [
        {"x": x, "seed": seed, "y": y} for x, ys in points.items() for seed, y in enumerate(ys)
    ]
    summary = select.summarise(pd.DataFrame(records[::-1]), ["x"], "y")
    assert list(summary["x"]) == sorted(points)
    for x, mean, lower, upper in summary.itertuples(index=False):
        ys = np.array(points[x])
        sd = np.std(ys, ddof=1) if len(ys) > 1 else 0.0
        near = {"rtol": 1e-9, "atol": 1e-9 * np.abs(ys).max()}
        np.testing.assert_allclose(mean, np.mean(ys), **near)
        np.testing.assert_allclose(upper, np.mean(ys) + sd, **near)
        floor = 0.01 * np.mean(ys) if np.mean(ys) > 0 else -math.inf
        np.testing.assert_allclose(lower, max(np.mean(ys) - sd, floor), **near)
        assert lower <= mean <= upper
        assert lower > 0 or mean <= 0


def test_summary_of_undefined_value_is_undefined():
    frame = pd.DataFrame({"x": [1, 1, 2, 2], "seed": [0, 1, 0, 1], "y": [1.0, math.nan, 1.0, 3.0]})
    summary = select.summarise(frame, ["x"], "y")
    assert summary.loc[0, ["mean", "lower", "upper"]].isna().all()
    assert summary.loc[1, "mean"] == 2


def test_summary_by_two_columns():
    frame = pd.DataFrame({"a": [1, 1, 1], "b": [0, 1, 1], "seed": [0, 0, 1], "y": [5.0, 1.0, 3.0]})
    summary = select.summarise(frame, ["a", "b"], "y")
    assert summary[["a", "b", "mean"]].to_numpy().tolist() == [[1, 0, 5], [1, 1, 2]]


def test_summary_refuses_two_values_of_a_seed():
    frame = pd.DataFrame({"x": [1, 1], "layer": [1, 2], "seed": [7, 7], "y": [5.0, 1.0]})
    with pytest.raises(ValueError, match="several values of y at .*'seed': 7"):
        select.summarise(frame, ["x"], "y")


def test_select_keeps_the_rows_of_one_run(deep_rfm):
    chosen = select.select_run({"deep_rfm": deep_rfm}, "deep_rfm", RUN)
    assert len(chosen) == 3 * 20 * 3
    for column in ("study", "dataset", "run"):
        assert set(chosen[column]) == {RUN[column]}


@pytest.mark.parametrize("key", ["study", "dataset", "run"])
def test_select_names_a_run_that_is_not_there(deep_rfm, key):
    absent = RUN | {key: "absent"}
    assert select.has_run({"deep_rfm": deep_rfm}, "deep_rfm", RUN)
    assert not select.has_run({"deep_rfm": deep_rfm}, "deep_rfm", absent)
    with pytest.raises(ValueError, match="deep_rfm has nothing of the run.*'absent'.*svhn"):
        select.select_run({"deep_rfm": deep_rfm}, "deep_rfm", absent)


def test_select_refuses_to_mix_runs(deep_rfm):
    same_name = deep_rfm.assign(run="gaussian-relu-agop")
    with pytest.raises(ValueError, match="mixes several values of feature_map: .*cos.*relu"):
        select.select_run({"deep_rfm": same_name}, "deep_rfm", RUN)


def test_measure_at_the_last_layer_is_each_seeds_own(deep_rfm):
    """One seed has fewer layers than the others."""
    cut = deep_rfm[(deep_rfm["seed"] != 1) | (deep_rfm["layer"] <= 12)]
    tables = {"deep_rfm": cut}
    last = select.select_measure(tables, "deep_rfm", RUN, "nc1", "MX", layer="last", epoch="last")
    assert last.set_index("seed")["layer"].to_dict() == {0: 20, 1: 12, 2: 20}
    assert set(last["stage"]) == {"MX"}
    fifth = select.select_measure(tables, "deep_rfm", RUN, "nc1", "X", layer=5)
    assert set(fifth["layer"]) == {5}
    assert len(fifth) == 3


def test_measure_that_is_the_same_at_each_stage_needs_none(deep_rfm):
    tables = {"deep_rfm": deep_rfm}
    errors = select.select_measure(tables, "deep_rfm", RUN, "train_mse", layer="last")
    assert errors["train_mse"].tolist() == [2e-19] * 3
    with pytest.raises(ValueError, match="nc1 of the table deep_rfm needs a stage.*'PhiMX'"):
        select.select_measure(tables, "deep_rfm", RUN, "nc1", layer="last")


@pytest.mark.parametrize(
    ("measure", "places", "message"),
    [
        ("nc3", {}, r"deep_rfm has no measure nc3; it has \['nc1', 'nc2', 'nc2_mse', 'nc2_test'"),
        ("valid", {}, "no measure valid"),
        ("layer", {}, "no measure layer"),
        ("nc1", {"stage": "left"}, r"has no stage left; it has \['MX', 'PhiMX', 'X'\]"),
        ("nc1", {"stage": "X", "layer": 21}, r"gaussian-relu-agop of mnist has no layer 21"),
        ("nc1", {"stage": "X", "epoch": 3}, "the table deep_rfm has no column epoch"),
    ],
)
def test_measure_that_is_not_there(deep_rfm, measure, places, message):
    with pytest.raises(ValueError, match=message):
        select.select_measure({"deep_rfm": deep_rfm}, "deep_rfm", RUN, measure, **places)
