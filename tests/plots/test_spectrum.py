"""Eigenvalues of the AGOP: what is drawn is what the table says."""

import numpy as np
import pytest
from agop_collapse.plots import spectrum
from matplotlib.colors import to_rgb


@pytest.fixture(scope="module")
def rows(make_row):
    return [
        make_row("MNIST, Gaussian, ReLU", "mnist", "gaussian-relu-agop"),
        make_row("SVHN, Laplace, ReLU", "svhn", "laplace-relu-agop"),
    ]


@pytest.mark.parametrize("layers", [None, [1, 4, 6]])
def test_lines_are_the_first_seeds_eigenvalues_over_the_largest(spectra, rows, part, layers):
    shuffled = spectra.sample(frac=1, random_state=0)
    fig = spectrum.draw({"agop_spectrum": shuffled}, rows, layers=layers)
    *panels, bar = fig.axes
    shown = layers or [1, 2, 3, 4, 5, 6]
    for row, ax in zip(rows, panels, strict=True):
        assert len(ax.lines) == len(shown)
        for layer, line in zip(shown, ax.lines, strict=True):
            values = part(spectra, row, seed=3, layer=layer).sort_values("index")["eigenvalue"]
            share = np.array(values) / max(values)
            share[share < 1e-12] = np.nan
            assert np.isnan(share[-1])
            np.testing.assert_array_equal(line.get_xdata(), range(1, 31))
            np.testing.assert_allclose(line.get_ydata(), share, rtol=1e-12)
        assert (ax.get_xscale(), ax.get_yscale()) == ("log", "log")
    assert [text.get_text() for text in bar.get_yticklabels()] == [str(layer) for layer in shown]
    assert bar.get_ylabel() == "Layer"
    assert panels[0].get_title() == "$\\bf{A}$  MNIST, Gaussian, ReLU"
    assert panels[0].get_ylabel() == "AGOP eigenvalue\nover the largest"


def test_layers_go_from_dark_to_light(spectra, rows):
    fig = spectrum.draw({"agop_spectrum": spectra}, rows[:1])
    colours = [to_rgb(line.get_color()) for line in fig.axes[0].lines]
    lightness = [np.dot(colour, [0.299, 0.587, 0.114]) for colour in colours]
    assert (np.diff(lightness) > 0.05).all()
    assert lightness[-1] < 0.8  # it shows on white


def test_doubtful_layers_are_dotted(spectra, deep_rfm, rows):
    deep = deep_rfm.assign(valid=(deep_rfm["layer"] < 4) | (deep_rfm["dataset"] != "mnist"))
    tables = {"agop_spectrum": spectra, "deep_rfm": deep}
    fig = spectrum.draw(tables, rows)
    assert [line.get_linestyle() for line in fig.axes[0].lines] == ["-"] * 3 + [":"] * 3
    assert {line.get_linestyle() for line in fig.axes[1].lines} == {"-"}
    assert spectrum.note(tables, rows).endswith(": MNIST, Gaussian, ReLU from layer 4")


def test_what_is_not_there(spectra, rows, make_row):
    with pytest.raises(ValueError, match=r"has no layer 7; it has \[1, 2, 3, 4, 5, 6\]"):
        spectrum.draw({"agop_spectrum": spectra}, rows, layers=[1, 7])
    with pytest.raises(ValueError, match="agop_spectrum has nothing of the run.*'digits'"):
        spectrum.draw({"agop_spectrum": spectra}, [make_row("", "digits", "laplace-relu-agop")])
