"""Named layers of networks: what is drawn is what the table says, under the layers' names."""

import pandas as pd
import pytest
from agop_collapse.plots import network_layers
from agop_collapse.plots.colours import COLOURS


@pytest.fixture
def rows(make_row):
    return [
        make_row("MNIST, resnet18", "mnist", "resnet18"),
        make_row("SVHN, resnet18", "svhn", "resnet18"),
    ]


def names_of(table, row, part) -> list[str]:
    return part(table, row, stage="right", seed=0)["layer_name"].tolist()


@pytest.mark.parametrize("stage", ["right", "full"])
def test_lines_are_the_seeds_means_at_each_layer(own_networks, rows, part, assert_series, stage):
    fig = network_layers.draw(own_networks, rows, stage=stage)
    table = own_networks["network_layers"].assign(place=own_networks["network_layers"]["layer"] - 1)
    nc1, nc2, nfa = fig.axes
    for index, row in enumerate(rows):
        points = part(table, row, stage=stage)
        assert_series(nc1, index, points, "place", "nc1")
        assert_series(nc2, index, points, "place", "nc2")
        points = part(table, row, stage="input")
        assert_series(nfa, 2 * index, points, "place", "nfa_independent")
        assert_series(nfa, 2 * index + 1, points, "place", "nfa")
    assert (nc1.get_yscale(), nc2.get_ylim()[0], nfa.get_ylim()[0]) == ("log", 0, 0)
    assert [ax.get_ylabel().partition(":")[0] for ax in fig.axes[:2]] == ["NC1", "NC2"]
    assert nfa.get_ylabel() == "NFA correlation"
    assert [line.get_color() for line in nfa.lines[::2]] == [COLOURS["grey"]] * 2


def test_layers_have_their_names(own_networks, rows, part):
    table = own_networks["network_layers"]
    fig = network_layers.draw(own_networks, rows[:1])
    labels = [label.get_text() for label in fig.axes[-1].get_xticklabels()]
    assert labels == names_of(table, rows[0], part)
    # Of a network with two layers more, each has a place of its own.
    more = part(table, rows[1], layer=21)
    more = [more.assign(layer=layer, layer_name=name) for layer, name in ((22, "a"), (23, "b"))]
    longer = pd.concat([table, *more], ignore_index=True)
    fig = network_layers.draw({"network_layers": longer}, rows)
    labels = [label.get_text() for label in fig.axes[-1].get_xticklabels()]
    assert labels == [*names_of(table, rows[0], part), "a", "b"]
    assert fig.axes[0].lines[1].get_xdata().max() == 22


def test_of_many_layers_some_are_named(own_networks, rows, part):
    table = part(own_networks["network_layers"], rows[0], layer=1)
    many = [table.assign(layer=layer, layer_name=f"conv{layer}") for layer in range(1, 101)]
    fig = network_layers.draw({"network_layers": pd.concat(many)}, rows[:1])
    axis = fig.axes[-1]
    labels = [label.get_text() for label in axis.get_xticklabels()]
    assert labels == [f"conv{1 + int(place)}" for place in axis.get_xticks()]
    assert 30 < len(labels) < 60


def test_networks_that_are_not_fitted_are_lighter(own_networks, rows, part):
    table = own_networks["network_layers"].copy()
    table.loc[part(table, rows[1], seed=0).index, "fitted"] = False
    tables = {"network_layers": table}
    fig = network_layers.draw(tables, rows)
    fitted, unfitted = (line.get_alpha() for line in fig.axes[0].lines)
    assert fitted == 1
    assert unfitted < 0.5
    assert network_layers.note(tables, rows) == ". Not fitted: SVHN, resnet18"


def at(tables, epoch):
    table = tables["network_layers"]
    return {"network_layers": table[table["epoch"] == epoch]}


def test_of_networks_trained_here_the_last_epoch_is_drawn(trained_here, rows):
    """As if there were no other; whether they are fitted is that epoch's, too."""
    fig = network_layers.draw(trained_here, rows)
    alone = network_layers.draw(at(trained_here, 10), rows)
    for ax, other in zip(fig.axes, alone.axes, strict=True):
        assert len(ax.lines) == len(other.lines)
        for line, expected in zip(ax.lines, other.lines, strict=True):
            assert line.get_xydata().tolist() == expected.get_xydata().tolist()
            assert line.get_alpha() == 1
    assert network_layers.note(trained_here, rows) == ""
    other = network_layers.draw(trained_here, rows, epochs=[5])
    assert other.axes[0].lines[0].get_ydata()[0] == pytest.approx(
        fig.axes[0].lines[0].get_ydata()[0] * 11 / 6
    )
    assert other.axes[0].get_ylabel().endswith(", epoch 5")


def test_several_epochs_of_one_network_are_told_apart(trained_here, rows, part, assert_series):
    fig = network_layers.draw(trained_here, rows[:1], epochs=[0, 5, 10])
    nc1, nc2, nfa = fig.axes
    for index, epoch in enumerate((0, 5, 10)):
        table = at(trained_here, epoch)["network_layers"]
        table = table.assign(place=table["layer"] - 1)
        assert_series(nc1, index, part(table, rows[0], stage="right"), "place", "nc1")
        assert_series(nc2, index, part(table, rows[0], stage="right"), "place", "nc2")
        assert_series(nfa, 1 + index, part(table, rows[0], stage="input"), "place", "nfa")
    last = at(trained_here, 10)["network_layers"]
    last = part(last.assign(place=last["layer"] - 1), rows[0], stage="input")
    assert_series(nfa, 0, last, "place", "nfa_independent")
    drawn = {(line.get_color(), line.get_marker(), line.get_linestyle()) for line in nc1.lines}
    assert len(drawn) == 3
    (legend,) = fig.legends
    labels = [text.get_text() for text in legend.get_texts()]
    assert labels == ["epoch 0", "epoch 5", "epoch 10", network_layers.BASELINE[0]]
    with pytest.raises(ValueError, match="2 rows at the epochs"):
        network_layers.draw(trained_here, rows, epochs=[0, 5])
    with pytest.raises(ValueError, match="has no epoch 7"):
        network_layers.draw(trained_here, rows, epochs=[7])


def test_networks_trained_here_and_elsewhere_share_a_figure(own_networks, trained_here, rows, part):
    here = part(trained_here["network_layers"], rows[0])
    elsewhere = part(own_networks["network_layers"], rows[1])
    fig = network_layers.draw({"network_layers": pd.concat([here, elsewhere])}, rows)
    expected = network_layers.draw({"network_layers": elsewhere}, rows[1:])
    assert (
        fig.axes[0].lines[1].get_ydata().tolist() == expected.axes[0].lines[0].get_ydata().tolist()
    )


def test_a_stage_that_is_not_there_is_refused(own_networks, rows):
    with pytest.raises(ValueError, match="has no stage MX; it has .*'right'"):
        network_layers.draw(own_networks, rows, stage="MX")
