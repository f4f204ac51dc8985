"""Figures 1, 5 and 6: each image is the table's matrix, on one fixed scale."""

from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from agop_collapse.plots import gram
from matplotlib.figure import Figure

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
def fig(lopsided, classes, rows):
    shuffled = {
        name: table.sample(frac=1, random_state=0)
        for name, table in {"gram_picture": lopsided, "classes": classes}.items()
    }
    return gram.draw(shuffled, rows, LAYERS)


@pytest.fixture
def blocks():
    """Function that draws a picture of classes of given names, each of so many of its pixels."""

    def draw(pictures, classes, row, names: list[str], pixels: list[int]) -> Figure:
        (run,) = row["runs"]
        alike = classes[classes["dataset"] == run["dataset"]].query("`class` == 0")
        parts = [
            alike.assign(**{"class": number, "name": name, "points": 10 * count, "drawn": count})
            for number, (name, count) in enumerate(zip(names, pixels, strict=True))
        ]
        return gram.draw({"gram_picture": pictures, "classes": pd.concat(parts)}, [row], [1, 3, 7])

    return draw


def test_images_are_the_matrices_of_the_first_seed(fig, lopsided, rows, part):
    panels = np.reshape(fig.axes[:6], (2, 3))
    for row, axes in zip(rows, panels, strict=True):
        for layer, ax in zip(LAYERS, axes, strict=True):
            (image,) = ax.images
            expected = matrix(part(lopsided, row, stage="MX", pixel="point", layer=layer, seed=3))
            assert not np.isnan(expected).any()
            np.testing.assert_array_equal(image.get_array(), expected)


def test_stage_of_the_earlier_version(lopsided, classes, rows, part):
    tables = {"gram_picture": lopsided, "classes": classes}
    fig = gram.draw(tables, rows[:1], [7], stage="X")
    (image,) = fig.axes[0].images
    expected = matrix(part(lopsided, rows[0], stage="X", pixel="point", layer=7, seed=3))
    np.testing.assert_array_equal(image.get_array(), expected)


def test_pixels_may_be_means_over_pairs_of_all_points(lopsided, classes, rows, part):
    """The classes' blocks are then as high as their points are many."""
    unequal = classes.assign(points=classes["points"] + 40 * (classes["class"] == 3))
    tables = {"gram_picture": lopsided, "classes": unequal}
    fig = gram.draw(tables, rows[:1], [7], pixels="means")
    (image,) = fig.axes[0].images
    expected = matrix(part(lopsided, rows[0], stage="MX", pixel="mean", layer=7, seed=3))
    np.testing.assert_array_equal(image.get_array(), expected)
    heights = np.array([40, 40, 40, 80, *[40] * 6]) / 440 * 40
    np.testing.assert_allclose(fig.axes[0].get_yticks(), heights.cumsum() - heights / 2 - 0.5)


def test_image_shows_entries_as_they_are(fig):
    for ax in fig.axes[:6]:
        (image,) = ax.images
        assert image.get_clim() == (-0.2, 1.0)
        assert image.get_cmap().name == "viridis"
        assert image.get_interpolation() == "none"
        assert image.origin == "upper"
        assert ax.get_aspect() == 1
        assert len(ax.get_xticks()) == 0


def test_titles_and_labels(fig, headings):
    panels = np.reshape(fig.axes[:6], (2, 3))
    assert [ax.get_title() for ax in panels[0]] == ["Input data", "Layer 7", "Layer 3"]
    assert {ax.get_title() for ax in panels[1]} == {""}
    assert [heading.get_text() for heading in headings(fig)] == [
        "$\\bf{A}$  CIFAR-10, Laplace, cos",
        "$\\bf{B}$  MNIST, Gaussian, ReLU",
    ]


def named(ax) -> list[str]:
    return [label.get_text() for label in ax.get_yticklabels()]


def test_classes_are_named_beside_the_first_pictures_at_their_blocks(fig):
    """Ten classes of four pixels each."""
    panels = np.reshape(fig.axes[:6], (2, 3))
    pixels_of = np.arange(40).reshape(10, 4)
    for ax in panels[:, 0]:
        np.testing.assert_allclose(ax.get_yticks(), pixels_of.mean(axis=1))
    assert named(panels[0, 0]) == [
        *("airplane", "automobile", "bird", "cat", "deer"),
        *("dog", "frog", "horse", "ship", "truck"),
    ]
    assert named(panels[1, 0]) == [str(digit) for digit in range(10)]
    for ax in panels[:, 1:].flat:
        assert len(ax.get_yticks()) == 0


def test_a_row_with_the_classes_of_that_above_does_not_name_them_again(pictures, classes, make_row):
    digits = [make_row(name, name, "laplace-cos-agop") for name in ("svhn", "cifar10")]
    alike = classes.assign(name=classes["class"].astype(str))
    fig = gram.draw({"gram_picture": pictures, "classes": alike}, digits, [1])
    assert len(named(fig.axes[0])) == 10
    assert named(fig.axes[1]) == []


def test_unequal_classes(pictures, classes, rows, blocks):
    fig = blocks(pictures, classes, rows[0], ["a", "b", "c"], [5, 25, 10])
    starts = np.split(np.arange(40), [5, 30])
    np.testing.assert_allclose(fig.axes[0].get_yticks(), [block.mean() for block in starts])
    assert named(fig.axes[0]) == ["a", "b", "c"]


@pytest.mark.parametrize(
    ("names", "pixels", "shown"),
    [
        (["tench", "English springer"], [20, 20], ["tench", "English spr…"]),
        (["5 $ and _", "no $"], [20, 20], ["5 $ and _", "no $"]),
        # Of many, numbers, no more than ten.
        ([f"class {n}" for n in range(13)], [3] * 12 + [4], [str(n) for n in range(0, 13, 2)]),
        ([f"class {n}" for n in range(40)], [1] * 40, [str(n) for n in range(0, 40, 4)]),
        # One that would touch that before is left out.
        (["a", "b", "c", "d"], [18, 1, 1, 20], ["a", "b", "d"]),
    ],
)
def test_names_of_classes_do_not_touch(pictures, classes, rows, blocks, names, pixels, shown):
    fig = blocks(pictures, classes, rows[0], names, pixels)
    fig.draw_without_rendering()
    assert named(fig.axes[0]) == shown
    extents = [label.get_window_extent() for label in fig.axes[0].get_yticklabels()]
    for upper, lower in pairwise(extents):
        assert lower.y1 <= upper.y0
    assert min(extent.x0 for extent in extents) >= 0


def test_one_colour_bar_for_all(fig):
    assert len(fig.axes) == 7
    bar = fig.axes[-1]
    assert bar.get_yticks().tolist() == [-0.2, 0.2, 0.6, 1.0]


def test_missing_layer_is_named_with_those_there_are(pictures, classes, rows):
    with pytest.raises(ValueError, match=r"mnist has no layer 20; it has \[1, 3, 7, 13, 19\]"):
        gram.draw({"gram_picture": pictures, "classes": classes}, rows[1:], [1, 20])


def test_row_that_selects_nothing(pictures, make_row):
    row = make_row("digits", "digits", "laplace-cos-agop")
    with pytest.raises(ValueError, match="gram_picture has nothing of the run.*'digits'"):
        gram.draw({"gram_picture": pictures}, [row], [1])
