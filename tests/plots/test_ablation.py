"""The ablation: both projections, each from its own rows of the table."""

import numpy as np
import pytest
from agop_collapse.plots import ablation
from agop_collapse.plots.colours import COLOURS


@pytest.fixture(scope="module")
def single(make_row):
    """Function for the row of one projection of a feature map."""
    return lambda feature_map, role: make_row(
        "", "mnist", f"gaussian-{feature_map}-{role}", role=role
    )


@pytest.fixture(scope="module")
def rows(single):
    return [
        {
            "label": f"MNIST, Gaussian, {label}",
            "runs": [single(feature_map, role)["runs"][0] for role in ("identity", "agop")],
        }
        for feature_map, label in (("relu", "ReLU"), ("cos", "cos"))
    ]


def test_both_projections_in_each_panel(deep_rfm, rows, single, part, assert_series, headings):
    fig = ablation.draw({"deep_rfm": deep_rfm}, rows)
    panels = np.reshape(fig.axes, (2, 2))
    for feature_map, (left, right) in zip(("relu", "cos"), panels, strict=True):
        for index, role in enumerate(["agop", "identity"]):
            points = part(deep_rfm, single(feature_map, role), stage="MX")
            assert_series(left, index, points, "layer", "nc1")
            assert_series(right, index, points, "layer", "nc2")
        for ax in (left, right):
            assert [line.get_color() for line in ax.lines] == [COLOURS["orange"], COLOURS["grey"]]
            assert len({line.get_linestyle() for line in ax.lines}) == 2
        assert (left.get_yscale(), right.get_yscale()) == ("log", "linear")
        assert left.get_ylabel().startswith("NC1: tr$(\\Sigma_W)$ / ")
        assert right.get_ylabel().startswith("NC2: ")
    assert [heading.get_text() for heading in headings(fig)] == [
        "$\\bf{A}$  MNIST, Gaussian, ReLU",
        "$\\bf{B}$  MNIST, Gaussian, cos",
    ]
    labels = [text.get_text() for text in fig.legends[0].get_texts()]
    assert labels == ["with the AGOP", "random features alone, $M = I$"]


def test_only_the_projection_in_doubt_is_lighter(deep_rfm, rows):
    frame = deep_rfm.copy()
    frame.loc[(frame["projection"] == "agop") & (frame["layer"] >= 11), "valid"] = False
    fig = ablation.draw({"deep_rfm": frame}, rows[:1])
    strong, light, identity = fig.axes[0].lines
    assert strong.get_xdata().tolist() == list(range(1, 11))
    assert light.get_xdata().tolist() == list(range(10, 21))
    assert light.get_alpha() < 1
    assert identity.get_alpha() == 1
    assert len(identity.get_xdata()) == 20
    assert fig.legends[0].get_texts()[-1].get_text() == "lighter: not to be trusted"
    note = ablation.note({"deep_rfm": frame}, rows[:1])
    assert note.endswith("MNIST, Gaussian, ReLU from layer 11")


def test_table_without_one_of_the_projections(deep_rfm, rows):
    frame = deep_rfm[deep_rfm["run"] != "gaussian-relu-identity"]
    with pytest.raises(ValueError, match="deep_rfm has nothing of the run.*relu-identity"):
        ablation.draw({"deep_rfm": frame}, rows)


def test_row_without_one_of_the_projections(deep_rfm, rows):
    half = rows[0] | {"runs": rows[0]["runs"][1:]}
    with pytest.raises(ValueError, match="'MNIST, Gaussian, ReLU' needs .*it has .'agop'."):
        ablation.draw({"deep_rfm": deep_rfm}, [half])
