"""Data sets: standardised by loops, sorted stably, refused with a reason."""

import dataclasses

import numpy as np
import oracle
import pytest
import torch
from agop_collapse.data.images import DataError, Images
from agop_collapse.data.prepare import prepare
from agop_collapse.data.readers.digits import load as load_digits
from clouds import SEEDS
from hypothesis import given
from hypothesis import strategies as st
from sklearn.datasets import load_digits as sklearn_digits

SHAPE = (2, 2, 3)


def images_of(labels: list[int], test_labels: list[int] = (), seed: int = 0) -> Images:
    """Grey values of 0 to 255; pixel 0 is always 0, pixel 1 always 0.1, pixel 2 seldom changes."""
    random = np.random.default_rng(seed)
    parts = []
    for part in (labels, test_labels):
        pixels = random.integers(0, 256, size=(len(part), 12)) / 255
        pixels[:, 0], pixels[:, 1] = 0, 0.1
        pixels[1:, 2] = 0.3
        parts += [pixels.reshape(-1, *SHAPE), np.array(part, dtype=np.int64)]
    return Images(*parts)


def flat(pixels: np.ndarray) -> np.ndarray:
    return pixels.reshape(len(pixels), 12)


def order_by_class(labels: np.ndarray) -> list[int]:
    """Stable: points of a class stay in the order they came in."""
    return [i for k in range(max(labels) + 1) for i, label in enumerate(labels) if label == k]


# --- standardising and sorting ----------------------------------------------------------------


@given(seed=SEEDS, labels=st.permutations([0, 0, 0, 1, 2, 2, 2, 2]), own=st.booleans())
def test_pixels_are_standardised_and_points_sorted(seed, labels, own):
    images = images_of(labels, [2, 0, 1, 0], seed)
    data = prepare(images, 8, 4, "own" if own else "train")
    order, test_order = order_by_class(images.labels), order_by_class(images.test_labels)
    pixels, test_pixels = flat(images.pixels), flat(images.test_pixels)
    expected = oracle.standardised(pixels, pixels)[order]
    expected_test = oracle.standardised(test_pixels, test_pixels if own else pixels)[test_order]
    np.testing.assert_allclose(data.x, expected, rtol=1e-12, atol=1e-13)
    np.testing.assert_allclose(data.test_x, expected_test, rtol=1e-12, atol=1e-13)
    assert data.labels.tolist() == [0, 0, 0, 1, 2, 2, 2, 2]
    assert data.test_labels.tolist() == [0, 0, 1, 2]
    assert data.x.dtype == data.test_x.dtype == torch.float64
    assert (data.image_shape, data.classes, data.class_counts) == (SHAPE, 3, [3, 1, 4])


def test_moments_are_zero_and_one():
    data = prepare(images_of([0, 1] * 30), 60, 0)
    moving = data.x[:, 2:]
    assert moving.mean(dim=0).abs().max() < 1e-12
    torch.testing.assert_close(moving.std(dim=0), torch.ones(10, dtype=torch.float64))


@pytest.mark.parametrize("constant", [0.0, 0.1, 1 / 3, 1.0])
def test_a_constant_pixel_becomes_zero(constant):
    """0.1 a hundred times has a mean of 0.1 + 1e-17 and so a deviation: 0/0 all the same."""
    images = images_of([0, 1] * 50, [1, 0])
    images.pixels[:, 0, 0, 0] = constant
    images.test_pixels[:, 0, 0, 0] = [0.2, 0.9]
    data = prepare(images, 100, 2)
    assert (data.x[:, 0] == 0).all()
    assert (data.test_x[:, 0] == 0).all()
    assert (data.x[:, 1] == 0).all()
    assert (data.x[:, 2:].std(dim=0) > 0).all()


def test_a_pixel_constant_in_the_test_part_alone():
    images = images_of([0, 1] * 5, [0, 1, 0])
    images.test_pixels[:, 1, 1, 2] = 0.5
    assert (prepare(images, 10, 3, "own").test_x[:, 11] == 0).all()
    by_train = prepare(images, 10, 3, "train").test_x[:, 11]
    assert (by_train != 0).all()
    assert len(by_train.unique()) == 1


def test_one_test_point_has_no_statistics_of_its_own():
    images = images_of([0, 1] * 5, [1])
    own, train = prepare(images, 10, 1, "own"), prepare(images, 10, 1, "train")
    assert torch.equal(own.test_x, train.test_x)


def test_the_first_points_are_taken_and_no_others():
    images = images_of([1, 0, 1, 0, 1, 0], [0, 1, 1])
    short = Images(
        images.pixels[:4], images.labels[:4], images.test_pixels[:2], images.test_labels[:2]
    )
    taken, expected = prepare(images, 4, 2), prepare(short, 4, 2)
    assert torch.equal(taken.x, expected.x)
    assert torch.equal(taken.test_x, expected.test_x)
    assert taken.labels.tolist() == [0, 0, 1, 1]


def test_bytes_are_parts_of_255():
    images = images_of([1, 0, 1, 0, 1, 0], [0, 1, 1])
    in_bytes = dataclasses.replace(
        images,
        pixels=np.round(images.pixels * 255).astype(np.uint8),
        test_pixels=np.round(images.test_pixels * 255).astype(np.uint8),
    )
    back = dataclasses.replace(
        in_bytes, pixels=in_bytes.pixels / 255, test_pixels=in_bytes.test_pixels / 255
    )
    found, expected = prepare(in_bytes, 6, 3), prepare(back, 6, 3)
    assert torch.equal(found.x, expected.x)
    assert torch.equal(found.test_x, expected.test_x)
    assert found.test_x.abs().max() < 20


def test_a_loader_may_know_of_more_classes():
    images = dataclasses.replace(images_of([0, 1, 1, 0]), class_names=("cat", "dog", "cow"))
    with pytest.raises(DataError, match=r"no image of class cow among the first 4 \(n\), nor"):
        prepare(images, 4, 0)


def test_images_are_left_as_they_were():
    images = images_of([1, 0, 1], [0])
    before = (images.pixels, images.labels, images.test_pixels, images.test_labels)
    copies = [part.copy() for part in before]
    prepare(images, 3, 1)
    assert all((a == b).all() for a, b in zip(before, copies, strict=True))


# --- refusals ---------------------------------------------------------------------------------


def with_pixel(value: float, part: str = "pixels") -> Images:
    images = images_of([0, 1, 0, 1], [0, 1])
    getattr(images, part)[1, 0, 1, 1] = value
    return images


@pytest.mark.parametrize(
    ("images", "n", "n_test", "reason"),
    [
        (images_of([0, 1, 0]), 4, 0, "only 3 training images, 4 asked for; lower n"),
        (images_of([0, 1, 0], [1]), 3, 2, "only 1 test images, 2 asked for"),
        (
            images_of([0, 1, 2, 1, 0]),
            2,
            0,
            r"no image of class 2 among .* 2 \(n\); raise n to 3",
        ),
        (images_of([0, 3, 0]), 3, 0, "no image of class 1, 2 "),
        (images_of([0, 1, 0], [2]), 3, 1, "no image of class 2 "),
        (images_of([0, 0, 0]), 3, 0, "only one class"),
        (images_of([0, 1, -1]), 3, 0, "negative class label -1"),
        (with_pixel(np.nan), 4, 2, "training image 1 has a pixel that is not finite"),
        (with_pixel(np.inf), 4, 2, "training image 1 .* not finite"),
        (with_pixel(np.nan, "test_pixels"), 4, 2, "test image 1 .* not finite"),
        (with_pixel(1.5), 4, 2, r"training pixels range over \[0, 1.5\]; .* \[0, 1\]"),
        (with_pixel(-0.1), 4, 2, r"training pixels range over \[-0.1, .*\]"),
        (with_pixel(255, "test_pixels"), 4, 2, r"test pixels range over \[0, 255\]"),
        (with_pixel(1 + 2e-6), 4, 2, r"training pixels range over \[0, 1.000002\]"),
        (with_pixel(-2e-6), 4, 2, r"training pixels range over \[-2e-06, 1\]; .* in \[0, 1\]$"),
    ],
)
def test_what_is_refused_and_why(images, n, n_test, reason):
    with pytest.raises(DataError, match=reason):
        prepare(images, n, n_test)


@pytest.mark.parametrize(("excess", "value"), [(1 + 1e-7, 1), (-1e-7, 0)])
def test_rounding_may_leave_the_range(excess, value):
    found, expected = (prepare(with_pixel(each), 4, 2) for each in (excess, value))
    assert found.x.equal(expected.x)
    assert found.test_x.equal(expected.test_x)


@pytest.mark.parametrize("part", ["training", "test"])
def test_a_pixel_that_hardly_varies_is_refused_where_it_is_no_longer_finite(part):
    images = images_of([0, 1, 0, 1], [0, 1])
    images.pixels[:, 0, 1, 1] = 0
    images.pixels[1, 0, 1, 1] = 1e-200 if part == "training" else 1e-100
    with pytest.raises(DataError, match=f"pixel [0-9]+ .* varies so little .* in a {part} image"):
        prepare(images, 4, 2)
    rounded = dataclasses.replace(images, pixels=images.pixels.round(12))
    assert prepare(rounded, 4, 2).x.isfinite().all()


def test_labels_must_be_as_many_as_images():
    images = dataclasses.replace(images_of([0, 1, 0]), labels=np.array([0, 1]))
    with pytest.raises(DataError, match="3 training images but 2 labels"):
        prepare(images, 2, 0)


def test_points_that_are_not_taken_are_not_judged():
    images = with_pixel(np.nan)
    assert prepare(
        Images(
            images.pixels[[0, 3, 1]],
            images.labels[[0, 3, 1]],
            images.test_pixels,
            images.test_labels,
        ),
        2,
        0,
    ).class_counts == [1, 1]


# --- digits -----------------------------------------------------------------------------------


def test_digits_are_scikit_learns():
    bunch = sklearn_digits()
    images = load_digits(300, 50)
    np.testing.assert_array_equal(images.pixels[:300, 0] * 16, bunch.images[:300])
    np.testing.assert_array_equal(images.test_pixels[:, 0] * 16, bunch.images[300:350])
    np.testing.assert_array_equal(images.labels[:300], bunch.target[:300])
    np.testing.assert_array_equal(images.test_labels, bunch.target[300:350])
    assert images.pixels.shape[1:] == (1, 8, 8)


def test_no_more_digits_than_there_are(digits):
    assert digits.x.shape == (1797, 64)
    assert sum(digits.class_counts) == 1797
    with pytest.raises(DataError, match=r"1797 points, fewer than .* 1797 \+ 1"):
        load_digits(1797, 1)
