"""Digests of the user's own data: by content, and read again when it may have changed."""

import hashlib
import json
import os
from pathlib import Path

import pytest
from agop_collapse.files.atomic import StorageError
from agop_collapse.files.contents import Contents, expect_contents


def digest(path: Path, memory: Path) -> str:
    """As a planning of its own finds it."""
    return Contents(memory).digest(path)


@pytest.fixture
def memory(tmp_path) -> Path:
    return tmp_path / "memory" / "contents.json"


@pytest.fixture
def file(tmp_path) -> Path:
    path = tmp_path / "images.npz"
    path.write_bytes(b"0123456789")
    return path


def test_digest_of_a_file_is_that_of_its_bytes(file, memory):
    assert digest(file, memory) == hashlib.sha256(b"0123456789").hexdigest()


def test_content_counts_and_not_the_place(file, memory, tmp_path):
    before = digest(file, memory)
    assert digest(Path(os.path.relpath(file)), memory) == before
    moved = file.rename(tmp_path / "moved.npz")
    assert digest(moved, memory) == before
    file.write_bytes(b"0123456788")
    assert digest(file, memory) != before


@pytest.mark.parametrize("how", ["in place", "another file"])
def test_change_under_the_old_size_and_times_is_seen(how, file, memory, tmp_path):
    before, times = digest(file, memory), os.stat(file)
    target = file if how == "in place" else tmp_path / "copy"
    target.write_bytes(b"0123456780")
    os.utime(target, ns=(times.st_atime_ns, times.st_mtime_ns))
    os.replace(target, file)
    assert (os.stat(file).st_size, os.stat(file).st_mtime_ns) == (10, times.st_mtime_ns)
    assert digest(file, memory) == hashlib.sha256(b"0123456780").hexdigest() != before


def test_file_that_is_the_same_is_not_read_again(file, memory):
    """What is remembered is believed, as a false memory shows."""
    digest(file, memory)
    known = json.loads(memory.read_text())["files"]
    assert list(known) == [str(file)]
    known[str(file)][-1] = "remembered"
    whole = hashlib.sha256(json.dumps(known, sort_keys=True).encode()).hexdigest()
    memory.write_text(json.dumps({"files": known, "sha256": whole}))
    assert digest(file, memory) == "remembered"
    os.utime(file)
    assert digest(file, memory) == hashlib.sha256(b"0123456789").hexdigest()


@pytest.mark.parametrize("content", ["", "{", "[]", "3", "null", '{"a": 1}', "\x00"])
def test_memory_that_is_damaged_is_not_used(content, file, memory):
    memory.parent.mkdir()
    memory.write_text(content)
    assert digest(file, memory) == hashlib.sha256(b"0123456789").hexdigest()


@pytest.mark.parametrize("remembered", [None, 3, [], "text", [1, 2, 3], {"a": 1}])
def test_memory_of_a_file_that_is_damaged_is_not_used(remembered, file, memory):
    memory.parent.mkdir()
    memory.write_text(json.dumps({str(file): remembered}))
    assert digest(file, memory) == hashlib.sha256(b"0123456789").hexdigest()


def test_without_a_place_for_the_memory_it_is_read_each_time(file, tmp_path):
    (tmp_path / "in_the_way").write_text("")
    memory = tmp_path / "in_the_way" / "contents.json"
    assert digest(file, memory) == digest(file, memory)


def test_nothing_else_is_left_beside_the_memory(file, memory):
    digest(file, memory)
    assert list(memory.parent.iterdir()) == [memory]


def test_missing_file_is_an_error(tmp_path, memory):
    with pytest.raises(FileNotFoundError):
        digest(tmp_path / "none", memory)


# Folders


@pytest.fixture
def folder(tmp_path) -> Path:
    path = tmp_path / "images"
    for name in ("cat/1.png", "cat/2.png", "dog/1.png"):
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_text(name)
    return path


def test_folder_is_its_files_wherever_it_lies(folder, memory, tmp_path):
    before = digest(folder, memory)
    assert digest(folder, tmp_path / "other.json") == before
    moved = folder.rename(tmp_path / "moved")
    assert digest(moved, memory) == before


@pytest.mark.parametrize(
    "change",
    [
        lambda folder: (folder / "cat" / "1.png").write_text("other"),
        lambda folder: (folder / "cat" / "1.png").unlink(),
        lambda folder: (folder / "cat" / "3.png").write_text(""),
        lambda folder: (folder / "cat" / "1.png").rename(folder / "cat" / "0.png"),
        lambda folder: (folder / "cat" / "1.png").rename(folder / "dog" / "3.png"),
        lambda folder: (folder / "cat").rename(folder / "cow"),
    ],
)
def test_change_in_a_folder_is_seen(change, folder, memory):
    before = digest(folder, memory)
    change(folder)
    assert digest(folder, memory) != before


def test_files_that_swap_their_content_are_seen(folder, memory):
    before = digest(folder, memory)
    (folder / "cat" / "1.png").write_text("cat/2.png")
    (folder / "cat" / "2.png").write_text("cat/1.png")
    assert digest(folder, memory) != before


def test_links_in_a_folder_are_followed(folder, memory, tmp_path):
    before = digest(folder, memory)
    elsewhere = tmp_path / "elsewhere"
    (folder / "cat").rename(elsewhere)
    (folder / "cat").symlink_to(elsewhere)
    assert digest(folder, memory) == before
    (elsewhere / "1.png").write_text("other")
    assert digest(folder, memory) != before


def test_without_a_memory_all_is_read_and_nothing_kept(file, tmp_path):
    before = Contents().digest(file)
    times = file.stat().st_atime_ns, file.stat().st_mtime_ns
    file.write_bytes(b"9876543210")
    os.utime(file, ns=times)
    assert Contents().digest(file) != before
    assert [path.name for path in tmp_path.iterdir()] == [file.name]


def test_name_that_is_no_unicode_is_digested(tmp_path, memory):
    folder = tmp_path / "images"
    folder.mkdir()
    Path(os.fsdecode(os.fsencode(folder) + b"/caf\xe9.png")).write_bytes(b"1")
    before = digest(folder, memory)
    Path(os.fsdecode(os.fsencode(folder) + b"/caf\xe9.png")).rename(folder / "cafe.png")
    assert digest(folder, memory) != before


def test_content_that_is_no_longer_the_planned_one_is_refused(file):
    planned = {file: Contents().digest(file)}
    expect_contents(planned)
    file.write_bytes(b"9876543210")
    with pytest.raises(StorageError, match=r"images\.npz was changed while the workflow ran"):
        expect_contents(planned)
