"""What every script does around its work: its log, and errors that a reader can use.

Of a name that no file in a user's working folder has, which may come first.
"""

import contextlib
import ctypes
import errno
import gc
import io
import logging
import os
import resource
import signal
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from typing import Any, TextIO

from agop_collapse.common.errors import UserError

# Ctrl-C reaches every process of a terminal. Snakemake says so once; a job ends without a word, as
# if it were killed, which it may be at any time. Each script imports this first, before what takes
# seconds.
signal.signal(signal.SIGINT, signal.SIG_DFL)

# What a script imports stays. Looking for garbage among it takes a tenth of the time of its start.
gc.disable()

# glibc hands the memory of large arrays back as soon as they are freed, and the system clears it
# before the next one may have it: a tenth of the time of a measurement. Up to 64 MB at a time, and
# 256 MB in all, stay.
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3
if mallopt := getattr(ctypes.CDLL(None), "mallopt", None):
    mallopt(M_MMAP_THRESHOLD, 64 * 2**20)
    mallopt(M_TRIM_THRESHOLD, 256 * 2**20)

# What a file system says that takes no more, and what to do about it.
REMEDIES = {
    errno.ENOSPC: "make room on the disk",
    errno.EDQUOT: "make room in your quota",
    errno.EFBIG: "raise the limit on the size of files (ulimit -f)",
    errno.EROFS: "make the file system writable",
    errno.EACCES: "see that you may write there",
    errno.EIO: "look whether the disk is sound",
}


@contextlib.contextmanager
def job(snakemake) -> Iterator[dict[str, Any]]:
    """Run a script's work, with all that it is given, and all that it prints in the rule's log.

    Warnings come on the terminal too. An error ends the script with status 1 and, last in the log,
    one paragraph, behind the traceback unless it is one that the user can mend. Snakemake shows the
    end of the log; what cannot be written there is printed.
    """
    gc.freeze()
    gc.enable()
    terminal, begin = sys.stderr, time.monotonic()
    with _log(snakemake, terminal) as (log, is_whole):
        logging.basicConfig(stream=log, level=logging.INFO, format="%(asctime)s %(message)s")
        logging.getLogger().addHandler(_warnings_on(terminal, snakemake.rule))
        with contextlib.redirect_stderr(log), contextlib.redirect_stdout(log):
            try:
                yield snakemake.params.settings
                took = time.monotonic() - begin
                logging.info("took %.0f s, and at most %.0f MB of memory", took, _peak_mb())
            except Exception as error:
                what = str(error) if isinstance(error, UserError) else _refused(error)
                if not what:
                    traceback.print_exc()
                    what = f"{type(error).__name__}: {error}"
                message = f"{snakemake.rule}: {what}"
                print(message, file=log)
                if not is_whole():
                    print(message, file=terminal)
                raise SystemExit(1) from None


def _refused(error: Exception) -> str:
    """What to do where a file system has refused a file; empty of other errors."""
    if not isinstance(error, OSError) or error.errno not in REMEDIES:
        return ""
    named, said = error.filename2 or error.filename or "a file", os.strerror(error.errno)
    return f"{named}: {said}; {REMEDIES[error.errno]}, and run again: what is done is kept"


class _Log(io.RawIOBase):
    """A file of which what cannot be written, as on a full disk, is left out."""

    def __init__(self, path: str):
        self._file = open(path, "wb", buffering=0)  # noqa: SIM115, it is open as long as this is
        self.whole = True

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        return self._file.fileno()

    def write(self, content: Any) -> int:
        try:
            return self._file.write(content)
        except OSError:
            self.whole = False
            return len(content)


@contextlib.contextmanager
def _log(snakemake, terminal: TextIO) -> Iterator[tuple[TextIO, Callable[[], bool]]]:
    """The log of a job, and whether all that was said by now is in it."""
    try:
        raw = _Log(snakemake.log[0])
    except OSError as error:
        print(f"{snakemake.rule}: {_refused(error) or error}", file=terminal)
        sys.exit(1)
    # A file of the user's own may have a name that is not UTF-8.
    how = {"encoding": "utf-8", "errors": "backslashreplace", "line_buffering": True}
    with io.TextIOWrapper(io.BufferedWriter(raw), **how) as log:
        yield log, lambda: raw.whole


def gpus(resources) -> int:
    """How many GPUs a job was granted, as Snakemake counts them or as Slurm's `gres` names them."""
    kind, *rest = str(resources.get("gres", "")).split(":")
    if kind != "gpu":
        return resources.gpu
    return int(rest[-1]) if rest and rest[-1].isdigit() else 1


def _peak_mb() -> float:
    """The most that this process has held; Linux counts it in KiB, macOS in bytes."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak * (1 if sys.platform == "darwin" else 1024) / 1e6


def _warnings_on(terminal: TextIO, rule: str) -> logging.Handler:
    handler = logging.StreamHandler(terminal)
    handler.setLevel(logging.WARNING)
    handler.setFormatter(logging.Formatter(f"{rule}: %(message)s"))
    return handler
