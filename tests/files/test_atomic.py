"""Files that are whole or not there."""

import errno
import os
from pathlib import Path

import pytest
from agop_collapse.files.atomic import atomic
from processes import KILL, run_killed, start

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


@pytest.mark.parametrize("refusal", [errno.EINVAL, errno.ENOTSUP])
def test_folders_that_cannot_be_synced_are_put_up_with(tmp_path, monkeypatch, refusal):
    """As on some network file systems; of a file it stays an error, and so does a full disk."""
    fsync = os.fsync

    def refuse(descriptor: int) -> None:
        if refused(Path(f"/proc/self/fd/{descriptor}").readlink()):
            raise OSError(refusal, os.strerror(refusal))
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", refuse)
    refused = Path.is_dir
    with atomic(tmp_path / "file") as partial:
        partial.write_text("whole")
    assert (tmp_path / "file").read_text() == "whole"
    refused = Path.is_file
    with pytest.raises(OSError, match=os.strerror(refusal)), atomic(tmp_path / "file") as partial:
        partial.write_text("new")
    refused, refusal = Path.is_dir, errno.EIO
    with pytest.raises(OSError, match=os.strerror(errno.EIO)), atomic(tmp_path / "file") as partial:
        partial.write_text("new")
