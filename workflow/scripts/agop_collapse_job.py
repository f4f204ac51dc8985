"""What every script does around its work: its log, and errors that a reader can use.

Of a name that no file in a user's working folder has, which may come first.
"""

import contextlib
import ctypes
import gc
import logging
import resource
import signal
import sys
import time
import traceback
from collections.abc import Iterator
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
    # A file of the user's own may have a name that is not UTF-8.
    with open(snakemake.log[0], "w", buffering=1, errors="backslashreplace") as log:
        logging.basicConfig(stream=log, level=logging.INFO, format="%(asctime)s %(message)s")
        logging.getLogger().addHandler(_warnings_on(terminal, snakemake.rule))
        with contextlib.redirect_stderr(log), contextlib.redirect_stdout(log):
            try:
                yield snakemake.params.settings
                took = time.monotonic() - begin
                logging.info("took %.0f s, and at most %.0f MB of memory", took, _peak_mb())
            except Exception as error:
                known = isinstance(error, UserError)
                what = error if known else f"{type(error).__name__}: {error}"
                message = f"{snakemake.rule}: {what}"
                try:
                    if not known:
                        traceback.print_exc()
                    print(message, file=log)
                except OSError:  # as on a full disk
                    print(message, file=terminal)
                raise SystemExit(1) from None


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
