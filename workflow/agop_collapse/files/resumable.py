"""Folders that survive being killed."""

import fcntl
import json
import logging
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from .atomic import StorageError, atomic, sync
from .stamp import MARK

log = logging.getLogger(__name__)


@contextmanager
def resumable(folder: Path, identity: str, **facts: Any) -> Iterator[Path]:
    """A work folder beside `folder` that takes its name when the block ends well.

    Killed or failed before that, the work folder stays, and the next call with the same identity
    and facts finds it as it was; with others it is emptied first. It is locked while in use. Its
    mark, a file of JSON with the identity and the facts, stays in the finished folder.

    Parameters
    ----------
    facts : JSON values without which half-made work is not gone on with: the libraries' versions

    Raises
    ------
    StorageError : when another process is at work in it.
    """
    folder = Path(folder)
    work = folder.with_name(folder.name + ".partial")
    work.mkdir(parents=True, exist_ok=True)
    lock = os.open(work, os.O_RDONLY)
    try:
        _lock(lock, work)
        for unfinished in work.glob(".*"):  # of a killed `atomic`
            unfinished.unlink()
        mark = work / MARK
        content = json.dumps({"identity": identity} | facts, sort_keys=True).encode()
        if not mark.is_file() or mark.read_bytes() != content:
            for stale in work.iterdir():
                shutil.rmtree(stale) if stale.is_dir() else stale.unlink()
            with atomic(mark) as partial:
                partial.write_bytes(content)
        yield work
        if folder.exists():
            shutil.rmtree(folder)
        os.replace(work, folder)
        sync(folder.parent)
    finally:
        os.close(lock)


def _lock(descriptor: int, work: Path) -> None:
    """Lock an open folder for this process alone; go on with a warning where that cannot be."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise StorageError(
            f"{work} is in use by another process, perhaps one left over from a killed run; "
            "end it, or wait for it, and run again"
        ) from None
    except OSError as error:  # ENOSYS, ENOLCK, EOPNOTSUPP: by file system and mount
        log.warning(
            "%s cannot be locked (%s): its file system has no locks. Have no other call of "
            "Snakemake at work in this folder",
            work,
            error.strerror,
        )
