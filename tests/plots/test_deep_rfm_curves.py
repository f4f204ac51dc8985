"""Figures 3 and 4: what is drawn is what the table says."""

import numpy as np
import pytest
from agop_collapse.plots import deep_rfm_curves
from agop_collapse.plots.colours import COLOURS


@pytest.fixture(scope="module")
def rows(make_row):
    return [
        make_row("CIFAR-10, Laplace, ReLU", "cifar10", "laplace-relu-agop"),
        make_row("MNIST, Gaussian, ReLU", "mnist", "gaussian-relu-agop"),
    ]


@pytest.fixture(scope="module")
def fig(deep_rfm, rows):
    return deep_rfm_curves.draw({"deep_rfm": deep_rfm.sample(frac=1, random_state=0)}, rows)


def test_lines_and_bands_are_the_seeds_means_and_deviations(
    fig, deep_rfm, rows, part, assert_series
):
    panels = np.reshape(fig.axes, (2, 2))
    for row, (left, right) in zip(rows, panels, strict=True):
        assert len(left.lines) == len(right.lines) == 3
        for index, stage in enumerate(["PhiMX", "MX", "X"]):
            assert_series(left, index, part(deep_rfm, row, stage=stage), "layer", "nc1")
            assert_series(right, index, part(deep_rfm, row, stage=stage), "layer", "nc2")


def test_stages_have_the_papers_colours_and_differ_in_grey(fig):
    for ax in fig.axes:
        drawn = [line.get_color() for line in ax.lines]
        assert drawn == [COLOURS["blue"], COLOURS["orange"], COLOURS["green"]]
        assert len({line.get_linestyle() for line in ax.lines}) == 3
        assert len({line.get_marker() for line in ax.lines}) == 3
        assert {line.get_alpha() for line in ax.lines} == {1}


def test_axes(fig, headings):
    panels = np.reshape(fig.axes, (2, 2))
    assert [ax.get_yscale() for ax in panels[0]] == ["log", "linear"]
    assert [heading.get_text() for heading in headings(fig)] == [
        "$\\bf{A}$  CIFAR-10, Laplace, ReLU",
        "$\\bf{B}$  MNIST, Gaussian, ReLU",
    ]
    assert [ax.get_ylabel() for ax in panels[:, 0]] == [r"NC1: tr$(\Sigma_W)$ / tr$(\Sigma_B)$"] * 2
    for ax in panels[:, 1]:
        assert ax.get_ylabel().startswith("NC2: ")
        assert r"\Sigma_{\mathrm{ETF}}" in ax.get_ylabel()
        assert ax.get_ylim()[0] == 0
    for ax in fig.axes:
        assert ax.get_xticks().tolist() == [1, 5, 10, 15, 20]
    assert [ax.get_xlabel() for ax in panels[1]] == ["Layer of Deep RFM"] * 2


def test_legend_names_the_stages_in_their_order(fig):
    (legend,) = fig.legends
    entries = dict(
        zip(
            [text.get_text() for text in legend.get_texts()],
            [handle.get_color() for handle in legend.legend_handles],
            strict=True,
        )
    )
    assert list(entries.items()) == [
        ("$X$", COLOURS["green"]),
        ("$M^{1/2}X$", COLOURS["orange"]),
        (r"$\Phi(M^{1/2}X)$", COLOURS["blue"]),
    ]


def test_layers_from_the_first_invalid_one_of_a_seed_are_lighter(deep_rfm, rows, part):
    frame = deep_rfm.copy()
    bad = part(frame, rows[1], seed=1).query("layer >= 6").index
    frame.loc[bad, "valid"] = False
    fig = deep_rfm_curves.draw({"deep_rfm": frame}, rows)
    sound, doubtful = fig.axes[0], fig.axes[2]
    assert len(sound.lines) == 3
    assert len(doubtful.lines) == 6
    for stage, strong, light in zip(
        ["PhiMX", "MX", "X"], doubtful.lines[::2], doubtful.lines[1::2], strict=True
    ):
        means = part(frame, rows[1], stage=stage).groupby("layer")["nc1"].mean()
        np.testing.assert_allclose(strong.get_ydata(), means.loc[:5])
        np.testing.assert_allclose(light.get_ydata(), means.loc[5:])
        assert light.get_alpha() < strong.get_alpha() == 1
        assert light.get_color() == strong.get_color()
    assert fig.legends[0].get_texts()[-1].get_text() == "lighter: not to be trusted"
    note = deep_rfm_curves.note({"deep_rfm": frame}, rows)
    assert note.endswith("(ill-conditioned solve): MNIST, Gaussian, ReLU from layer 6")
    assert "CIFAR-10" not in note
    assert deep_rfm_curves.note({"deep_rfm": frame}, rows[:1]) == ""


def test_one_seed_has_a_band_of_no_width(deep_rfm, rows, part, assert_series, headings):
    frame = deep_rfm[deep_rfm["seed"] == 2]
    fig = deep_rfm_curves.draw({"deep_rfm": frame}, rows[:1])
    assert_series(fig.axes[0], 1, part(frame, rows[0], stage="MX"), "layer", "nc1")
    assert [heading.get_text() for heading in headings(fig)] == ["CIFAR-10, Laplace, ReLU"]


def test_nc2_of_the_earlier_version_is_over_k_squared(deep_rfm, rows, part, assert_series):
    """Of ten classes."""
    fig = deep_rfm_curves.draw({"deep_rfm": deep_rfm}, rows[:1], nc2="nc2_over_k2")
    points = part(deep_rfm, rows[0], stage="MX").assign(scaled=lambda frame: frame["nc2"] / 100)
    assert_series(fig.axes[1], 1, points, "layer", "scaled")
    assert fig.axes[1].get_ylabel().endswith("/ $K^2$")


def test_panel_without_a_point_says_why(deep_rfm, rows):
    """NC1 of 0 has no place on a logarithmic axis, NC2 of 0 has one on a linear axis."""
    zero = deep_rfm.assign(nc1=0.0, nc2=0.0)
    left, right = deep_rfm_curves.draw({"deep_rfm": zero}, rows[:1]).axes
    assert left.texts[-1].get_text() == "NC1 is 0\nat every layer"
    assert not right.texts
    none = deep_rfm.assign(nc2=np.nan)
    left, right = deep_rfm_curves.draw({"deep_rfm": none}, rows[:1]).axes
    assert len(left.texts) == 1  # the heading
    assert right.texts[0].get_text() == "no values"


def test_row_that_selects_nothing(deep_rfm, rows, make_row):
    absent = make_row("digits, Laplace, ReLU", "digits", "laplace-relu-agop")
    with pytest.raises(ValueError, match="table deep_rfm has nothing of the run.*'digits'"):
        deep_rfm_curves.draw({"deep_rfm": deep_rfm}, [rows[0], absent])
