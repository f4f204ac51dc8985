"""Figures of the theory's tables: what is drawn is what the tables say."""

import numpy as np
import pandas as pd
import pytest
from agop_collapse.plots import (
    random_features,
    theory_layers,
    theory_objective,
    theory_rate,
    theory_recursion,
)

SMALL = [1e-3, 1e-2]
RECURSION = pd.DataFrame(
    [
        {
            **{"lambda_map": lambda_map, "lambda_k": lambda_k, "kappa": kappa, "layer": layer},
            **{"error": lambda_k * 10.0**-layer, "nc1": lambda_k * 100.0**-layer},
        }
        for lambda_map in (0.5, 1.0, 2.0)
        for lambda_k in SMALL
        for kappa in ("paper", "first_order", "exact")
        for layer in (3, 1, 2)
        if (kappa, lambda_k) != ("paper", 1e-2)
    ]
)


def test_recursion():
    fig = theory_recursion.draw({"theory_recursion": RECURSION}, [])
    panels = np.reshape(fig.axes, (2, 3))
    for column, kappa in enumerate(theory_recursion.TITLES):
        for row, value in enumerate(("error", "nc1")):
            lines = [line for line in panels[row, column].lines if len(line.get_xdata()) == 3]
            drawn = [k for k in SMALL if (kappa, k) != ("paper", 1e-2)]
            for lambda_k, line in zip(drawn, (each for each in lines), strict=True):
                np.testing.assert_array_equal(line.get_xdata(), [1, 2, 3])
                expected = lambda_k * (10.0 if value == "error" else 100.0) ** -np.arange(1, 4)
                np.testing.assert_allclose(line.get_ydata(), expected)
    claimed = [line for line in panels[0, 1].lines if len(line.get_xdata()) == 2]
    assert [line.get_ydata()[0] for line in claimed] == [1e-6, 1e-4]
    assert not [line for line in panels[0, 2].lines if len(line.get_xdata()) == 2]


def test_rate():
    table = pd.DataFrame(
        [
            {"lambda_map": m, "lambda_k": x * m, "kappa": kappa, "rate": x, "rate_expected": x / 2}
            | {"floor": x * x, "floor_expected": x, "floor_slope": 1.5}
            for m in (1.0, 2.0)
            for x in (0.1, 1e-3, 1e-2)
            for kappa in ("paper", "first_order", "exact")
        ]
    )
    fig = theory_rate.draw({"theory_rate": table}, [])
    left, right = fig.axes
    assert len(left.lines) == 1 + 2 * 2
    np.testing.assert_allclose(left.lines[1].get_ydata(), [5e-4, 5e-3, 5e-2])
    np.testing.assert_allclose(left.lines[2].get_ydata(), [*SMALL, 0.1])
    assert len(right.lines) == 2 * 2 * 2
    np.testing.assert_allclose(right.lines[-1].get_xdata(), [2e-3, 2e-2, 0.2])
    np.testing.assert_allclose(right.lines[-1].get_ydata(), [1e-6, 1e-4, 1e-2])
    texts = [text.get_text() for text in fig.legends[0].get_texts()]
    assert sum("slope 1.50" in text for text in texts) == 2


def test_random_features():
    table = pd.DataFrame(
        [
            {"feature_map": name, "width": width, "product": r, "mean": r / 2, "mean_se": 0.01}
            | {"expected": r / 3, "variance": 2.0, "variance_expected": 3.0}
            for name in ("relu", "cos")
            for width in (64, 16)
            for r in (0.5, -0.5, 1.0)
        ]
    )
    left, right = random_features.draw({"theory_random_features": table}, []).axes
    np.testing.assert_allclose(left.lines[0].get_ydata(), np.array([-0.5, 0.5, 1]) / 3)
    np.testing.assert_allclose(
        np.array(left.lines[1].get_ydata(), float), np.array([-0.5, 0.5, 1]) / 2
    )
    for line, value in zip(right.lines[:2], (3, 2), strict=True):
        np.testing.assert_allclose(line.get_ydata(), value / np.array([16, 64]))


def test_objective():
    sources = [("collapsed", True, 0), ("gram", True, 0), ("gram", True, 1), ("best", True, 0)]
    sources += [("descent", nonnegative, n) for nonnegative in (True, False) for n in (10, 0)]
    table = pd.DataFrame(
        [
            {"labels": kind, "classes": classes, "ridge": ridge, "source": source}
            | {"nonnegative": nonnegative, "number": number}
            | {"between": number / 20, "excess": ridge * classes + number}
            for kind in ("one_hot", "plus_minus", "scalar")
            for classes in ((2,) if kind == "scalar" else (3, 10))
            for ridge in (0.1, 1.0)
            for source, nonnegative, number in sources
        ]
    )
    fig = theory_objective.draw({"theory_objective": table}, [])
    for ax, classes in zip(fig.axes, (10, 10, 2), strict=True):
        assert ax.get_title().endswith(f"= {classes}")
        solid, dotted = (
            [line for line in ax.lines if line.get_linestyle() == style and len(line.get_xdata())]
            for style in ("-", ":")
        )
        for line in (*solid, dotted[0]):
            np.testing.assert_allclose(line.get_xdata(), [0, 0.5])
            np.testing.assert_allclose(line.get_ydata(), [classes, classes + 10])
        (dots,) = (line for line in ax.lines if line.get_marker() == ".")
        assert dots.get_ydata() == pytest.approx([classes, classes + 1])


def test_layers():
    """Of two seeds, whose means are drawn; the measured rate is the root of NC1's."""
    of_run = {"study": "mine", "dataset": "digits", "run": "laplace"}
    columns = [name for series in theory_layers.PANELS.values() for name in series]
    layers = pd.DataFrame(
        [
            {**of_run, "seed": seed, "layer": layer, "valid": True}
            | {name: 0.1 * layer + seed for name in columns if name != "rate"}
            for seed in (0, 1)
            for layer in (1, 2, 3)
        ]
    )
    nc1 = layers[[*of_run, "seed", "layer", "valid"]].assign(stage="MX")
    nc1["nc1"] = 0.25 ** nc1["layer"] * (1 + nc1["seed"])
    other = nc1.assign(stage="X", nc1=1.0)
    tables = {"theory_layers": layers, "deep_rfm": pd.concat([other, nc1])}
    rows = [{"label": "Digits", "runs": [of_run | {"seeds": [0, 1]}]}]
    fig = theory_layers.draw(tables, rows)
    assert theory_layers.note(tables, rows) == ""
    for ax, series in zip(fig.axes, theory_layers.PANELS.values(), strict=True):
        for line, column in zip(ax.lines, series, strict=True):
            if column == "rate":
                np.testing.assert_allclose(line.get_xdata(), [1, 2])
                np.testing.assert_allclose(line.get_ydata(), [0.5, 0.5])
            else:
                np.testing.assert_allclose(line.get_ydata(), [0.6, 0.7, 0.8])
