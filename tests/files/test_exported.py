"""Files for other programs: numpy alone reads them, and so does the safetensors library."""

import json

import numpy as np
import pytest
import torch
from agop_collapse.files.exported import save_exported
from agop_collapse.files.stamp import read_identity
from hypothesis import given
from hypothesis import strategies as st
from safetensors import safe_open
from safetensors.numpy import load_file

IDENTITY = "a1" * 32
TYPES = {"F64": np.float64, "F32": np.float32, "I64": np.int64}


def by_numpy(path) -> tuple[dict[str, np.ndarray], dict[str, str]]:
    """As docs/tables.md tells readers to, but for any types."""
    content = path.read_bytes()
    start = 8 + int.from_bytes(content[:8], "little")
    header = json.loads(content[8:start])
    facts = header.pop("__metadata__")
    return {
        name: np.frombuffer(
            content[start:][slice(*part["data_offsets"])], TYPES[part["dtype"]]
        ).reshape(part["shape"])
        for name, part in header.items()
    }, facts


def example() -> dict[str, torch.Tensor]:
    return {
        "points": torch.randn(5, 3, dtype=torch.float64),
        "few": torch.randn(3, dtype=torch.float32),
        "turned": torch.randn(4, 6).T,
        "labels": torch.arange(5),
        "none": torch.zeros(0, 7),
    }


def test_two_independent_readers_read_what_was_written(tmp_path):
    tensors, path = example(), tmp_path / "points.safetensors"
    facts = {"layer": "3", "class_names": "zéro\none", 'a "key"': "\\ {}"}
    save_exported(path, tensors, IDENTITY, facts)
    found, texts = by_numpy(path)
    for read in (found, load_file(path)):
        assert set(read) == set(tensors)
        for name, tensor in tensors.items():
            np.testing.assert_array_equal(read[name], tensor.numpy())
            assert read[name].dtype == tensor.numpy().dtype
    with safe_open(path, "np") as file:
        assert file.metadata() == texts == facts | {"identity": IDENTITY}
    assert read_identity(path) == IDENTITY


def test_same_content_is_the_same_bytes_in_whatever_order(tmp_path):
    tensors = example()
    facts = {str(number): "x" for number in range(20)}
    save_exported(tmp_path / "one", tensors, IDENTITY, facts)
    backwards = (dict(reversed(part.items())) for part in (tensors, facts))
    tensors, facts = backwards
    save_exported(tmp_path / "two", tensors, IDENTITY, facts)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


@given(shape=st.lists(st.integers(0, 4), max_size=3), text=st.text(max_size=40))
def test_any_shape_and_any_text(tmp_path_factory, shape, text):
    path = tmp_path_factory.getbasetemp() / "any.safetensors"
    text = text.encode("utf-8", "ignore").decode()
    save_exported(path, {"x": torch.ones(shape)}, IDENTITY, {"text": text})
    found, facts = by_numpy(path)
    assert found["x"].shape == tuple(shape) == load_file(path)["x"].shape
    assert facts["text"] == text
    assert int.from_bytes(path.read_bytes()[:8], "little") % 8 == 0


def test_a_type_that_readers_may_not_know_is_refused_and_nothing_is_left(tmp_path):
    with pytest.raises(KeyError):
        save_exported(tmp_path / "x", {"x": torch.ones(2, dtype=torch.bfloat16)}, IDENTITY, {})
    assert not list(tmp_path.iterdir())
