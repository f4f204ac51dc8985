"""Collapse of a network's training and test points: what is drawn is what the tables say."""

import numpy as np
import pandas as pd
import pytest
from agop_collapse.plots import network_nc_full
from matplotlib.collections import LineCollection

SERIES = [
    ["nc1", "nc1_test_own", "nc1_test_strong", "nc1_test_weak"],
    ["nc2", "nc2_test"],
    ["centre_accuracy", "test_centre_accuracy"],
]
TEST = [column for of_panel in SERIES for column in of_panel if "test" in column]


@pytest.fixture(scope="module")
def rows(make_row):
    return [
        make_row("MNIST, MLP", "mnist", "mlp"),
        make_row("CIFAR-10, ResNet18", "cifar10", "resnet18"),
    ]


def panels_of(fig, count):
    """NC1, NC2, NC3 and NC4 of each row."""
    return np.reshape(fig.axes, (count, 4))


def test_nc1_nc2_and_nearest_centres_are_those_of_the_last_epochs_outputs(
    networks, rows, part, assert_series, headings
):
    fig = network_nc_full.draw(networks, rows)
    for row, (nc1, nc2, _, nc4) in zip(rows, panels_of(fig, 2), strict=True):
        points = part(networks["network_nc"], row, stage="full", epoch=500)
        for ax, columns in zip((nc1, nc2, nc4), SERIES, strict=True):
            for index, column in enumerate(columns):
                assert_series(ax, index, points, "layer", column)
        assert [len(nc1.lines), len(nc2.lines)] == [4, 2]
        assert (nc1.get_yscale(), nc2.get_yscale()) == ("log", "linear")
        assert nc2.get_ylim()[0] == 0
    labels = [ax.get_ylabel().split(":")[0] for ax in fig.axes]
    assert labels == ["NC1", "NC2", "NC3", "NC4"] * 2
    assert [heading.get_text() for heading in headings(fig)] == [
        "$\\bf{A}$  MNIST, MLP",
        "$\\bf{B}$  CIFAR-10, ResNet18",
    ]


def test_nc3_is_of_each_layers_weight_and_last_the_readouts_beside_chance(
    networks, rows, part, assert_series
):
    fig = network_nc_full.draw(networks, rows)
    for row, (*_, nc3, _) in zip(rows, panels_of(fig, 2), strict=True):
        ranks = part(networks["network_ranks"], row, epoch=500)
        readout = part(networks["network_readout"], row, epoch=500)
        readout = readout.assign(layer=6, class_alignment=readout["principal_cosine"])
        assert len(nc3.lines) == 2
        assert_series(nc3, 0, pd.concat([ranks, readout]), "layer", "class_alignment")
        assert_series(nc3, 1, ranks, "layer", "class_alignment_chance")
        assert nc3.get_ylim() == (0, 1)


def test_nc4_stands_behind_the_last_layer_with_its_spread(networks, rows, part):
    fig = network_nc_full.draw(networks, rows)
    for row, (*_, nc4) in zip(rows, panels_of(fig, 2), strict=True):
        readout = part(networks["network_readout"], row, epoch=500)
        bars = [each for each in nc4.collections if isinstance(each, LineCollection)]
        accuracies, stars = nc4.lines[:2], nc4.lines[2:]
        for column, star, bar, line in zip(
            ["nc4", "nc4_test"], stars, bars, accuracies, strict=True
        ):
            mean, sd = readout[column].mean(), readout[column].std(ddof=1)
            np.testing.assert_array_equal(star.get_xdata(), [6])
            np.testing.assert_allclose(star.get_ydata(), [mean], rtol=1e-12)
            np.testing.assert_allclose(bar.get_segments()[0], [[6, mean - sd], [6, mean + sd]])
            assert star.get_color() == line.get_color()
        low, high = nc4.get_ylim()
        assert low < min(bar.get_segments()[0].min(axis=0)[1] for bar in bars)
        assert 1 < high < 1.02


def test_markers_of_the_readout_are_not_cut(networks, rows):
    fig = network_nc_full.draw(networks, rows)
    assert all(ax.get_xlim()[0] < 0.9 and 6.1 < ax.get_xlim()[1] < 7 for ax in fig.axes)
    assert all(ax.get_xticks().tolist() == [1, 2, 3, 4, 5, 6] for ax in fig.axes)


def test_each_seeds_last_epoch_is_shown(networks, rows, part, assert_series):
    """A seed that was stopped earlier has an earlier one."""
    shorter = {}
    for name, table in networks.items():
        shorter[name] = table[(table["seed"] != 1) | (table["epoch"] <= 300)]
    fig = network_nc_full.draw(shorter, rows[:1])
    points = part(shorter["network_nc"], rows[0], stage="full")
    last = points["seed"].map({0: 500, 1: 300, 2: 500})
    assert_series(fig.axes[0], 0, points[points["epoch"] == last], "layer", "nc1")


def test_without_test_points_there_are_training_points_alone(networks, rows):
    none = networks | {
        "network_nc": networks["network_nc"].assign(**dict.fromkeys(TEST, np.nan)),
        "network_readout": networks["network_readout"].assign(nc4_test=None),
    }
    fig = network_nc_full.draw(none, rows[:1])
    nc1, nc2, nc3, nc4 = fig.axes
    assert [len(ax.lines) for ax in (nc1, nc2, nc3, nc4)] == [1, 1, 2, 2]
    assert [text.get_text() for text in fig.legends[0].get_texts()] == ["training points"]


def test_unfitted_rows_are_lighter(networks, rows, part):
    training = networks["network_training"].copy()
    training.loc[part(training, rows[1], seed=0, epoch=500).index, "fitted"] = False
    tables = networks | {"network_training": training}
    fitted, unfitted = panels_of(network_nc_full.draw(tables, rows), 2)
    assert {line.get_alpha() for ax in fitted for line in ax.lines} == {1}
    assert max(line.get_alpha() for ax in unfitted for line in ax.lines) < 0.5
    assert network_nc_full.note(tables, rows) == ". Not fitted: CIFAR-10, ResNet18"


def test_an_unknown_row_is_refused(networks, make_row):
    with pytest.raises(ValueError, match="vgg11"):
        network_nc_full.draw(networks, [make_row("MNIST, VGG-11", "mnist", "vgg11")])
