"""Folders that survive being killed."""

import fcntl
import hashlib
import json
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from .atomic import StorageError, atomic, sync


@contextmanager
def resumable(folder: Path, fingerprint: str) -> Iterator[Path]:
    """A work folder beside `folder` that takes its name when the block ends well.

    Killed or failed before that, the work folder stays, and the next call with the same fingerprint
    finds it as it was; with another fingerprint it is emptied first. It is locked while in use.

    Raises
    ------
    StorageError : when another process is at work in it.
    """
    folder = Path(folder)
    work = folder.with_name(folder.name + ".partial")
    work.mkdir(parents=True, exist_ok=True)
    lock = os.open(work, os.O_RDONLY)
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise StorageError(
                f"{work} is in use by another process, perhaps one left over from a killed run; "
                "end it, or wait for it, and run again"
            ) from None
        for unfinished in work.glob(".*"):  # of a killed `atomic`
            unfinished.unlink()
        mark = work / "fingerprint"
        if not mark.exists() or mark.read_text() != fingerprint:
            for stale in work.iterdir():
                shutil.rmtree(stale) if stale.is_dir() else stale.unlink()
            with atomic(mark) as partial:
                partial.write_text(fingerprint)
        yield work
        if folder.exists():
            shutil.rmtree(folder)
        os.replace(work, folder)
        sync(folder.parent)
    finally:
        os.close(lock)


def listing(folder: Path) -> list[tuple[str, int, int]]:
    """Path, size and time of change of every file in a folder and in those below it, sorted."""
    files = [
        entry
        for place, _, _ in os.walk(folder, followlinks=True)
        for entry in os.scandir(place)
        if entry.is_file()
    ]
    return sorted((file.path, file.stat().st_size, file.stat().st_mtime_ns) for file in files)


def fingerprint(files: Sequence[Path], **facts: Any) -> str:
    """SHA-256 of some facts (JSON values) and of the contents of files, as 64 hex digits."""
    digest = hashlib.sha256(json.dumps(facts, sort_keys=True).encode())
    for path in sorted(map(Path, files), key=lambda path: path.name):
        digest.update(path.name.encode())
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()
