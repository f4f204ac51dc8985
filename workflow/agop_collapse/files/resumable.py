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
from .owner import OWNER, owned
from .stamp import MARK

log = logging.getLogger(__name__)


@contextmanager
def resumable(folder: Path, identity: str, **facts: Any) -> Iterator[Path]:
    """A work folder beside `folder` that takes its name when the block ends well.

    Killed or failed before that, the work folder stays, and the next call with the same identity
    and facts finds it as it was; with others it is emptied first. While in use it is locked, and
    has an owner, for other hosts to see. Its mark, a file of JSON with the identity and the facts,
    stays in the finished folder.

    Parameters
    ----------
    facts : JSON values without which half-made work is not gone on with: the libraries' versions

    Raises
    ------
    StorageError : when another process is at work in it, on this or another host.
    """
    folder = Path(folder)
    work = folder.with_name(folder.name + ".partial")
    work.mkdir(parents=True, exist_ok=True)
    lock = os.open(work, os.O_RDONLY)
    try:
        _lock(lock, work)
        with owned(work) as expect_owned:
            for unfinished in work.glob(".*"):  # of a killed `atomic`
                if unfinished.name != OWNER:
                    unfinished.unlink(missing_ok=True)
            _mark(work, json.dumps({"identity": identity} | facts, sort_keys=True).encode())
            yield work
            expect_owned()
            if folder.exists():
                shutil.rmtree(folder)
            os.replace(work, folder)
        (folder / OWNER).unlink()
        sync(folder.parent)
    finally:
        os.close(lock)


def _mark(work: Path, content: bytes) -> None:
    """Empty a work folder unless it has the mark of this content, and give it that."""
    mark = work / MARK
    if mark.is_file() and mark.read_bytes() == content:
        return
    for stale in work.iterdir():
        if stale.name != OWNER:
            # One that asked for the folder at the same time may tidy up after itself.
            shutil.rmtree(stale) if stale.is_dir() else stale.unlink(missing_ok=True)
    with atomic(mark) as partial:
        partial.write_bytes(content)


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
