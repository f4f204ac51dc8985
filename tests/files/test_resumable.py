"""Folders that outlive their process, and their locks."""

import errno
import fcntl
import json
import os
from pathlib import Path

import pytest
from agop_collapse.files.atomic import StorageError, atomic
from agop_collapse.files.resumable import resumable
from agop_collapse.files.stamp import read_identity
from processes import KILL, run_killed, start

A, B = "a1" * 32, "b2" * 32
FACTS = {"versions": {"torch": "2.6.0"}}


def content_of(folder: Path) -> dict[str, str]:
    """Files below a folder and their texts, but for the mark of `resumable` and its owner."""
    files = (path for path in folder.rglob("*") if path.is_file())
    texts = {str(path.relative_to(folder)): path.read_text() for path in files}
    texts.pop("identity", None)
    texts.pop(".owner", None)
    return texts


WORK_AND_DIE = f"""
with resumable(path, "{A}", **{FACTS}) as work:
    (work / "layer_1").write_text("1")
    (work / "deeper").mkdir()
    (work / "deeper" / "layer_2").write_text("2")
    {KILL}
"""


@pytest.fixture
def interrupted(tmp_path) -> Path:
    """The name of a folder whose first writer, of identity A, was killed."""
    folder = tmp_path / "runs" / "layers"
    run_killed(WORK_AND_DIE, folder)
    assert not folder.exists()
    return folder


def test_work_survives_being_killed_and_becomes_the_folder_at_the_end(interrupted):
    with resumable(interrupted, A, **FACTS) as work:
        assert content_of(work) == {"layer_1": "1", "deeper/layer_2": "2"}
        (work / "layer_3").write_text("3")
        assert not interrupted.exists()
    assert content_of(interrupted) == {"layer_1": "1", "deeper/layer_2": "2", "layer_3": "3"}
    assert list(interrupted.parent.iterdir()) == [interrupted]


def test_work_survives_an_exception(interrupted):
    def fail():
        with resumable(interrupted, A, **FACTS) as work:
            (work / "layer_3").write_text("3")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert not interrupted.exists()
    with resumable(interrupted, A, **FACTS) as work:
        assert (work / "layer_3").read_text() == "3"


@pytest.mark.parametrize(
    ("identity", "facts"),
    [
        (B, FACTS),
        (A, {"versions": {"torch": "2.6.1"}}),
        (A, {"versions": {"torch": "2.6.0", "numpy": "2"}}),
        (A, {}),
    ],
    ids=["identity", "version", "library", "no facts"],
)
def test_work_of_another_identity_or_other_versions_is_emptied(interrupted, identity, facts):
    with resumable(interrupted, identity, **facts) as work:
        assert content_of(work) == {}
    assert content_of(interrupted) == {}
    with resumable(interrupted, A, **FACTS) as work:
        assert content_of(work) == {}


def test_the_order_of_facts_does_not_matter(tmp_path):
    facts = {"versions": {"torch": "2.6.0", "numpy": "2"}, "arithmetic": "float32"}
    code = f'with resumable(path, "{A}", **{facts}) as work: (work / "layer_1").mkdir(), {KILL}'
    run_killed(code, tmp_path / "layers")
    reordered = {"arithmetic": "float32", "versions": {"numpy": "2", "torch": "2.6.0"}}
    with resumable(tmp_path / "layers", A, **reordered) as work:
        assert (work / "layer_1").exists()


@pytest.mark.parametrize("mark", [None, b"", b"\xff\xfe", A.encode()])
def test_work_without_the_mark_is_emptied(interrupted, mark):
    """Killed while it was being emptied, or put there by somebody else."""
    path = interrupted.with_name("layers.partial") / "identity"
    path.unlink()
    if mark is not None:
        path.write_bytes(mark)
    with resumable(interrupted, A, **FACTS) as work:
        assert content_of(work) == {}


def test_mark_says_identity_and_facts_in_the_work_and_in_the_finished_folder(interrupted):
    expected = {"identity": A} | FACTS
    partial = interrupted.with_name("layers.partial")
    assert json.loads((partial / "identity").read_text()) == expected
    assert read_identity(partial) == A
    with resumable(interrupted, B):
        assert read_identity(partial) == B
    assert json.loads((interrupted / "identity").read_text()) == {"identity": B}
    assert read_identity(interrupted) == B


def test_finished_folder_is_replaced_as_a_whole(tmp_path):
    folder = tmp_path / "layers"
    folder.mkdir()
    (folder / "layer_9").write_text("old")
    with resumable(folder, A) as work:
        (work / "layer_1").write_text("new")
        assert content_of(folder) == {"layer_9": "old"}
    assert content_of(folder) == {"layer_1": "new"}


def test_file_that_was_being_written_when_killed_does_not_end_in_the_folder(tmp_path):
    folder = tmp_path / "layers"
    run_killed(
        f"""
with resumable(path, "{A}") as work:
    with atomic(work / "layer_1") as partial:
        partial.write_text("1")
    with atomic(work / "layer_2") as partial:
        partial.write_text("half of 2")
        {KILL}
""",
        folder,
    )
    with resumable(folder, A) as work, atomic(work / "layer_2") as partial:
        partial.write_text("2")
    assert content_of(folder) == {"layer_1": "1", "layer_2": "2"}


def test_second_process_is_refused_until_the_first_has_ended(tmp_path):
    folder = tmp_path / "layers"
    holder = start(
        f"""
with resumable(path, "{A}") as work:
    (work / "layer_1").write_text("1")
    print("inside", flush=True)
    sys.stdin.read()
""",
        folder,
    )
    assert holder.stdout.readline() == "inside\n"
    # Whatever the identity: another must not empty a folder in use either.
    for identity in (A, B):
        with pytest.raises(StorageError) as refusal, resumable(folder, identity):
            pass
        assert f"{folder}.partial is in use by another process" in str(refusal.value)
        assert "run again" in str(refusal.value)
    assert content_of(tmp_path / "layers.partial") == {"layer_1": "1"}

    holder.kill()
    holder.wait()
    with resumable(folder, A) as work:
        assert content_of(work) == {"layer_1": "1"}


def test_lock_is_released_at_the_end_and_after_an_exception(tmp_path):
    enter = f'with resumable(path, "{A}"): pass'

    def fail():
        with resumable(tmp_path / "layers", A):
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert start(enter, tmp_path / "layers").wait() == 0
    with resumable(tmp_path / "layers", A):
        pass
    assert start(enter, tmp_path / "layers").wait() == 0


@pytest.mark.parametrize("refusal", [errno.ENOSYS, errno.ENOLCK, errno.EOPNOTSUPP])
def test_without_locks_work_goes_on_with_a_warning(tmp_path, monkeypatch, caplog, refusal):
    def no_lock(descriptor: int, operation: int) -> None:
        raise OSError(refusal, os.strerror(refusal))

    monkeypatch.setattr(fcntl, "flock", no_lock)
    with resumable(tmp_path / "layers", A) as work:
        (work / "layer_1").write_text("1")
    assert content_of(tmp_path / "layers") == {"layer_1": "1"}
    (record,) = caplog.records
    assert record.levelname == "WARNING"
    assert f"{tmp_path}/layers.partial cannot be locked ({os.strerror(refusal)})" in caplog.text
