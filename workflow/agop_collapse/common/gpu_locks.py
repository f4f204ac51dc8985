"""One GPU for each job of a machine: a job takes one that no other has, and waits for it."""

import fcntl
import logging
import os
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

log = logging.getLogger(__name__)

# More jobs than one on each GPU, for those who know that its memory suffices.
JOBS_PER_GPU = "AGOP_COLLAPSE_JOBS_PER_GPU"
PAUSE = 0.5  # seconds between two looks at what is free

# What this process has locked. Its end, however it comes, unlocks it.
_held: list[int] = []


def claim(gpus: Sequence[str], folder: Path | None = None, jobs_per_gpu: int | None = None) -> int:
    """Take a GPU until this process ends; the position of the one that was free first.

    A job of another workflow, or another user, that takes its GPU so is waited for alike.

    Parameters
    ----------
    gpus : a name for each that tells it from all others of the machine, such as its UUID
    folder : for the locks, the same for all on this machine; by default that of temporary files
    jobs_per_gpu : how many may have one at once; by default what the environment variable
        AGOP_COLLAPSE_JOBS_PER_GPU says, or 1
    """
    folder = Path(tempfile.gettempdir()) if folder is None else folder
    places = jobs_per_gpu or int(os.environ.get(JOBS_PER_GPU, 1))
    said = False
    while True:
        # All GPUs once before any a second time.
        for place in range(places):
            for position, name in enumerate(gpus):
                if _lock(folder / f"agop_collapse_gpu_{name}_{place}.lock"):
                    return position
        if not said:
            log.info("each of %d GPUs has its job; waiting for one", len(gpus))
            said = True
        time.sleep(PAUSE)


def _lock(path: Path) -> bool:
    """Whether a lock was free; now it is this process's."""
    try:
        file = os.open(path, os.O_RDONLY | os.O_CREAT, 0o644)
    except PermissionError:  # another user's, in a folder where only its owner may write it
        file = os.open(path, os.O_RDONLY)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(file)
        return False
    _held.append(file)
    return True
