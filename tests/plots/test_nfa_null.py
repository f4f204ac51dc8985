"""The NFA beside its baselines: what is drawn is what the table says."""

import numpy as np
import pytest
from agop_collapse.plots import nfa_null
from matplotlib.colors import to_hex

SERIES = ["nfa", "nfa_offdiagonal", "nfa_init", "nfa_independent"]


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
        nfa_offdiagonal=0.9 * nfa["nfa"], nfa_init=0.7, nfa_independent=0.3 + 0.01 * nfa["seed"]
    )
    return networks | {"network_nfa": with_baselines}


def test_lines_are_the_seeds_means_and_chance_is_marked(tables, rows, part, assert_series):
    fig = nfa_null.draw(tables, rows)
    for row, axes in zip(rows, np.reshape(fig.axes, (2, 5)), strict=True):
        for layer, ax in enumerate(axes, start=1):
            points = part(tables["network_nfa"], row, layer=layer)
            for index, column in enumerate(SERIES):
                assert_series(ax, index, points, "epoch", column)
            assert ax.lines[len(SERIES)].get_ydata() == pytest.approx([512**-0.5] * 2)
            assert len({to_hex(line.get_color()) for line in ax.lines}) == 5


def test_rows_that_are_not_fitted_are_lighter_and_named(tables, rows, part):
    training = tables["network_training"].copy()
    training.loc[part(training, rows[1], seed=0, epoch=500).index, "fitted"] = False
    tables = tables | {"network_training": training}
    fig = nfa_null.draw(tables, rows)
    fitted, unfitted = np.reshape(fig.axes, (2, 5))
    assert {line.get_alpha() for ax in fitted for line in ax.lines[:4]} == {1}
    assert max(line.get_alpha() for ax in unfitted for line in ax.lines[:4]) < 0.5
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
