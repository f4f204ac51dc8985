"""What is kept of runs for those that begin alike."""

import errno
import os

import pytest
import torch
from agop_collapse.files import store as store_module
from agop_collapse.files.store import Store
from agop_collapse.files.tensors import load_tensors, save_tensors

STEM, OTHER = "a1" * 32, "b2" * 32
FACTS = {"versions": {"torch": "2.14.1"}}


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "run" / "layer_01.safetensors"
    save_tensors(path, {"x": torch.arange(4.0)}, STEM, {})
    return path


def test_a_file_comes_back_as_the_same_file_and_takes_no_room(tmp_path, file):
    Store(tmp_path / "kept", STEM, **FACTS).keep(file)
    other = tmp_path / "other" / file.name
    assert Store(tmp_path / "kept", STEM, **FACTS).fetch(other)
    assert os.path.samefile(other, file)
    assert os.stat(file).st_nlink == 3


@pytest.mark.parametrize(
    ("stem", "facts"), [(OTHER, FACTS), (STEM, {"versions": {"torch": "2.6.0"}}), (STEM, {})]
)
def test_another_stem_or_other_versions_find_nothing(tmp_path, file, stem, facts):
    Store(tmp_path / "kept", STEM, **FACTS).keep(file)
    other = tmp_path / "other" / file.name
    assert not Store(tmp_path / "kept", stem, **facts).fetch(other)
    assert not other.exists()


def test_what_was_kept_first_stays(tmp_path, file):
    store = Store(tmp_path / "kept", STEM)
    store.keep(file)
    before = file.read_bytes()
    save_tensors(file, {"x": torch.ones(4)}, STEM, {})
    store.keep(file)
    assert store.fetch(tmp_path / "other" / file.name)
    assert (tmp_path / "other" / file.name).read_bytes() == before != file.read_bytes()


def test_outputs_can_be_deleted_and_written_anew(tmp_path, file):
    """Neither reaches what is kept, though it is the same file."""
    store = Store(tmp_path / "kept", STEM)
    store.keep(file)
    save_tensors(file, {"x": torch.ones(4)}, STEM, {})
    file.unlink()
    assert store.fetch(file)
    assert load_tensors(file, STEM)[0]["x"].tolist() == [0, 1, 2, 3]


def test_a_damaged_file_is_not_taken_and_makes_room_for_a_whole_one(tmp_path, file, caplog):
    store, other = Store(tmp_path / "kept", STEM), tmp_path / "other" / file.name
    store.keep(file)
    whole = file.read_bytes()
    file.write_bytes(whole[:-1] + b"!")
    assert not store.fetch(other)
    assert "damaged" in caplog.text
    assert "is made again" in caplog.text
    file.unlink()
    save_tensors(file, {"x": torch.arange(4.0)}, STEM, {})
    store.keep(file)
    assert store.fetch(other)
    assert other.read_bytes() == whole


def test_a_file_of_another_identity_is_not_taken(tmp_path, file):
    store = Store(tmp_path / "kept", OTHER)
    store.keep(file)
    assert not store.fetch(tmp_path / "other" / file.name)
    store.keep(file, "predictor")
    assert store.fetch(tmp_path / "other" / file.name, "predictor", STEM)


def test_where_there_are_no_links_files_are_copied(tmp_path, file, monkeypatch):
    def no_link(source, target):
        raise OSError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(store_module.os, "link", no_link)
    store, other = Store(tmp_path / "kept", STEM), tmp_path / "other" / file.name
    store.keep(file)
    assert store.fetch(other)
    assert other.read_bytes() == file.read_bytes()
    assert not os.path.samefile(other, file)
    assert [path.name for path in other.parent.iterdir()] == [file.name]


def test_a_full_disk_is_said(tmp_path, file, monkeypatch):
    def full(source, target):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(store_module.os, "link", full)
    with pytest.raises(OSError, match="No space left"):
        Store(tmp_path / "kept", STEM).keep(file)


def test_who_keeps_nothing_takes_what_others_kept_and_leaves_it(tmp_path, file):
    kept, only_taken = Store(tmp_path / "kept", STEM), Store(tmp_path / "kept", STEM, keeps=False)
    only_taken.keep(file)
    assert not (tmp_path / "kept").exists()
    kept.keep(file)
    assert only_taken.fetch(tmp_path / "other" / file.name)
    only_taken.drop(file.name)
    assert kept.names("layer_*") == [file.name]
