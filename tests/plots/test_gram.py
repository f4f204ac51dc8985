"""Figures 1, 5 and 6: each image is the table's matrix, on one fixed scale."""

import numpy as np
import pytest
from agop_collapse.plots import gram

LAYERS = [1, 7, 3]


def matrix(chosen):
    image = np.full((40, 40), np.nan)
    for i, j, value in chosen[["i", "j", "gram"]].itertuples(index=False):
        image[i, j] = value
    return image


@pytest.fixture(scope="module")
def rows(make_row):
    return [
        make_row("CIFAR-10, Laplace, cos", "cifar10", "laplace-cos-agop"),
        make_row("MNIST, Gaussian, ReLU", "mnist", "gaussian-relu-agop"),
    ]


@pytest.fixture(scope="module")
def lopsided(pictures):
    """No Gram matrices, but matrices that show whether i goes down and j across."""
    return pictures.assign(gram=pictures["gram"] + pictures["i"] / 1000)


@pytest.fixture(scope="module")
def fig(lopsided, rows):
    return gram.draw({"gram_picture": lopsided.sample(frac=1, random_state=0)}, rows, LAYERS)


def test_images_are_the_matrices_of_the_first_seed(fig, lopsided, rows, part):
    panels = np.reshape(fig.axes[:6], (2, 3))
    for row, axes in zip(rows, panels, strict=True):
        for layer, ax in zip(LAYERS, axes, strict=True):
            (image,) = ax.images
            expected = matrix(part(lopsided, row, stage="MX", layer=layer, seed=3))
            assert not np.isnan(expected).any()
            np.testing.assert_array_equal(image.get_array(), expected)


def test_stage_of_the_earlier_version(lopsided, rows, part):
    fig = gram.draw({"gram_picture": lopsided}, rows[:1], [7], stage="X")
    (image,) = fig.axes[0].images
    expected = matrix(part(lopsided, rows[0], stage="X", layer=7, seed=3))
    np.testing.assert_array_equal(image.get_array(), expected)


def test_image_shows_entries_as_they_are(fig):
    for ax in fig.axes[:6]:
        (image,) = ax.images
        assert image.get_clim() == (-0.2, 1.0)
        assert image.get_cmap().name == "viridis"
        assert image.get_interpolation() == "none"
        assert image.origin == "upper"
        assert ax.get_aspect() == 1
        assert len(ax.get_xticks()) == len(ax.get_yticks()) == 0


def test_titles_and_labels(fig):
    panels = np.reshape(fig.axes[:6], (2, 3))
    assert [ax.get_title() for ax in panels[0]] == ["Input data", "Layer 7", "Layer 3"]
    assert {ax.get_title() for ax in panels[1]} == {""}
    assert panels[0, 0].get_ylabel() == "$\\bf{A}$  CIFAR-10\nLaplace, cos"
    assert panels[1, 0].get_ylabel() == "$\\bf{B}$  MNIST\nGaussian, ReLU"


def test_one_colour_bar_for_all(fig):
    assert len(fig.axes) == 7
    bar = fig.axes[-1]
    assert bar.get_yticks().tolist() == [-0.2, 0.2, 0.6, 1.0]


def test_missing_layer_is_named_with_those_there_are(pictures, rows):
    with pytest.raises(ValueError, match=r"mnist has no layer 20; it has \[1, 3, 7, 13, 19\]"):
        gram.draw({"gram_picture": pictures}, rows[1:], [1, 20])


def test_row_that_selects_nothing(pictures, make_row):
    row = make_row("digits", "digits", "laplace-cos-agop")
    with pytest.raises(ValueError, match="gram_picture has nothing of the run.*'digits'"):
        gram.draw({"gram_picture": pictures}, [row], [1])
