"""The ablation: both projections, each from its own rows of the table."""

import numpy as np
import pytest
from agop_collapse.plots import ablation
from agop_collapse.plots.style import COLOURS

ROWS = [
    {"dataset": "mnist", "kernel": "gaussian", "feature_map": feature_map}
    for feature_map in ("relu", "cos")
]


def part(frame, row, projection):
    wanted = row | {"projection": projection, "stage": "MX"}
    return frame[np.logical_and.reduce([frame[key] == value for key, value in wanted.items()])]


def test_both_projections_in_each_panel(deep_rfm, assert_series):
    fig = ablation.draw(deep_rfm, ROWS)
    panels = np.reshape(fig.axes, (2, 2))
    for row, (left, right) in zip(ROWS, panels, strict=True):
        for index, projection in enumerate(["agop", "identity"]):
            assert_series(left, index, part(deep_rfm, row, projection), "layer", "nc1")
            assert_series(right, index, part(deep_rfm, row, projection), "layer", "nc2")
        for ax in (left, right):
            assert [line.get_color() for line in ax.lines] == [COLOURS["orange"], COLOURS["grey"]]
            assert len({line.get_linestyle() for line in ax.lines}) == 2
        assert (left.get_yscale(), right.get_yscale()) == ("log", "linear")
    assert panels[0, 0].get_ylabel().startswith("$\\bf{A}$  MNIST\nGaussian, ReLU\n")
    assert panels[1, 0].get_ylabel().startswith("$\\bf{B}$  MNIST\nGaussian, cos\n")
    labels = [text.get_text() for text in fig.legends[0].get_texts()]
    assert labels == ["with the AGOP", "random features alone, $M = I$"]


def test_only_the_projection_in_doubt_is_lighter(deep_rfm):
    frame = deep_rfm.copy()
    frame.loc[(frame["projection"] == "agop") & (frame["layer"] >= 11), "valid"] = False
    fig = ablation.draw(frame, ROWS[:1])
    strong, light, identity = fig.axes[0].lines
    assert strong.get_xdata().tolist() == list(range(1, 11))
    assert light.get_xdata().tolist() == list(range(10, 21))
    assert light.get_alpha() < 1
    assert identity.get_alpha() == 1
    assert len(identity.get_xdata()) == 20
    assert fig.legends[0].get_texts()[-1].get_text() == "lighter: not to be trusted"


def test_row_without_one_of_the_projections(deep_rfm):
    row = {"dataset": "svhn", "kernel": "laplace", "feature_map": "relu"}
    with pytest.raises(ValueError, match="figure row {'dataset': 'svhn'.*'identity'"):
        ablation.draw(deep_rfm, [row])
