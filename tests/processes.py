"""Processes of their own: killed at a chosen moment, or writing the same content twice."""

import os
import signal
import subprocess
import sys
from pathlib import Path

LIBRARY_PARENT = Path(__file__).parents[1] / "workflow"
KILL = "os.kill(os.getpid(), signal.SIGKILL)"

_IMPORTS = """
import os, signal, sys, time
from pathlib import Path
from agop_collapse.files.atomic import atomic
from agop_collapse.files.resumable import resumable
path = Path(sys.argv[1])
"""


def start(code: str, path: Path, hash_seed: str = "random") -> subprocess.Popen:
    """Run some code with `path`; sets have an order that depends on the seed of hashes."""
    command = [sys.executable, "-c", _IMPORTS + code, str(path)]
    added = {"PYTHONPATH": str(LIBRARY_PARENT), "PYTHONHASHSEED": hash_seed}
    pipe = subprocess.PIPE
    return subprocess.Popen(command, env=os.environ | added, stdin=pipe, stdout=pipe, text=True)


def run_killed(code: str, path: Path) -> None:
    """Run code that must end by killing its own process."""
    assert start(code, path).wait() == -signal.SIGKILL


def written_twice(code: str, folder: Path) -> tuple[bytes, bytes]:
    """What code that writes the file `path` has written, in processes that hash differently."""
    paths = [folder / "first", folder / "second"]
    writers = [start(code, path, str(seed)) for seed, path in enumerate(paths)]
    assert [writer.wait() for writer in writers] == [0, 0]
    return paths[0].read_bytes(), paths[1].read_bytes()
