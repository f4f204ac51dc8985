"""Spectra and ranks of networks: what is drawn is what the tables say."""

import numpy as np
import pytest
from agop_collapse.plots import network_spectrum

OF = ["weight", "agop", "features"]


@pytest.fixture(scope="module")
def tables(networks, network_spectra):
    return networks | {"network_spectrum": network_spectra.sample(frac=1, random_state=0)}


@pytest.fixture(scope="module")
def rows(make_row):
    return [
        make_row("MNIST, MLP", "mnist", "mlp"),
        make_row("CIFAR-10, ResNet18", "cifar10", "resnet18"),
    ]


def panels_of(fig, count):
    """Of each row: spectra, ranks over layers, ranks over epochs; the colour bar left out."""
    return np.reshape(fig.axes[:-1], (count, 3, 3))


def test_spectra_are_the_last_epochs_over_their_largest(tables, rows, part, assert_series):
    fig = network_spectrum.draw(tables, rows)
    for row, (spectra, *_) in zip(rows, panels_of(fig, 2), strict=True):
        for of, ax in zip(OF, spectra, strict=True):
            assert (ax.get_xscale(), ax.get_yscale()) == ("log", "log")
            assert len(ax.lines) == 5
            for layer in range(1, 6):
                points = part(tables["network_spectrum"], row, epoch=500, of=of, layer=layer)
                # Each seed is larger than the one before; the last value of all is 0.
                points = points.assign(share=points["value"] / (1 + points["seed"]))
                assert np.isnan(ax.lines[layer - 1].get_ydata()[-1])
                points.loc[points["index"] == 20, "share"] = np.nan
                line = ax.lines[layer - 1]
                means = points.groupby("index")["share"].mean()
                np.testing.assert_array_equal(line.get_xdata(), range(1, 21))
                np.testing.assert_allclose(line.get_ydata(), means, rtol=1e-12)
                assert line.get_ydata()[0] == 1


def test_ranks_are_the_seeds_means_over_layers_and_over_epochs(tables, rows, part, assert_series):
    fig = network_spectrum.draw(tables, rows)
    for row, (_, over_layers, over_epochs) in zip(rows, panels_of(fig, 2), strict=True):
        ranks = part(tables["network_ranks"], row)
        for of, layers, epochs in zip(OF, over_layers, over_epochs, strict=True):
            assert len(layers.lines) == 3
            for index, count in enumerate(["stable", "effective", "entropy"]):
                last = ranks[ranks["epoch"] == 500]
                assert_series(layers, index, last, "layer", f"{of}_{count}_rank")
            assert len(epochs.lines) == 5
            for layer in range(1, 6):
                points = ranks[ranks["layer"] == layer]
                assert_series(epochs, layer - 1, points, "epoch", f"{of}_effective_rank")
            assert layers.get_ylim()[0] == epochs.get_ylim()[0] == 0


def test_layers_have_the_colours_of_the_bar(tables, rows, headings):
    fig = network_spectrum.draw(tables, rows)
    colours = [
        [line.get_color() for line in ax.lines]
        for spectra, _, over_epochs in panels_of(fig, 2)
        for ax in (*spectra, *over_epochs)
    ]
    assert all(each == colours[0] for each in colours)
    assert len(set(colours[0])) == 5
    bar = fig.axes[-1]
    assert [text.get_text() for text in bar.get_yticklabels()] == ["1", "2", "3", "4", "5"]
    assert bar.get_ylabel() == "Layer"
    assert [text.get_text() for text in fig.legends[0].get_texts()] == [
        "stable rank",
        "effective rank",
        "entropy rank",
    ]
    assert [heading.get_text() for heading in headings(fig)] == [
        "$\\bf{A}$  MNIST, MLP",
        "$\\bf{B}$  CIFAR-10, ResNet18",
    ]


def test_network_of_fewer_layers_keeps_the_others_colours(tables, rows, part):
    short = {
        name: table[(table["run"] != "resnet18") | (table["layer"] <= 3)]
        for name, table in tables.items()
        if "layer" in table
    }
    fig = network_spectrum.draw(tables | short, rows)
    (full, *_), (fewer, *_) = panels_of(fig, 2)
    assert [line.get_color() for line in fewer[0].lines] == [
        line.get_color() for line in full[0].lines[:3]
    ]


def test_unfitted_rows_are_lighter(tables, rows, part):
    training = tables["network_training"].copy()
    training.loc[part(training, rows[1], seed=0, epoch=500).index, "fitted"] = False
    changed = tables | {"network_training": training}
    fitted, unfitted = panels_of(network_spectrum.draw(changed, rows), 2)
    assert {line.get_alpha() for ax in fitted.flat for line in ax.lines} == {1}
    assert max(line.get_alpha() for ax in unfitted.flat for line in ax.lines) < 0.5
    assert network_spectrum.note(changed, rows) == ". Not fitted: CIFAR-10, ResNet18"


def test_an_unknown_row_is_refused(tables, make_row):
    with pytest.raises(ValueError, match="vgg11"):
        network_spectrum.draw(tables, [make_row("MNIST, VGG-11", "mnist", "vgg11")])
