"""NC2 of a network's layers: what is drawn is what the table says."""

import numpy as np
import pytest
from agop_collapse.plots import network_nc2
from agop_collapse.plots.colours import COLOURS


@pytest.fixture(scope="module")
def rows(make_row):
    return [
        make_row("MNIST, MLP", "mnist", "mlp"),
        make_row("CIFAR-10, ResNet18", "cifar10", "resnet18"),
    ]


def test_lines_are_the_seeds_means_on_an_axis_from_zero(
    networks, rows, part, assert_series, headings
):
    fig = network_nc2.draw(networks, rows)
    for row, axes in zip(rows, np.reshape(fig.axes, (2, 5)), strict=True):
        assert len({ax.get_ylim() for ax in axes}) == 1
        for layer, ax in enumerate(axes, start=1):
            for index, stage in enumerate(["input", "right", "full"]):
                points = part(networks["network_nc"], row, layer=layer, stage=stage)
                assert_series(ax, index, points, "epoch", "nc2")
            assert [line.get_color() for line in ax.lines] == [
                COLOURS["blue"],
                COLOURS["green"],
                COLOURS["red"],
            ]
            assert ax.get_yscale() == "linear"
            assert ax.get_ylim()[0] == 0
            highest = max(band.get_paths()[0].vertices[:, 1].max() for band in ax.collections)
            assert ax.get_ylim()[1] >= highest
    assert headings(fig)[0].get_text() == "$\\bf{A}$  MNIST, MLP"
    assert fig.axes[0].get_ylabel().startswith("NC2: ")
    assert r"\Sigma_{\mathrm{ETF}}" in fig.axes[0].get_ylabel()
    assert [ax.get_title() for ax in fig.axes[:5]] == [f"Layer {layer}" for layer in range(1, 6)]


def test_unfitted_rows_are_lighter(networks, rows, part):
    training = networks["network_training"].copy()
    training.loc[part(training, rows[1], seed=0, epoch=500).index, "fitted"] = False
    tables = networks | {"network_training": training}
    fig = network_nc2.draw(tables, rows)
    assert {line.get_alpha() for ax in fig.axes[:5] for line in ax.lines} == {1}
    assert max(line.get_alpha() for ax in fig.axes[5:] for line in ax.lines) < 0.5
    assert network_nc2.note(tables, rows) == ". Not fitted: CIFAR-10, ResNet18"
