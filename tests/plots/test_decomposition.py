"""Figures 2, 7, 8 and 9: what is drawn is what the table says."""

import numpy as np
import pandas as pd
import pytest
from agop_collapse.plots import decomposition
from agop_collapse.plots.colours import COLOURS


@pytest.fixture(scope="module")
def rows(make_row):
    return [
        make_row("MNIST, MLP", "mnist", "mlp"),
        make_row("CIFAR-10, ResNet18", "cifar10", "resnet18"),
    ]


@pytest.fixture(scope="module")
def fig(networks, rows):
    shuffled = networks["network_nc"].sample(frac=1, random_state=0)
    return decomposition.draw(networks | {"network_nc": shuffled}, rows)


def with_fitted(networks, part, row, fitted, **wanted):
    training = networks["network_training"].copy()
    training.loc[part(training, row, **wanted).index, "fitted"] = fitted
    return networks | {"network_training": training}


def test_lines_and_bands_are_the_seeds_means_and_deviations(
    fig, networks, rows, part, assert_series
):
    panels = np.reshape(fig.axes, (2, 5))
    for row, axes in zip(rows, panels, strict=True):
        for layer, ax in enumerate(axes, start=1):
            assert len(ax.lines) == 3
            for index, stage in enumerate(["input", "right", "full"]):
                points = part(networks["network_nc"], row, layer=layer, stage=stage)
                assert_series(ax, index, points, "epoch", "nc1")


def test_stages_have_the_papers_colours_and_differ_in_grey(fig):
    for ax in fig.axes:
        drawn = [line.get_color() for line in ax.lines]
        assert drawn == [COLOURS["blue"], COLOURS["green"], COLOURS["red"]]
        assert len({line.get_linestyle() for line in ax.lines}) == 3
        assert len({line.get_marker() for line in ax.lines}) == 3
        for band, line in zip(ax.collections, ax.lines, strict=True):
            assert band.get_facecolor()[0, 3] == pytest.approx(0.1)
            assert line.get_alpha() == 1


def test_axes(fig, headings):
    panels = np.reshape(fig.axes, (2, 5))
    assert [ax.get_title() for ax in panels[0]] == [f"Layer {layer}" for layer in range(1, 6)]
    assert {ax.get_xlabel() for ax in panels[1]} == {"Epoch"}
    for axes in panels:
        assert {ax.get_yscale() for ax in axes} == {"log"}
        assert len({ax.get_ylim() for ax in axes}) == 1
        assert {tuple(ax.get_xticks()) for ax in axes} == {(0, 250, 500)}
    assert panels[0, 0].get_ylim() != panels[1, 0].get_ylim()
    assert [ax.get_ylabel() for ax in panels[:, 0]] == [r"NC1: tr$(\Sigma_W)$ / tr$(\Sigma_B)$"] * 2
    assert [heading.get_text() for heading in headings(fig)] == [
        "$\\bf{A}$  MNIST, MLP",
        "$\\bf{B}$  CIFAR-10, ResNet18",
    ]
    entries = dict(
        zip(
            [text.get_text() for text in fig.legends[0].get_texts()],
            [handle.get_color() for handle in fig.legends[0].legend_handles],
            strict=True,
        )
    )
    assert list(entries.items()) == [
        (r"$\Phi(X)$", COLOURS["blue"]),
        (r"$SV^{\!\top}\!\Phi(X)$", COLOURS["green"]),
        (r"$\sigma(USV^{\!\top}\!\Phi(X))$", COLOURS["red"]),
    ]


def test_no_data_is_outside_its_panel(fig):
    for ax in fig.axes:
        low, high = ax.get_ylim()
        for band in ax.collections:
            ends = band.get_paths()[0].vertices[:, 1]
            assert low <= ends.min()
            assert ends.max() <= high


def test_unfitted_rows_are_lighter(networks, rows, part):
    tables = with_fitted(networks, part, rows[0], False, seed=1, epoch=500)
    fig = decomposition.draw(tables, rows)
    panels = np.reshape(fig.axes, (2, 5))
    for ax in panels[0]:
        assert all(line.get_alpha() < 1 for line in ax.lines)
        assert all(len(line.get_xdata()) == 21 for line in ax.lines)
    for ax in panels[1]:
        assert all(line.get_alpha() == 1 for line in ax.lines)
    assert fig.legends[0].get_texts()[-1].get_text() == "lighter: not fitted"
    assert decomposition.note(tables, rows) == ". Not fitted: MNIST, MLP"


def test_unfitted_rows_of_other_figures_change_nothing(networks, rows, part, make_row):
    tables = with_fitted(networks, part, make_row("SVHN, MLP", "svhn", "mlp"), False)
    elsewhere = make_row("MNIST, MLP", "mnist", "mlp", study="other")
    tables = with_fitted(tables, part, elsewhere, False)
    fig = decomposition.draw(tables, rows)
    assert all(line.get_alpha() == 1 for ax in fig.axes for line in ax.lines)
    assert len(fig.legends[0].get_texts()) == 3
    assert decomposition.note(tables, rows) == ""


def test_network_of_fewer_layers_leaves_panels_out(networks, rows):
    nc = networks["network_nc"]
    short = nc[(nc["run"] != "resnet18") | (nc["layer"] <= 3)]
    fig = decomposition.draw(networks | {"network_nc": short}, rows)
    panels = np.reshape(fig.axes, (2, 5))
    assert [ax.axison for ax in panels[1]] == [True] * 3 + [False] * 2
    assert [len(ax.lines) for ax in panels.flat] == [3] * 8 + [0] * 2


def test_panel_without_a_point_says_why(networks, rows):
    nc = networks["network_nc"].copy()
    nc.loc[nc["layer"] == 2, "nc1"] = 0.0
    nc.loc[nc["layer"] == 4, "nc1"] = np.nan
    fig = decomposition.draw(networks | {"network_nc": nc}, rows[:1])
    notes = [[text.get_text() for text in ax.texts] for ax in fig.axes[1:]]
    assert notes == [["NC1 is 0\nat every epoch"], [], ["no values"], []]


def test_row_that_selects_nothing(networks, make_row):
    with pytest.raises(ValueError, match="network_nc has nothing of the run.*'vgg11'.*resnet18"):
        decomposition.draw(networks, [make_row("MNIST, VGG-11", "mnist", "vgg11")])


def test_row_without_a_stage(networks, rows):
    nc = networks["network_nc"]
    tables = networks | {"network_nc": pd.DataFrame(nc[nc["stage"] != "right"])}
    with pytest.raises(ValueError, match="mlp of mnist has no stage right; it has .*'input'"):
        decomposition.draw(tables, rows)
