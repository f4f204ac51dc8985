"""The NFA beside its baselines: what is drawn is what the table says."""

import numpy as np
import pytest
from agop_collapse.plots import nfa_null
from matplotlib.colors import to_hex

SERIES = ["nfa", "nfa_offdiagonal", "nfa_init", "nfa_independent", "nfa_independent_trained"]


@pytest.fixture(scope="module")
def rows(make_row):
    return [
        make_row("MNIST, MLP", "mnist", "mlp"),
        make_row("CIFAR-10, ResNet18", "cifar10", "resnet18"),
    ]


@pytest.fixture(scope="module")
def tables(networks):
    nfa = networks["network_nfa"]
    with_baselines = nfa.assign(
        nfa_offdiagonal=0.9 * nfa["nfa"],
        nfa_init=0.7,
        nfa_independent=0.3 + 0.01 * nfa["seed"],
        nfa_independent_trained=0.1 - 0.01 * nfa["seed"],
    )
    return networks | {"network_nfa": with_baselines}


def test_lines_are_the_seeds_means_and_chance_is_marked(tables, rows, part, assert_series):
    fig = nfa_null.draw(tables, rows)
    panels = np.reshape(fig.axes, (2, 5))
    for row, axes in zip(rows, panels, strict=True):
        for layer, ax in enumerate(axes, start=1):
            points = part(tables["network_nfa"], row, layer=layer)
            for index, column in enumerate(SERIES):
                assert_series(ax, index, points, "epoch", column)
            assert len({to_hex(line.get_color()) for line in ax.lines}) == len(ax.lines)
    # The first layer has 784 inputs, the others 512.
    for axes in panels:
        for ax, chance in zip(axes, (0.0357, *[0.0442] * 4), strict=True):
            line = ax.lines[len(SERIES)]
            assert line.get_ydata() == pytest.approx([chance] * 2, abs=5e-5)
            assert line.get_color() == fig.legends[0].legend_handles[-1].get_color()


def test_rows_that_are_not_fitted_are_lighter_and_named(tables, rows, part):
    training = tables["network_training"].copy()
    training.loc[part(training, rows[1], seed=0, epoch=500).index, "fitted"] = False
    tables = tables | {"network_training": training}
    fig = nfa_null.draw(tables, rows)
    fitted, unfitted = np.reshape(fig.axes, (2, 5))
    assert {line.get_alpha() for ax in fitted for line in ax.lines[: len(SERIES)]} == {1}
    assert max(line.get_alpha() for ax in unfitted for line in ax.lines[: len(SERIES)]) < 0.5
    assert fig.legends[0].get_texts()[-1].get_text() == "lighter: not fitted"
    assert nfa_null.note(tables, rows) == ". Not fitted: CIFAR-10, ResNet18"
    assert nfa_null.note(tables, rows[:1]) == ""


def test_network_of_fewer_layers_leaves_panels_out(tables, rows):
    nfa = tables["network_nfa"]
    short = nfa[(nfa["run"] != "resnet18") | (nfa["layer"] <= 4)]
    fig = nfa_null.draw(tables | {"network_nfa": short}, rows)
    assert [ax.axison for ax in fig.axes] == [True] * 9 + [False]


def test_an_unknown_row_is_refused(tables, make_row):
    with pytest.raises(ValueError, match="vgg11"):
        nfa_null.draw(tables, [make_row("MNIST, VGG-11", "mnist", "vgg11")])


def test_layer_without_values_says_so(tables, rows):
    """Though the chance line is drawn in it."""
    columns = dict.fromkeys(SERIES, np.nan)
    fig = nfa_null.draw(tables | {"network_nfa": tables["network_nfa"].assign(**columns)}, rows)
    assert [ax.texts[0].get_text() for ax in fig.axes] == ["no values"] * 10
