"""A prepared data set as targets, and as a file."""

import dataclasses

import oracle
import pytest
import torch
from agop_collapse.data.dataset import Dataset, load_dataset, one_hot_targets, save_dataset
from agop_collapse.files.atomic import StorageError
from agop_collapse.files.tensors import load_tensors, save_tensors
from clouds import cloud


@pytest.fixture
def data() -> Dataset:
    train, test = cloud(0, [3, 0, 4], 6), cloud(1, [2, 1, 2], 6)
    labels, test_labels = (torch.tensor(oracle.classes_of(c.counts)) for c in (train, test))
    return Dataset(train.x, labels, test.x, test_labels, (1, 2, 3), 4)


def test_counts_of_classes(data):
    assert data.class_counts == [3, 0, 4, 0]


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_targets_are_plus_and_minus_one(dtype):
    targets = one_hot_targets(torch.tensor([0, 2, 2, 1]), 4, dtype)
    expected = torch.tensor(oracle.plus_minus_one([0, 2, 2, 1], 4), dtype=dtype)
    assert torch.equal(targets, expected)
    assert targets.dtype == dtype


def test_a_file_gives_back_what_was_saved(data, tmp_path):
    path = tmp_path / "folder" / "data.safetensors"
    save_dataset(path, data, {"study": "demo"})
    found = load_dataset(path)
    assert torch.equal(found.x, data.x.float().double())
    assert torch.equal(found.test_x, data.test_x.float().double())
    assert torch.equal(found.labels, data.labels)
    assert torch.equal(found.test_labels, data.test_labels)
    assert (found.image_shape, found.classes) == ((1, 2, 3), 4)
    assert found.x.dtype == torch.float64
    tensors, header = load_tensors(path)
    assert tensors["x"].dtype == torch.float32
    assert header["study"] == "demo"


def test_the_same_data_give_the_same_bytes(data, tmp_path):
    provenance = {f"fact {number}": number for number in range(20)}
    for name in ("a", "b"):
        save_dataset(tmp_path / name, data, provenance)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    other = dataclasses.replace(data, x=-data.x)
    save_dataset(tmp_path / "c", other, provenance)
    assert (tmp_path / "c").read_bytes() != (tmp_path / "b").read_bytes()


def test_an_empty_test_part(data, tmp_path):
    alone = dataclasses.replace(data, test_x=data.test_x[:0], test_labels=data.test_labels[:0])
    save_dataset(tmp_path / "data", alone, {})
    found = load_dataset(tmp_path / "data")
    assert found.test_x.shape == (0, 6)
    assert found.test_labels.shape == (0,)


@pytest.mark.parametrize(
    ("name", "replacement"),
    [
        ("labels", torch.tensor([0, 1])),
        ("x", torch.zeros(7, 5)),
        ("test_labels", torch.tensor([0, 1])),
        ("test_x", torch.zeros(5, 7)),
    ],
)
def test_parts_that_do_not_fit_are_refused(data, tmp_path, name, replacement):
    path = tmp_path / "data"
    save_dataset(path, data, {})
    tensors, header = load_tensors(path)
    save_tensors(path, tensors | {name: replacement}, header)
    with pytest.raises(StorageError, match=f"{path}.* has shape .*expected"):
        load_dataset(path)


def test_an_image_shape_that_does_not_fit_is_refused(data, tmp_path):
    path = tmp_path / "data"
    save_dataset(path, dataclasses.replace(data, image_shape=(1, 2, 2)), {})
    with pytest.raises(StorageError, match=str(path)):
        load_dataset(path)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(StorageError, match="nothing.* is missing"):
        load_dataset(tmp_path / "nothing")
