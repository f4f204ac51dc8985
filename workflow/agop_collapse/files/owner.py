"""Who is at work in a folder that several hosts may share, where a lock need not reach the others.

A file in the folder names the host, the process and when that began. While it lives, the process
touches the file. Of another host no more can be known, and times are compared as the file system
gives them, whatever the hosts' clocks say.
"""

import json
import logging
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from .atomic import StorageError

log = logging.getLogger(__name__)

OWNER = ".owner"
TOUCHED = 20.0  # seconds from one touch to the next
LEFT = 300.0  # seconds without one, behind which a process of another host is taken to be gone
LOOKED = 1.0  # seconds between two looks at whether it is touched


@contextmanager
def owned(folder: Path) -> Iterator[Callable[[], None]]:
    """Own a folder meanwhile. The function that is given asks whether that is still so.

    The file of a process that is gone is taken away; one of another host is watched until it is
    touched, or has not been for five minutes.

    Raises
    ------
    StorageError : when a process that lives owns it, or has finished it in this moment; and by the
        function, when another has taken it.
    """
    path = Path(folder, OWNER)
    began = _began(os.getpid())
    mine = json.dumps({"host": socket.gethostname(), "pid": os.getpid(), "began": began})

    def expect_mine() -> None:
        if _read(path) != json.loads(mine):
            raise StorageError(
                f"{folder} was taken over by another process ({_read(path)}) while this one stood "
                "still; see which of them is to go on, end the other, and run again"
            )

    while not _created(path, mine):
        _expect_left(path)
        path.unlink(missing_ok=True)
    ended = threading.Event()
    threading.Thread(target=_touch, args=(path, ended), daemon=True).start()
    try:
        yield expect_mine
    finally:
        ended.set()
        if _read(path) == json.loads(mine):
            path.unlink(missing_ok=True)


def _created(path: Path, text: str) -> bool:
    """Whether the file was not there and now is, whole."""
    partial = path.with_name(f"{path.name}.{socket.gethostname()}.{os.getpid()}")
    try:
        partial.write_text(text)
    except FileNotFoundError:
        raise StorageError(
            f"{path.parent} was finished by another process in this moment; run again"
        ) from None
    except OSError as error:
        partial.unlink(missing_ok=True)
        error.filename = str(path)  # which a write that fails does not say
        raise
    try:
        os.link(partial, path)
    except (FileExistsError, FileNotFoundError):  # the second, if the owner has tidied up
        return False
    except OSError:  # a file system without links
        if path.exists():
            return False
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)
    return True


def _read(path: Path) -> Any:
    try:
        return json.loads(path.read_text())
    except (OSError, ValueError, RecursionError):
        return None


def _expect_left(path: Path) -> None:
    owner = _read(path)
    if not isinstance(owner, dict) or not {"host", "pid", "began"} <= owner.keys():
        return  # no file of ours, or none any more
    if owner["host"] == socket.gethostname():
        if _began(owner["pid"]) == owner["began"] is not None:
            raise _in_use(path, owner)
        return
    seen = _touched(path)
    until = time.monotonic() + LEFT - (_now(path.parent) - (seen or 0))
    said = "%s belongs to process %s on %s; waiting for a sign of it"
    log.warning(said, path.parent, owner["pid"], owner["host"])
    while seen is not None and time.monotonic() < until:
        time.sleep(LOOKED)
        if _touched(path) not in (seen, None):
            raise _in_use(path, owner)


def _in_use(path: Path, owner: dict[str, Any]) -> StorageError:
    return StorageError(
        f"{path.parent} is in use by process {owner['pid']} on {owner['host']}; end it, or wait "
        "for it, and run again"
    )


def _touch(path: Path, ended: threading.Event) -> None:
    while not ended.wait(TOUCHED):
        try:
            os.utime(path)
        except OSError as error:
            log.warning("%s cannot be touched: %s", path, error)


def _touched(path: Path) -> float | None:
    try:
        return path.stat().st_mtime
    except FileNotFoundError:
        return None


def _now(folder: Path) -> float:
    """What time it is by the file system's clock."""
    os.utime(folder)
    return folder.stat().st_mtime


def _began(pid: int) -> str | None:
    """When a process of this host began, in the system's units; None where there is none.

    Where the system does not say, as on macOS, "unknown" of any that there is.
    """
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        if Path("/proc/self/stat").exists():
            return None
        return "unknown" if _is_there(pid) else None
    return None if fields[0] in "ZX" else fields[19]


def _is_there(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True
