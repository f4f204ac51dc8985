"""Files that are whole or not there; folders that outlive their process, and their locks."""

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from agop_collapse.files.atomic import StorageError, atomic
from agop_collapse.files.resumable import fingerprint, resumable
from hypothesis import given
from hypothesis import strategies as st

LIBRARY_PARENT = Path(__file__).parents[2] / "workflow"
IMPORTS = """
import os, signal, sys, time
from pathlib import Path
from agop_collapse.files.atomic import atomic
from agop_collapse.files.resumable import resumable
path = Path(sys.argv[1])
"""
KILL = "os.kill(os.getpid(), signal.SIGKILL)"


def start(code: str, path: Path) -> subprocess.Popen:
    """A process of its own that runs some code with `path`."""
    command = [sys.executable, "-c", IMPORTS + code, str(path)]
    environment = os.environ | {"PYTHONPATH": str(LIBRARY_PARENT)}
    pipe = subprocess.PIPE
    return subprocess.Popen(command, env=environment, stdin=pipe, stdout=pipe, text=True)


def run_killed(code: str, path: Path) -> None:
    """Run code that must end by killing its own process."""
    assert start(code, path).wait() == -signal.SIGKILL


KILLED_WRITERS = {
    "before writing": f"with atomic(path) as partial: {KILL}",
    "half-way": f"""
with atomic(path) as partial:
    with partial.open("w") as file:
        file.write("new, but only ha")
        file.flush()
        {KILL}
""",
    "written, not yet on disk": f"os.fsync = lambda descriptor: {KILL}"
    """
with atomic(path) as partial:
    partial.write_text("new and whole")
""",
    "on disk, not yet renamed": f"os.replace = lambda *paths: {KILL}"
    """
with atomic(path) as partial:
    partial.write_text("new and whole")
""",
}


@pytest.mark.parametrize("moment", KILLED_WRITERS)
def test_killed_writer_leaves_the_old_file_whole(tmp_path, moment):
    path = tmp_path / "file"
    path.write_text("old and whole")
    run_killed(KILLED_WRITERS[moment], path)
    assert path.read_text() == "old and whole"
    with atomic(path) as partial:
        partial.write_text("newer")
    assert path.read_text() == "newer"


@pytest.mark.parametrize("moment", KILLED_WRITERS)
def test_killed_writer_of_a_new_file_leaves_no_file(tmp_path, moment):
    path = tmp_path / "file"
    run_killed(KILLED_WRITERS[moment], path)
    assert not path.exists()


def test_readers_never_see_a_part_while_a_writer_is_killed_at_any_time(tmp_path):
    """Versions are 4 MB of one digit, so that most of the writer's time is spent in the middle."""
    path = tmp_path / "file"
    size = 4_000_000
    code = f"""
for version in range(10_000):
    with atomic(path) as partial:
        partial.write_text(str(version % 10) * {size})
"""
    for _ in range(3):
        writer = start(code, path)
        versions = set()
        while len(versions) < 4:
            assert writer.poll() is None
            if path.exists():
                content = path.read_text()
                assert content == content[0] * size
                versions.add(content[0])
        writer.kill()
        writer.wait()


def test_file_is_on_disk_before_it_takes_the_name_and_the_name_after(tmp_path, monkeypatch):
    """A power cut cannot leave the new name with old, missing or half content."""
    events = []
    fsync, replace = os.fsync, os.replace

    def recording_fsync(descriptor):
        events.append(("fsync", os.fstat(descriptor).st_ino))
        fsync(descriptor)

    def recording_replace(source, target):
        inodes.append(os.stat(source).st_ino)
        events.append(("replace", inodes[-1]))
        replace(source, target)

    inodes = []
    monkeypatch.setattr(os, "fsync", recording_fsync)
    monkeypatch.setattr(os, "replace", recording_replace)
    with atomic(tmp_path / "file") as partial:
        partial.write_text("content")
    (file,) = inodes
    assert events == [("fsync", file), ("replace", file), ("fsync", tmp_path.stat().st_ino)]


def test_exception_leaves_the_old_file_and_no_temporary(tmp_path):
    path = tmp_path / "file"
    path.write_text("old")

    def fail():
        with atomic(path) as partial:
            partial.write_text("new")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_writer_makes_the_folders_that_it_needs(tmp_path):
    path = tmp_path / "a" / "b" / "file"
    with atomic(path) as partial:
        assert partial.parent == path.parent  # a rename within one file system
        partial.write_text("content")
    assert path.read_text() == "content"
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize(("umask", "mode"), [(0o022, 0o644), (0o027, 0o640), (0o002, 0o664)])
def test_file_mode_follows_the_umask(tmp_path, umask, mode):
    before = os.umask(umask)
    try:
        with atomic(tmp_path / "file") as partial:
            partial.write_text("content")
        assert (tmp_path / "file").stat().st_mode & 0o777 == mode
    finally:
        assert os.umask(before) == umask


def content_of(folder: Path) -> dict[str, str]:
    """Files below a folder and their texts, but for the mark of `resumable`."""
    files = (path for path in folder.rglob("*") if path.is_file())
    texts = {str(path.relative_to(folder)): path.read_text() for path in files}
    texts.pop("fingerprint", None)
    return texts


WORK_AND_DIE = f"""
with resumable(path, "settings A") as work:
    (work / "layer_1").write_text("1")
    (work / "deeper").mkdir()
    (work / "deeper" / "layer_2").write_text("2")
    {KILL}
"""


@pytest.fixture
def interrupted(tmp_path) -> Path:
    """The name of a folder whose first writer, with the fingerprint "settings A", was killed."""
    folder = tmp_path / "runs" / "layers"
    run_killed(WORK_AND_DIE, folder)
    assert not folder.exists()
    return folder


def test_work_survives_being_killed_and_becomes_the_folder_at_the_end(interrupted):
    with resumable(interrupted, "settings A") as work:
        assert content_of(work) == {"layer_1": "1", "deeper/layer_2": "2"}
        (work / "layer_3").write_text("3")
        assert not interrupted.exists()
    assert content_of(interrupted) == {"layer_1": "1", "deeper/layer_2": "2", "layer_3": "3"}
    assert list(interrupted.parent.iterdir()) == [interrupted]


def test_work_survives_an_exception(interrupted):
    def fail():
        with resumable(interrupted, "settings A") as work:
            (work / "layer_3").write_text("3")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert not interrupted.exists()
    with resumable(interrupted, "settings A") as work:
        assert (work / "layer_3").read_text() == "3"


def test_work_of_other_settings_is_emptied(interrupted):
    with resumable(interrupted, "settings B") as work:
        assert content_of(work) == {}
    assert content_of(interrupted) == {}
    with resumable(interrupted, "settings A") as work:
        assert content_of(work) == {}


def test_work_without_a_mark_is_emptied(interrupted):
    """Killed while it was being emptied, or put there by somebody else."""
    (interrupted.with_name("layers.partial") / "fingerprint").unlink()
    with resumable(interrupted, "settings A") as work:
        assert content_of(work) == {}


def test_finished_folder_is_replaced_as_a_whole(tmp_path):
    folder = tmp_path / "layers"
    folder.mkdir()
    (folder / "layer_9").write_text("old")
    with resumable(folder, "settings A") as work:
        (work / "layer_1").write_text("new")
        assert content_of(folder) == {"layer_9": "old"}
    assert content_of(folder) == {"layer_1": "new"}


def test_file_that_was_being_written_when_killed_does_not_end_in_the_folder(tmp_path):
    folder = tmp_path / "layers"
    run_killed(
        f"""
with resumable(path, "settings A") as work:
    with atomic(work / "layer_1") as partial:
        partial.write_text("1")
    with atomic(work / "layer_2") as partial:
        partial.write_text("half of 2")
        {KILL}
""",
        folder,
    )
    with resumable(folder, "settings A") as work, atomic(work / "layer_2") as partial:
        partial.write_text("2")
    assert content_of(folder) == {"layer_1": "1", "layer_2": "2"}


def test_second_process_is_refused_until_the_first_has_ended(tmp_path):
    folder = tmp_path / "layers"
    holder = start(
        """
with resumable(path, "settings A") as work:
    (work / "layer_1").write_text("1")
    print("inside", flush=True)
    sys.stdin.read()
""",
        folder,
    )
    assert holder.stdout.readline() == "inside\n"
    # Whatever the settings: another fingerprint must not empty a folder in use either.
    for settings in ("settings A", "settings B"):
        with pytest.raises(StorageError) as refusal, resumable(folder, settings):
            pass
        assert f"{folder}.partial is in use by another process" in str(refusal.value)
        assert "run again" in str(refusal.value)
    assert content_of(tmp_path / "layers.partial") == {"layer_1": "1"}

    holder.kill()
    holder.wait()
    with resumable(folder, "settings A") as work:
        assert content_of(work) == {"layer_1": "1"}


def test_lock_is_released_at_the_end_and_after_an_exception(tmp_path):
    enter = 'with resumable(path, "settings A"): pass'

    def fail():
        with resumable(tmp_path / "layers", "settings A"):
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert start(enter, tmp_path / "layers").wait() == 0
    with resumable(tmp_path / "layers", "settings A"):
        pass
    assert start(enter, tmp_path / "layers").wait() == 0


@pytest.fixture
def files(tmp_path) -> list[Path]:
    paths = [tmp_path / name for name in ("data.safetensors", "kernels.py", "agop.py")]
    for path in paths:
        path.write_text(f"content of {path.name}")
    return paths


FACTS = {"seed": 1, "settings": {"ridge": 0.0, "kernel": "laplace"}, "study": "demo"}


def test_fingerprint_is_the_same_for_the_same_facts_and_contents(files, tmp_path):
    """Wherever the files are, in whatever order they and the facts are given."""
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    moved = [Path(shutil.copy(path, elsewhere)) for path in reversed(files)]
    reordered = dict(reversed(FACTS.items()))
    reordered["settings"] = dict(reversed(FACTS["settings"].items()))
    assert fingerprint(moved, **reordered) == fingerprint(files, **FACTS)
    assert fingerprint([str(path) for path in files], **FACTS) == fingerprint(files, **FACTS)


@pytest.mark.parametrize(
    "changed",
    [
        {"seed": 2},
        {"study": "demo2"},
        {"settings": {"ridge": 0.0, "kernel": "gaussian"}},
        {"settings": {"ridge": 1e-12, "kernel": "laplace"}},
        {"settings": {"ridge": 0.0, "kernel": "laplace", "gamma": 0.05}},
        {"versions": {"torch": "2"}},
    ],
    ids=str,
)
def test_fingerprint_changes_with_each_fact(files, changed):
    assert fingerprint(files, **(FACTS | changed)) != fingerprint(files, **FACTS)


@pytest.mark.parametrize("index", [0, 1, 2])
def test_fingerprint_changes_with_each_file(files, index):
    before = fingerprint(files, **FACTS)
    assert fingerprint(files[:index] + files[index + 1 :], **FACTS) != before
    content = bytearray(files[index].read_bytes())
    content[-1] ^= 1
    files[index].write_bytes(content)
    assert fingerprint(files, **FACTS) != before


def test_fingerprint_tells_apart_which_file_has_which_content(files):
    before = fingerprint(files, **FACTS)
    texts = [path.read_text() for path in files]
    files[1].write_text(texts[2])
    files[2].write_text(texts[1])
    assert fingerprint(files, **FACTS) != before
    files[1].write_text(texts[1])
    files[2].write_text(texts[2])
    assert fingerprint(files, **FACTS) == before
    renamed = [files[0].rename(files[0].with_name("data2.safetensors")), *files[1:]]
    assert fingerprint(renamed, **FACTS) != before


NUMBERS = st.integers(-5, 5) | st.floats(allow_nan=False, allow_infinity=False)
VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=2), inner),
    max_leaves=3,
)


@given(first=VALUES, second=VALUES)
def test_fingerprints_are_equal_for_equal_facts_only(first, second):
    # repr tells 1, 1.0 and True apart, which == does not; the order of keys does not matter.
    same = repr(_sorted(first)) == repr(_sorted(second))
    assert (fingerprint([], fact=first) == fingerprint([], fact=second)) == same


def _sorted(value):
    if isinstance(value, dict):
        return sorted((key, repr(_sorted(item))) for key, item in value.items())
    if isinstance(value, list):
        return tuple(map(_sorted, value))
    return value
