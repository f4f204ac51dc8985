"""Figures 10 to 12: what is drawn is what the tables say."""

import numpy as np
import pytest
from agop_collapse.plots import ansatz
from agop_collapse.plots.colours import COLOURS

LAYER_COLOURS = [COLOURS[name] for name in ("blue", "green", "red", "magenta", "yellow")]


@pytest.fixture(scope="module")
def rows(make_row):
    return [
        make_row("MNIST, ResNet18", "mnist", "resnet18"),
        make_row("CIFAR-10, ResNet18", "cifar10", "resnet18"),
    ]


@pytest.fixture(scope="module")
def fig(networks, rows):
    return ansatz.draw(networks, rows)


def test_traces_are_those_of_the_last_hidden_layers_output(
    fig, networks, rows, part, assert_series
):
    for row, ax in zip(rows, fig.axes[::3], strict=True):
        points = part(networks["network_nc"], row, layer=5, stage="full")
        points = points.assign(
            within=points["trace_within"] / points["trace_total"],
            between=points["trace_between"] / points["trace_total"],
        )
        assert_series(ax, 0, points, "epoch", "within")
        assert_series(ax, 1, points, "epoch", "between")
        assert [line.get_color() for line in ax.lines] == [COLOURS["green"], COLOURS["blue"]]
        assert len({line.get_linestyle() for line in ax.lines}) == 2
        assert ax.get_yscale() == "log"


def test_nfa_of_each_layer(fig, networks, rows, part, assert_series):
    for row, ax in zip(rows, fig.axes[1::3], strict=True):
        assert len(ax.lines) == 5
        for layer in range(1, 6):
            points = part(networks["network_nfa"], row, layer=layer)
            assert_series(ax, layer - 1, points, "epoch", "nfa")
        assert [line.get_color() for line in ax.lines] == LAYER_COLOURS
        assert len({line.get_marker() for line in ax.lines}) == 5
        assert ax.get_yscale() == "linear"
        assert ax.get_ylim() == (0, 1)


def test_train_loss(fig, networks, rows, part, assert_series):
    for row, ax in zip(rows, fig.axes[2::3], strict=True):
        assert_series(ax, 0, part(networks["network_training"], row), "epoch", "train_loss")
        assert ax.get_yscale() == "log"
        assert ax.get_ylabel() == "Train loss"


def test_labels(fig, headings):
    assert [heading.get_text() for heading in headings(fig)] == [
        "$\\bf{A}$  MNIST, ResNet18",
        "$\\bf{B}$  CIFAR-10, ResNet18",
    ]
    assert [ax.get_ylabel() for ax in fig.axes] == [
        r"Ratio to tr$(\Sigma_T)$",
        "NFA correlation",
        "Train loss",
    ] * 2
    assert [ax.get_xlabel() for ax in fig.axes] == [""] * 3 + ["Epoch"] * 3
    assert all(ax.get_xticks().tolist() == [0, 250, 500] for ax in fig.axes)


def test_each_panels_legend_is_of_its_own_lines(fig):
    """So that a colour means one thing, though the paper has blue in each panel."""
    assert not fig.legends
    for ax, names in (
        (fig.axes[0], [r"tr$(\Sigma_W)$", r"tr$(\Sigma_B)$"]),
        (fig.axes[1], ["Layer 1", "2", "3", "4", "5"]),
    ):
        legend = ax.get_legend()
        assert [text.get_text() for text in legend.get_texts()] == names
        for attribute in ("get_color", "get_linestyle", "get_marker"):
            shown = [getattr(handle, attribute)() for handle in legend.legend_handles]
            assert shown == [getattr(line, attribute)() for line in ax.lines]
    assert all(ax.get_legend() is None for ax in fig.axes[2:])


def test_nfa_axis_goes_below_zero_only_with_the_data(networks, rows):
    tables = dict(networks)
    tables["network_nfa"] = networks["network_nfa"].assign(nfa=lambda frame: frame["nfa"] - 0.6)
    ax = ansatz.draw(tables, rows).axes[1]
    low, high = ax.get_ylim()
    lowest = min(band.get_paths()[0].vertices[:, 1].min() for band in ax.collections)
    assert low == lowest < 0
    assert high == 1


def test_row_with_one_unfitted_seed_is_lighter(networks, rows, part):
    training = networks["network_training"].copy()
    training.loc[part(training, rows[1], seed=2, epoch=500).index, "fitted"] = False
    tables = networks | {"network_training": training}
    fig = ansatz.draw(tables, rows)
    assert all(line.get_alpha() == 1 for ax in fig.axes[:3] for line in ax.lines)
    assert all(line.get_alpha() < 1 for ax in fig.axes[3:] for line in ax.lines)
    assert fig.legends[0].get_texts()[-1].get_text() == "lighter: not fitted"
    assert ansatz.note(tables, rows) == ". Not fitted: CIFAR-10, ResNet18"


@pytest.mark.parametrize(("first", "last"), [(1.0, 1e-3), (1.0, 0.2), (0.99, 0.98), (1.0, 1.0)])
def test_loss_of_one_has_room_below_the_upper_edge(networks, rows, first, last):
    """A plateau just below 1, too, whose axis would be the decade from 0.1 to 1."""
    losses = np.geomspace(first, last, 21)
    training = networks["network_training"].assign(
        train_loss=lambda frame: losses[frame.epoch // 25]
    )
    ax = ansatz.draw(networks | {"network_training": training}, rows[:1]).axes[2]
    bottom, top = np.log10(ax.get_ylim())
    assert top - np.log10(first) >= 0.03 * (top - bottom)


def test_diverged_network_is_drawn_empty_not_an_error(networks, rows):
    tables = {
        name: frame.assign(
            **dict.fromkeys(
                frame.columns.intersection(["trace_within", "trace_total", "nfa", "train_loss"]),
                np.nan,
            )
        )
        for name, frame in networks.items()
    }
    fig = ansatz.draw(tables, rows[:1])
    fig.draw_without_rendering()
    assert all(np.isnan(line.get_ydata()).all() for ax in fig.axes for line in ax.lines)
    assert [ax.texts[0].get_text() for ax in fig.axes] == ["no values"] * 3


def test_looks_of_many_layers_differ():
    assert len({ansatz.layer_look(layer) for layer in range(1, 16)}) == 15


def test_row_that_selects_nothing(networks, make_row):
    with pytest.raises(ValueError, match="nothing of the run {.*'digits', 'run': 'mlp'}"):
        ansatz.draw(networks, [make_row("digits, MLP", "digits", "mlp")])


def test_row_of_several_runs(networks, rows):
    both = {"label": "both", "runs": rows[0]["runs"] + rows[1]["runs"]}
    with pytest.raises(
        ValueError, match=r"'both' must be one run; it is \['resnet18', 'resnet18'\]"
    ):
        ansatz.draw(networks, [both])
