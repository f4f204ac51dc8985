"""The NFA beside its baselines: what is drawn is what the table says."""

import numpy as np
import pandas as pd
import pytest
from agop_collapse.plots import nfa_null, style
from matplotlib.colors import to_hex

ROWS = [{"dataset": "mnist", "model": "mlp"}, {"dataset": "cifar10", "model": "resnet18"}]
SERIES = ["nfa", "nfa_offdiagonal", "nfa_init", "nfa_independent"]


@pytest.fixture(scope="module")
def table(networks):
    nfa = networks["network_nfa"]
    return nfa.assign(
        nfa_offdiagonal=0.9 * nfa["nfa"], nfa_init=0.7, nfa_independent=0.3 + 0.01 * nfa["seed"]
    )


def test_lines_are_the_seeds_means_and_chance_is_marked(table, assert_series):
    fig = nfa_null.draw(table, ROWS)
    for row, axes in zip(ROWS, np.reshape(fig.axes, (2, 5)), strict=True):
        for layer, ax in enumerate(axes, start=1):
            wanted = row | {"layer": layer}
            points = table[(table[list(wanted)] == pd.Series(wanted)).all(axis=1)]
            for index, column in enumerate(SERIES):
                assert_series(ax, index, points, "epoch", column)
            assert ax.lines[len(SERIES)].get_ydata() == pytest.approx([512**-0.5] * 2)
            assert len({to_hex(line.get_color()) for line in ax.lines}) == 5


def test_rows_that_are_not_fitted_are_lighter_and_named(table):
    fig = nfa_null.draw(table, ROWS, {"CIFAR-10, ResNet18"})
    fitted, unfitted = np.reshape(fig.axes, (2, 5))
    assert {line.get_alpha() for ax in fitted for line in ax.lines[:4]} == {1}
    assert max(line.get_alpha() for ax in unfitted for line in ax.lines[:4]) < 0.5
    assert "lighter" in fig.legends[0].get_texts()[-1].get_text()
    note = style.unfitted_note({"CIFAR-10, ResNet18"})
    assert "CIFAR-10, ResNet18" in note
    assert "0.05" in note
    assert style.unfitted_note(set()) == ""


def test_an_unknown_row_is_refused(table):
    with pytest.raises(ValueError, match="vgg11"):
        nfa_null.draw(table, [{"dataset": "mnist", "model": "vgg11"}])
