"""The shape of a data set as planning knows it: that of the points that are then prepared."""

import numpy as np
import pytest
from agop_collapse.data.prepare import prepare
from agop_collapse.data.readers import digits, npz
from agop_collapse.plan.data_shapes import SHAPES, DataShape, shape_of
from agop_collapse.plan.settings import DATASET_KINDS, Dataset


def prepared(images, n: int, n_test: int) -> DataShape:
    made = prepare(images, n, n_test)
    return DataShape(len(made.x), len(made.test_x), *made.image_shape, made.classes)


def test_every_public_kind_has_a_shape():
    assert set(SHAPES) == set(DATASET_KINDS) - {"npz", "image_folder"}


def test_digits():
    dataset = Dataset(kind="digits", n=200, n_test=30)
    assert shape_of(dataset) == prepared(digits.load(200, 30), 200, 30)


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
@pytest.mark.parametrize(
    ("axes", "layout"),
    [
        ((6, 5), None),
        ((6, 5, 3), None),
        ((6, 5, 1), None),
        ((6, 5, 3), "channels_last"),
        ((2, 6, 5), "channels_first"),
        ((6, 5, 2), "channels_last"),
    ],
)
@pytest.mark.parametrize("labels", [np.uint8, np.int64])
def test_npz_is_what_its_reader_makes_of_it(tmp_path, save, axes, layout, labels):
    rng = np.random.default_rng(0)
    y = np.arange(40) % 7
    save(tmp_path / "a.npz", x=rng.random((40, *axes)), y=y.astype(labels))
    path = str(tmp_path / "a.npz")
    dataset = Dataset(kind="npz", n=40, path=path, layout=layout)
    given = {} if layout is None else {"layout": layout}
    assert shape_of(dataset) == prepared(npz.load(40, 0, path, **given), 40, 0)


def test_image_folder_has_a_class_for_each_sub_folder(tmp_path):
    for name in "abc":
        (tmp_path / name).mkdir()
    dataset = Dataset(kind="image_folder", n=9, path=str(tmp_path), size=12, channels=1)
    assert shape_of(dataset) == DataShape(9, 0, 1, 12, 12, 3)


@pytest.mark.parametrize("content", [None, b"", b"no archive"])
def test_what_cannot_be_read_is_taken_for_large(tmp_path, content):
    file = tmp_path / "a.npz"
    if content is not None:
        file.write_bytes(content)
    shape = shape_of(Dataset(kind="npz", n=9, path=str(file)))
    assert shape == DataShape(9, 0, 3, 64, 64, 10)
