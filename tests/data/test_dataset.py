"""A prepared data set as targets, and as a file."""

import dataclasses

import oracle
import pytest
import torch
from agop_collapse.data.dataset import Dataset, load_dataset, one_hot_targets, save_dataset
from agop_collapse.files.atomic import StorageError
from agop_collapse.files.stamp import read_identity
from agop_collapse.files.tensors import load_tensors, save_tensors
from clouds import cloud
from processes import written_twice

A, B = "a1" * 32, "b2" * 32
NAMES = ("cat", "dog", "Żaba", "w x")


@pytest.fixture
def data() -> Dataset:
    train, test = cloud(0, [3, 0, 4], 6), cloud(1, [2, 1, 2], 6)
    labels, test_labels = (torch.tensor(oracle.classes_of(c.counts)) for c in (train, test))
    return Dataset(train.x, labels, test.x, test_labels, (1, 2, 3), 4, NAMES)


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
    save_dataset(path, data, A)
    found = load_dataset(path, A)
    assert torch.equal(found.x, data.x.float().double())
    assert torch.equal(found.test_x, data.test_x.float().double())
    assert torch.equal(found.labels, data.labels)
    assert torch.equal(found.test_labels, data.test_labels)
    assert (found.image_shape, found.classes, found.class_names) == ((1, 2, 3), 4, NAMES)
    assert found.x.dtype == torch.float64
    tensors, header = load_tensors(path, A)
    assert tensors["x"].dtype == torch.float32
    versions = {"torch": torch.__version__}
    shape = {"image_shape": [1, 2, 3], "classes": 4, "class_names": list(NAMES)}
    assert header == shape | {"versions": versions}
    assert read_identity(path) == A


def test_the_same_data_give_the_same_bytes(data, tmp_path):
    for name in ("a", "b"):
        save_dataset(tmp_path / name, data, A)
    save_dataset(tmp_path / "data", dataclasses.replace(data, x=-data.x), A)
    save_dataset(tmp_path / "identity", data, B)
    content = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert content["a"] == content["b"]
    assert len(set(content.values())) == 3


def test_bytes_are_the_same_in_two_processes(tmp_path):
    first, second = written_twice(
        f"""
import torch
from agop_collapse.data.dataset import Dataset, save_dataset
points = [(torch.ones(n, 2), torch.tensor([0] + [1] * (n - 1))) for n in (3, 2)]
save_dataset(path, Dataset(*points[0], *points[1], (1, 1, 2), 2), "{A}")
""",
        tmp_path,
    )
    assert first == second


def assert_refused(path, reason, identity=A):
    with pytest.raises(StorageError) as refusal:
        load_dataset(path, identity)
    assert f"{path} {reason}" in str(refusal.value)
    assert f"delete {path} and run again" in str(refusal.value)


def test_data_of_another_identity_are_refused(data, tmp_path):
    save_dataset(tmp_path / "data", data, A)
    assert_refused(tmp_path / "data", "holds results of other settings, data or code", B)


def test_damage_is_refused(data, tmp_path):
    path = tmp_path / "data"
    save_dataset(path, data, A)
    content = path.read_bytes()
    path.write_bytes(content[:-1])
    assert_refused(path, "is damaged")
    path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    assert_refused(path, "is damaged (its checksum is another)")


def test_an_empty_test_part(data, tmp_path):
    alone = dataclasses.replace(data, test_x=data.test_x[:0], test_labels=data.test_labels[:0])
    save_dataset(tmp_path / "data", alone, A)
    found = load_dataset(tmp_path / "data", A)
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
    save_dataset(path, data, A)
    tensors, header = load_tensors(path, A)
    save_tensors(path, tensors | {name: replacement}, A, header)
    with pytest.raises(StorageError, match=f"{path}.* has shape .*expected"):
        load_dataset(path, A)


def test_an_image_shape_that_does_not_fit_is_refused(data, tmp_path):
    path = tmp_path / "data"
    save_dataset(path, dataclasses.replace(data, image_shape=(1, 2, 2)), A)
    with pytest.raises(StorageError, match=str(path)):
        load_dataset(path, A)


def test_a_missing_file_is_named(tmp_path):
    assert_refused(tmp_path / "nothing", "is missing")
