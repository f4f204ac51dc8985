"""Figures 2, 7, 8 and 9: what is drawn is what the table says."""

import numpy as np
import pytest
from agop_collapse.plots import decomposition
from agop_collapse.plots.style import COLOURS

ROWS = [{"dataset": "mnist", "model": "mlp"}, {"dataset": "cifar10", "model": "resnet18"}]


def part(frame, row, layer, stage):
    wanted = row | {"layer": layer, "stage": stage}
    return frame[np.logical_and.reduce([frame[key] == value for key, value in wanted.items()])]


@pytest.fixture(scope="module")
def fig(networks):
    return decomposition.draw(networks["network_nc"].sample(frac=1, random_state=0), ROWS)


def test_lines_and_bands_are_the_seeds_means_and_deviations(fig, networks, assert_series):
    panels = np.reshape(fig.axes, (2, 5))
    for row, axes in zip(ROWS, panels, strict=True):
        for layer, ax in enumerate(axes, start=1):
            assert len(ax.lines) == 3
            for index, stage in enumerate(["input", "right", "full"]):
                points = part(networks["network_nc"], row, layer, stage)
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


def test_axes(fig):
    panels = np.reshape(fig.axes, (2, 5))
    assert [ax.get_title() for ax in panels[0]] == [f"Layer {layer}" for layer in range(1, 6)]
    assert {ax.get_xlabel() for ax in panels[1]} == {"Epoch"}
    for axes in panels:
        assert {ax.get_yscale() for ax in axes} == {"log"}
        assert len({ax.get_ylim() for ax in axes}) == 1
        assert {tuple(ax.get_xticks()) for ax in axes} == {(0, 250, 500)}
    assert panels[0, 0].get_ylim() != panels[1, 0].get_ylim()
    assert panels[0, 0].get_ylabel() == ("$\\bf{A}$  MNIST\nMLP\ntr$(\\Sigma_W)$ / tr$(\\Sigma_B)$")
    assert panels[1, 0].get_ylabel().startswith("$\\bf{B}$  CIFAR-10\nResNet18\n")
    assert [handle.get_color() for handle in fig.legends[0].legend_handles] == [
        COLOURS["blue"],
        COLOURS["green"],
        COLOURS["red"],
    ]


def test_no_data_is_outside_its_panel(fig):
    for ax in fig.axes:
        low, high = ax.get_ylim()
        for band in ax.collections:
            ends = band.get_paths()[0].vertices[:, 1]
            assert low <= ends.min()
            assert ends.max() <= high


def test_unfitted_rows_are_lighter(networks):
    fig = decomposition.draw(networks["network_nc"], ROWS, unfitted={"MNIST, MLP"})
    panels = np.reshape(fig.axes, (2, 5))
    for ax in panels[0]:
        assert all(line.get_alpha() < 1 for line in ax.lines)
        assert all(len(line.get_xdata()) == 21 for line in ax.lines)
    for ax in panels[1]:
        assert all(line.get_alpha() == 1 for line in ax.lines)
    assert fig.legends[0].get_texts()[-1].get_text() == "lighter: train loss above 0.05"


def test_unfitted_rows_of_other_figures_change_nothing(networks):
    fig = decomposition.draw(networks["network_nc"], ROWS, unfitted={"SVHN, MLP"})
    assert all(line.get_alpha() == 1 for ax in fig.axes for line in ax.lines)
    assert len(fig.legends[0].get_texts()) == 3


def test_row_that_selects_nothing(networks):
    with pytest.raises(ValueError, match="figure row {'dataset': 'mnist', 'model': 'vgg11'}"):
        decomposition.draw(networks["network_nc"], [{"dataset": "mnist", "model": "vgg11"}])
