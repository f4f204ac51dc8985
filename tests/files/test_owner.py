"""Folders that belong to one process at a time, on whichever host it is."""

import json
import os
import socket
import threading
import time
from pathlib import Path

import pytest
from agop_collapse.files import owner
from agop_collapse.files.atomic import StorageError
from agop_collapse.files.resumable import resumable
from processes import KILL, run_killed, start

A = "a1" * 32


@pytest.fixture
def work(tmp_path) -> Path:
    """The work folder of `tmp_path / "layers"`."""
    folder = tmp_path / "layers.partial"
    folder.mkdir()
    return folder


def leave(work: Path, age: float = 0.0, **facts: object) -> Path:
    """An owner's file of another host, touched some seconds ago."""
    path = work / owner.OWNER
    path.write_text(json.dumps({"host": "elsewhere", "pid": 77, "began": "123"} | facts))
    at = time.time() - age
    os.utime(path, (at, at))
    return path


def test_the_owner_is_named_meanwhile_and_not_in_the_end(tmp_path):
    with resumable(tmp_path / "layers", A) as work:
        found = json.loads((work / owner.OWNER).read_text())
        assert (found["host"], found["pid"]) == (socket.gethostname(), os.getpid())
    assert [path.name for path in (tmp_path / "layers").iterdir()] == ["identity"]
    assert [path.name for path in tmp_path.iterdir()] == ["layers"]


def test_a_process_that_was_killed_owns_nothing(tmp_path):
    run_killed(f'with resumable(path, "{A}") as work: {KILL}', tmp_path / "layers")
    assert (tmp_path / "layers.partial" / owner.OWNER).exists()
    with resumable(tmp_path / "layers", A) as work:
        assert json.loads((work / owner.OWNER).read_text())["pid"] == os.getpid()


def test_a_process_of_this_host_that_lives_is_refused_by_name_without_locks_too(tmp_path):
    """As on a mount with `nolock`, where each lock is granted."""
    code = f"""
import fcntl
fcntl.flock = lambda descriptor, operation: None
with resumable(path, "{A}") as work:
    print("inside", flush=True)
    sys.stdin.read()
"""
    holder = start(code, tmp_path / "layers")
    assert holder.stdout.readline() == "inside\n"
    said = f"layers.partial is in use by process {holder.pid} on {socket.gethostname()}; end it"
    with pytest.raises(StorageError, match=said), resumable(tmp_path / "layers", A):
        pass
    holder.communicate("")
    assert holder.returncode == 0
    assert [path.name for path in tmp_path.iterdir()] == ["layers"]


def test_another_process_of_the_same_number_is_not_the_owner(work, tmp_path):
    leave(work, host=socket.gethostname(), pid=os.getppid(), began="1")
    with resumable(tmp_path / "layers", A):
        pass


def test_one_of_another_host_that_has_long_been_silent_is_taken_over_at_once(work, tmp_path):
    leave(work, age=owner.LEFT + 1)
    begin = time.monotonic()
    with resumable(tmp_path / "layers", A):
        assert time.monotonic() - begin < owner.LEFT / 2


def test_one_that_falls_silent_is_waited_for_and_then_taken_over(work, tmp_path, monkeypatch):
    monkeypatch.setattr(owner, "LEFT", 1.0)
    monkeypatch.setattr(owner, "LOOKED", 0.01)
    leave(work)
    begin = time.monotonic()
    with resumable(tmp_path / "layers", A):
        assert time.monotonic() - begin > 0.5


def test_one_of_another_host_that_gives_a_sign_is_refused_by_name(work, tmp_path, monkeypatch):
    monkeypatch.setattr(owner, "LOOKED", 0.01)
    path, ended = leave(work), threading.Event()

    def touch() -> None:
        while not ended.wait(0.05):
            os.utime(path)

    other = threading.Thread(target=touch)
    other.start()
    said = "layers.partial is in use by process 77 on elsewhere; end it, or wait for it, and run"
    try:
        with pytest.raises(StorageError, match=said), resumable(tmp_path / "layers", A):
            pass
    finally:
        ended.set()
        other.join()
    assert json.loads(path.read_text())["host"] == "elsewhere"


def test_the_owner_gives_signs(tmp_path, monkeypatch):
    monkeypatch.setattr(owner, "TOUCHED", 0.01)
    with resumable(tmp_path / "layers", A) as work:
        path = work / owner.OWNER
        os.utime(path, (1, 1))
        while path.stat().st_mtime == 1:
            time.sleep(0.01)


def test_a_clock_that_is_set_back_says_nothing(work, tmp_path, monkeypatch):
    """The host's own; ages are by the file system's."""
    leave(work, age=owner.LEFT + 1)
    monkeypatch.setattr(time, "time", lambda: 0.0)
    with resumable(tmp_path / "layers", A):
        pass


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"host": "elsewhere"}'])
def test_what_names_no_owner_is_taken_away(work, tmp_path, text):
    (work / owner.OWNER).write_text(text)
    with resumable(tmp_path / "layers", A):
        pass


def test_work_that_another_has_taken_over_is_not_finished(tmp_path):
    def lose() -> None:
        with resumable(tmp_path / "layers", A) as work:
            (work / owner.OWNER).unlink()
            leave(work)

    with pytest.raises(StorageError, match="was taken over by another process .*elsewhere"):
        lose()
    assert not (tmp_path / "layers").exists()
    assert "elsewhere" in (tmp_path / "layers.partial" / owner.OWNER).read_text()


def test_of_many_at_once_one_gets_in(tmp_path):
    """Without locks; all begin at the same sign, over and over."""
    code = f"""
import fcntl
from agop_collapse.files.atomic import StorageError
fcntl.flock = lambda descriptor, operation: None
print("ready", flush=True)
sys.stdin.readline()
inside = path.parent / "inside"
for _ in range(50):
    try:
        with resumable(path, "{A}") as work:
            os.close(os.open(inside, os.O_CREAT | os.O_EXCL))
            time.sleep(0.001)
            inside.unlink()
            print("in", flush=True)
    except StorageError:
        pass
"""
    processes = [start(code, tmp_path / "layers") for _ in range(3)]
    for process in processes:
        assert process.stdout.readline() == "ready\n"
    said = []
    for process in processes:
        process.stdin.write("go\n")
        process.stdin.flush()
    for process in processes:
        said.append(process.communicate()[0])
        assert process.returncode == 0
    assert sum(text.count("in") for text in said) > 0
