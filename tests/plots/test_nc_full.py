"""Collapse of Deep RFM's training and test points: what is drawn is what the table says."""

import numpy as np
import pytest
from agop_collapse.plots import nc_full

SERIES = [
    ["nc1", "nc1_test_own", "nc1_test_strong", "nc1_test_weak"],
    ["nc2", "nc2_test"],
    ["centre_accuracy", "test_centre_accuracy"],
]


@pytest.fixture(scope="module")
def rows(make_row):
    return [
        make_row("CIFAR-10, Laplace, ReLU", "cifar10", "laplace-relu-agop"),
        make_row("MNIST, Gaussian, ReLU", "mnist", "gaussian-relu-agop"),
    ]


def test_lines_and_bands_are_the_seeds_of_each_layer(deep_rfm, rows, part, assert_series, headings):
    fig = nc_full.draw({"deep_rfm": deep_rfm.sample(frac=1, random_state=0)}, rows)
    for row, panels in zip(rows, np.reshape(fig.axes, (2, 3)), strict=True):
        points = part(deep_rfm, row, stage="MX")
        for ax, columns in zip(panels, SERIES, strict=True):
            assert len(ax.lines) == len(columns)
            for index, column in enumerate(columns):
                assert_series(ax, index, points, "layer", column)
        assert [ax.get_yscale() for ax in panels] == ["log", "linear", "linear"]
        assert panels[1].get_ylim()[0] == 0
        assert 1 < panels[2].get_ylim()[1] < 1.02
    assert [heading.get_text() for heading in headings(fig)] == [
        "$\\bf{A}$  CIFAR-10, Laplace, ReLU",
        "$\\bf{B}$  MNIST, Gaussian, ReLU",
    ]
    assert [ax.get_ylabel().split(":")[0] for ax in fig.axes[:3]] == [
        "NC1",
        "NC2",
        "Nearest-centre accuracy",
    ]
    assert nc_full.note({"deep_rfm": deep_rfm}, rows) == ""


def test_a_series_has_the_legends_colour_in_each_panel(deep_rfm, rows):
    """Test points stand about their own means in NC2, and their accuracy is about training's."""
    fig = nc_full.draw({"deep_rfm": deep_rfm}, rows[:1])
    (legend,) = fig.legends
    named = {
        text.get_text(): handle.get_color()
        for text, handle in zip(legend.get_texts(), legend.legend_handles, strict=True)
    }
    train, own, strong, weak = named.values()
    assert [name.split(", ")[-1] for name in named] == [
        "training points",
        "about their own class means",
        "about training means",
        "about the nearest training mean",
    ]
    drawn = [[line.get_color() for line in ax.lines] for ax in fig.axes]
    assert drawn == [[train, own, strong, weak], [train, own], [train, strong]]
    assert len({train, own, strong, weak}) == 4


def test_without_test_points_there_are_training_points_alone(deep_rfm, rows):
    """In the run that has none; and if no run has any, the legend names none."""
    columns = [column for of_panel in SERIES for column in of_panel if "test" in column]
    mnist = deep_rfm["dataset"] == "mnist"
    none = deep_rfm.assign(**{name: deep_rfm[name].mask(mnist) for name in columns})
    fig = nc_full.draw({"deep_rfm": none}, rows)
    assert [len(ax.lines) for ax in fig.axes] == [4, 2, 2, 1, 1, 1]
    assert len(fig.legends[0].get_texts()) == 4
    fig = nc_full.draw({"deep_rfm": none}, rows[1:])
    assert [text.get_text() for text in fig.legends[0].get_texts()] == ["training points"]


def test_layers_from_the_first_invalid_one_are_lighter(deep_rfm, rows, part):
    frame = deep_rfm.copy()
    frame.loc[part(frame, rows[1], seed=1).query("layer >= 6").index, "valid"] = False
    fig = nc_full.draw({"deep_rfm": frame}, rows)
    assert {line.get_alpha() for ax in fig.axes[:3] for line in ax.lines} == {1}
    for ax, columns in zip(fig.axes[3:], SERIES, strict=True):
        assert len(ax.lines) == 2 * len(columns)
        for strong, light in zip(ax.lines[::2], ax.lines[1::2], strict=True):
            np.testing.assert_array_equal(strong.get_xdata(), range(1, 6))
            np.testing.assert_array_equal(light.get_xdata(), range(5, 21))
            assert light.get_alpha() < strong.get_alpha() == 1
    assert fig.legends[0].get_texts()[-1].get_text() == "lighter: not to be trusted"
    assert nc_full.note({"deep_rfm": frame}, rows).endswith("MNIST, Gaussian, ReLU from layer 6")


def test_an_unknown_row_is_refused(deep_rfm, make_row):
    with pytest.raises(ValueError, match="deep_rfm has nothing of the run.*'digits'"):
        nc_full.draw({"deep_rfm": deep_rfm}, [make_row("", "digits", "laplace-relu-agop")])
