"""Files that are damaged in any way: refused in words by those who read them, or read rightly.

With AGOP_COLLAPSE_EXAMPLES=2000 each reader is given as many.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd
import pytest
import torch
from agop_collapse.data.dataset import Dataset, load_dataset, save_dataset
from agop_collapse.files import tables
from agop_collapse.files.atomic import StorageError
from agop_collapse.files.contents import Contents
from agop_collapse.files.run_record import load_run, save_run
from agop_collapse.files.stamp import read_identity
from agop_collapse.files.store import Store
from agop_collapse.files.tensors import load_tensors, save_tensors
from agop_collapse.sharing import manifest, reference
from examples import examples
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

A = "a1" * 32
PROGRESS = ("train_loss", "test_loss", "train_accuracy", "test_accuracy")
TRAINING = pd.DataFrame({"epoch": [0, 5, 9]} | dict.fromkeys(PROGRESS, 0.25) | {"fitted": True})


class Kind(NamedTuple):
    """How a file is written, and read as something that can be compared."""

    write: Callable[[Path], None]
    read: Callable[[Path], Any]


def plain(tensors: dict[str, torch.Tensor]) -> dict[str, Any]:
    return {name: (str(each.dtype), each.tolist()) for name, each in tensors.items()}


def read_tensors(path: Path) -> Any:
    tensors, metadata = load_tensors(path, A)
    return plain(tensors), metadata


def read_dataset(path: Path) -> Any:
    data = load_dataset(path, A)
    return plain({"x": data.x, "labels": data.labels}), data.classes, data.class_names


def dataset() -> Dataset:
    x, labels = torch.arange(12.0).double().reshape(3, 4), torch.tensor([0, 0, 1])
    return Dataset(x, labels, x[:1], labels[:1], (1, 2, 2), ("a", "b"))


KINDS = {
    "table": Kind(
        lambda path: tables.save(path, "network_training", TRAINING, A),
        lambda path: tables.load(path, "network_training", A).to_dict(),
    ),
    "tensors": Kind(
        lambda path: save_tensors(path, {"x": torch.arange(6.0)}, A, {"layer": 1, "fit": [0.5]}),
        read_tensors,
    ),
    "data": Kind(lambda path: save_dataset(path, dataset(), A), read_dataset),
    "record": Kind(
        lambda path: save_run(
            path, A, {"seed": 1, "settings": {"ridge": 0.5, "kernel": "laplace"}}
        ),
        load_run,
    ),
}


@st.composite
def damages(draw: st.DrawFn) -> Callable[[bytes, bytes], bytes]:
    """What becomes of a file's bytes; the second are those of another file."""
    what = draw(st.sampled_from(["flip", "cut", "zero", "insert", "double", "mix", "replace"]))
    share, other_share = draw(st.floats(0, 1)), draw(st.floats(0, 1))
    bit, text = draw(st.integers(0, 7)), draw(st.binary(min_size=1, max_size=40))

    def damaged(content: bytes, other: bytes) -> bytes:
        at = min(int(share * len(content)), len(content) - 1)
        end = min(at + 1 + int(other_share * 64), len(content))
        match what:
            case "flip":
                return content[:at] + bytes([content[at] ^ 1 << bit]) + content[at + 1 :]
            case "cut":
                return content[:at]
            case "zero":
                return content[:at] + bytes(end - at) + content[end:]
            case "insert":
                return content[:at] + text + content[at:]
            case "double":
                return content[:end] + content[at:]
            case "mix":
                return content[:at] + other[at:]
            case _:
                return content[:at] + text + content[at + len(text) :]

    return damaged


def told(read: Callable[[], Any]) -> tuple[Any, str]:
    """What is read, or the words of refusal."""
    try:
        return read(), ""
    except StorageError as error:
        return None, str(error)


SETTINGS = {"suppress_health_check": [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]}


def contents_of(kind: str, folder: Path) -> tuple[Path, bytes, bytes]:
    """A file of a kind, its bytes, and those of another kind's."""
    path, other = folder / "file", folder / "other"
    KINDS[kind].write(path)
    KINDS["tensors" if kind == "table" else "table"].write(other)
    return path, path.read_bytes(), other.read_bytes()


@pytest.mark.parametrize("kind", KINDS)
def test_a_damaged_file_is_refused_or_read_rightly(kind, tmp_path):
    path, content, other = contents_of(kind, tmp_path)
    right = KINDS[kind].read(path)
    refused = []

    @given(damage=damages())
    @hypothesis_settings(max_examples=examples(100), **SETTINGS)
    def attack(damage: Callable[[bytes, bytes], bytes]) -> None:
        path.write_bytes(damage(content, other))
        found, words = told(lambda: KINDS[kind].read(path))
        assert str(path) in words if words else found == right
        refused.extend([words] * bool(words))
        read_identity(path)  # which checks nothing, and fails at nothing

    attack()
    assert len(refused) > examples(100) / 2
    assert any(f"delete {path} and run again" in each for each in refused)


def test_a_store_hands_out_nothing_that_is_damaged(tmp_path):
    source, target = tmp_path / "source", tmp_path / "target"
    KINDS["tensors"].write(source)
    content, right = source.read_bytes(), read_tensors(source)
    store = Store(tmp_path / "store", A)
    (folder,) = [store._folder]

    @given(damage=damages())
    @hypothesis_settings(max_examples=examples(100), **SETTINGS)
    def attack(damage: Callable[[bytes, bytes], bytes]) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "layer").write_bytes(damage(content, content[::-1]))
        target.unlink(missing_ok=True)
        if store.fetch(target, "layer"):
            assert read_tensors(target) == right
        else:
            assert not target.exists()
            assert not (folder / "layer").exists()

    attack()


def test_a_damaged_memory_of_digests_changes_none(tmp_path):
    image, memory = tmp_path / "image", tmp_path / "contents.json"
    image.write_bytes(b"pixels")
    right = Contents(memory).digest(image)
    content = memory.read_bytes()

    @given(damage=damages())
    @hypothesis_settings(max_examples=examples(100), **SETTINGS)
    def attack(damage: Callable[[bytes, bytes], bytes]) -> None:
        memory.write_bytes(damage(content, b"[" * 400))
        assert Contents(memory).digest(image) == right

    attack()


@pytest.mark.parametrize("text", ["[" * 100_000, '{"a":' * 100_000])
def test_json_of_any_depth_is_refused(tmp_path, text):
    path = tmp_path / "run.json"
    path.write_text(text)
    with pytest.raises(StorageError, match="run.json cannot be read .*run again"):
        load_run(path)
    with pytest.raises(StorageError, match="run.json cannot be read .*run again"):
        manifest.read(path)
    assert Contents(path).digest(path)


def test_a_damaged_reference_is_refused(tmp_path):
    """Of which no checksum is there: that it is refused in words, where it cannot be read."""
    facts, table = tmp_path / reference.FACTS, tmp_path / "runs.parquet"
    facts.write_text(json.dumps({"study": "a"}))
    KINDS["table"].write(table)
    contents = {path: path.read_bytes() for path in (facts, table)}

    @given(damage=damages(), which=st.sampled_from([*contents]))
    @hypothesis_settings(max_examples=examples(100), **SETTINGS)
    def attack(damage: Callable[[bytes, bytes], bytes], which: Path) -> None:
        for path, content in contents.items():
            path.write_bytes(damage(content, b"[" * 4000) if path == which else content)
        found, words = told(lambda: reference.read(tmp_path))
        assert found is not None or str(tmp_path) in words

    attack()
