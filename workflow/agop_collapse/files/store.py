"""What runs have made so far, kept for those that begin as they do.

A deeper Deep RFM begins with a shallower one's layers, and a longer training with a shorter one's
epochs; the same run of two studies is all alike. Snakemake deletes the outputs of a job before it
makes them anew. So their files have second names in a store, hard links that take no room beside
the outputs, from which the next run of the same stem takes what it needs.
"""

import errno
import hashlib
import json
import logging
import os
import shutil
from pathlib import Path
from typing import Any

from .atomic import StorageError, atomic, sync
from .tensors import load_tensors

log = logging.getLogger(__name__)

# What says that a file system, or one file, has no more hard links; copies do then.
NO_LINKS = (errno.EXDEV, errno.EPERM, errno.ENOTSUP, errno.EMLINK, errno.ENOSYS)


class Store:
    """Files of all runs of one stem, each written once.

    Parameters
    ----------
    root : folder of all stores, deleted at any time by who needs the room
    stem : identity of all that decides the files but how many there are
    keeps : whether it changes, or others' files are only taken from it
    facts : JSON values without which they are not taken either: the libraries' versions
    """

    def __init__(self, root: Path, stem: str, keeps: bool = True, **facts: Any):
        text = json.dumps({"stem": stem} | facts, sort_keys=True)
        self.stem, self._keeps = stem, keeps
        self._folder = Path(root, hashlib.sha256(text.encode()).hexdigest())

    def keep(self, path: Path, name: str | None = None) -> None:
        """Give a finished file, which nobody writes to any more, a second name: its own, or this.

        One that has the name already stays: so all are of the run that was first.

        Raises
        ------
        OSError : when it cannot be written, as on a full disk.
        """
        kept = self._folder / (name or path.name)
        if self._keeps and not kept.exists():
            _link(path, kept)

    def names(self, pattern: str) -> list[str]:
        """The names that a pattern fits, in order."""
        return sorted(path.name for path in self._folder.glob(pattern))

    def drop(self, name: str) -> None:
        """Keep a file no longer."""
        if self._keeps:
            (self._folder / name).unlink(missing_ok=True)

    def fetch(self, path: Path, name: str | None = None, identity: str | None = None) -> bool:
        """Make a file what `keep` was given under its name, or this, if that is there and whole.

        identity : in the file's header; the stem if not given
        """
        kept = self._folder / (name or path.name)
        if not kept.is_file():
            return False
        try:
            load_tensors(kept, identity or self.stem)
        except StorageError as error:
            log.warning("%s. That has been done: what it held is made again", error)
            kept.unlink()
            return False
        _link(kept, path)
        return True


def _link(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_name(f".{target.name}.{os.getpid()}")
    partial.unlink(missing_ok=True)
    try:
        os.link(source, partial)
    except OSError as error:
        if error.errno not in NO_LINKS:
            raise
        with atomic(target) as copy:
            shutil.copyfile(source, copy)
        return
    os.replace(partial, target)
    partial.unlink(missing_ok=True)  # which stays where both were one file before
    sync(target.parent)
