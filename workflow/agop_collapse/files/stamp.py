"""The identity that stands in the header of every file a job writes.

An identity is 64 hex digits, computed when the workflow is planned: a digest of the settings, the
code and the identities of all that the file is made from. Who reads a file says which one he wants.
"""

import os
import re
from collections.abc import Iterable
from pathlib import Path

from .atomic import StorageError

# The mark of a folder whose files have one identity.
MARK = "identity"

_STAMP = re.compile(rb"identity\W{1,8}([0-9a-f]{64})")
_REACH = 65536  # bytes from either end of a file in which its header lies, whatever its format


def read_identity(path: Path) -> str | None:
    """The identity that a file, or the mark in a folder, names in its header; nothing is checked.

    None where there is no such file, or where it names none: another program's.
    """
    path = Path(path)
    try:
        with open(path / MARK if path.is_dir() else path, "rb") as file:
            start = file.read(_REACH)
            file.seek(max(os.fstat(file.fileno()).st_size - _REACH, 0))
            end = file.read(_REACH)
    except OSError:
        return None
    found = _STAMP.search(start) or _STAMP.search(end)
    return found[1].decode() if found else None


def is_made(paths: Iterable[Path], identity: str) -> bool:
    """Whether a job's outputs are all there, of an identity; a CSV, which names none, of any."""
    return all(
        path.exists() and (path.suffix == ".csv" or read_identity(path) == identity)
        for path in map(Path, paths)
    )


def expect_identity(path: Path, found: str, wanted: str) -> None:
    """Raise StorageError, with what to do, unless a file's identity is the wanted one."""
    if found != wanted:
        raise StorageError(
            f"{path} holds results of other settings, data or code; {derive_again(path)}"
        )


def derive_again(path: Path) -> str:
    """What to do about a file that cannot be used."""
    # The files of one run are derived together, and so are deleted together.
    folder = Path(path).parent
    together = folder.name.removesuffix(".partial") in ("layers", "checkpoints")
    return f"delete {folder if together else path} and run again"
