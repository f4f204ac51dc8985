"""V1 Figure 4: what is drawn is what the table says."""

import math

import numpy as np
import pandas as pd
import pytest
from agop_collapse.plots import deep_rfm_curves, style, theory_kernel

APART = np.array([0.5, 1.0, 1.5, 2.0])
TABLE = pd.DataFrame(
    {
        "distance": APART,
        "mapped_mean": [0.48, 0.9, 1.2, 1.41],
        "mapped_sd": [0.01, 0.02, 0.03, 0.03],
        "mapped_theory": [0.47, 0.89, 1.21, 1.414],
    }
)


def test_distances_and_ratios():
    fig = theory_kernel.draw(TABLE.sample(frac=1, random_state=0))
    left, right = fig.axes
    for ax, scale in ((left, 1), (right, APART)):
        for line, column in zip(ax.lines[:2], ("mapped_mean", "mapped_theory"), strict=True):
            np.testing.assert_allclose(line.get_xdata(), APART)
            np.testing.assert_allclose(line.get_ydata(), TABLE[column] / scale)
        edges = ax.collections[0].get_paths()[0].vertices
        assert edges[:, 1].max() == pytest.approx(
            ((TABLE["mapped_mean"] + TABLE["mapped_sd"]) / scale).max()
        )
    np.testing.assert_allclose(left.lines[2].get_ydata(), [0, math.sqrt(2)])
    assert len(right.lines) == 2
    assert [text.get_text() for text in fig.legends[0].get_texts()][1:] == [
        "theory",
        "linear interpolation",
    ]


def test_note_on_layers_that_are_not_to_be_trusted(deep_rfm):
    rows = [
        {"dataset": name, "feature_map": "relu", "projection": "agop"} for name in ("mnist", "svhn")
    ]
    assert style.doubtful_note(deep_rfm, rows) == ""
    bad = (deep_rfm["dataset"] == "svhn") & (deep_rfm["layer"] >= 7) & (deep_rfm["seed"] == 1)
    doubtful = deep_rfm.assign(valid=~bad)
    note = style.doubtful_note(doubtful, rows)
    assert "SVHN, ReLU from layer 7" in note
    assert "MNIST" not in note
    assert (
        deep_rfm_curves.draw(doubtful, rows)
        .legends[0]
        .get_texts()[-1]
        .get_text()
        .startswith("lighter")
    )
