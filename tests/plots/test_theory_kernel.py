"""V1 Figure 4: what is drawn is what the table says."""

import math

import numpy as np
import pandas as pd
import pytest
from agop_collapse.plots import theory_kernel

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
    tables = {"theory_kernel": TABLE.sample(frac=1, random_state=0)}
    fig = theory_kernel.draw(tables, [])
    assert theory_kernel.note(tables, []) == ""
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
