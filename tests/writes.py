"""Every call by which a process writes below a folder: recorded, and one of them failing.

What Python writes goes through `os`, `open` and the raw files behind it; safetensors and Arrow
write by themselves, in one call each.
"""

import builtins
import errno
import io
import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple
from unittest.mock import patch

import agop_collapse.files.tensors
import pyarrow.parquet
from safetensors import SafetensorError

# What needs no room, and works on a full disk.
FREE = {"unlink", "rmdir", "chmod"}


class Call(NamedTuple):
    """One call: what it does, to which path, and for rename and link to which other."""

    what: str
    path: str
    target: str = ""


class Writes:
    """The calls of a process below a folder, from `watched` on.

    Parameters
    ----------
    folder : the working folder; its paths are recorded relative to it
    failing : number of the call that fails
    how : "error", this call alone, by EIO; "full", it and all behind it that need room, by ENOSPC;
        "kill", the process ends at it
    """

    def __init__(self, folder: Path, failing: int | None = None, how: str = "error"):
        self.folder = os.path.realpath(folder)
        self.calls: list[Call] = []
        self._failing, self._how = failing, how
        self._open: dict[int, str] = {}

    def path(self, path: Any, dir_fd: int | None = None) -> str | None:
        """Relative to the folder; None outside of it."""
        if isinstance(path, int):
            return self._open.get(path)
        path = os.fspath(path)
        path = os.fsdecode(path)
        if dir_fd is not None:
            path = os.path.join(self.folder, self._open.get(dir_fd, "/nowhere"), path)
        absolute = os.path.abspath(path)
        if absolute != self.folder and not absolute.startswith(self.folder + os.sep):
            return None
        return os.path.relpath(absolute, self.folder)

    def made(self, what: str, path: str | None, target: str = "") -> OSError | None:
        """Record a call, and return with what it fails, if it does."""
        if path is None:
            return None
        self.calls.append(Call(what, path, target))
        number = len(self.calls) - 1
        if self._failing is None or number < self._failing:
            return None
        if self._how == "kill":
            os._exit(137)
        if self._how == "error" and number == self._failing:
            return OSError(errno.EIO, os.strerror(errno.EIO))
        if self._how == "full" and what not in FREE:
            return OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return None


class RawFile(io.FileIO):
    """A file whose writes are recorded; one that fails has written a half."""

    writes: Writes
    named: str

    def write(self, content: Any) -> int:
        if failure := self.writes.made("write", self.named):
            super().write(bytes(content)[: len(content) // 2])
            raise failure
        return super().write(content)


@contextmanager
def watched(writes: Writes) -> Iterator[None]:
    """Have all writes of this process go through `writes`."""
    stack = [*_of_os(writes), *_of_open(writes), *_of_libraries(writes)]
    for each in stack:
        each.start()
    try:
        yield
    finally:
        for each in reversed(stack):
            each.stop()


def _of_os(writes: Writes) -> Iterator[Any]:
    def one(name: str, what: str) -> Any:
        original = getattr(os, name)

        def call(path: Any, *arguments: Any, **options: Any) -> Any:
            named = writes.path(path, options.get("dir_fd"))
            if what == "mkdir" and os.path.isdir(path):  # which needs nothing
                named = None
            if failure := writes.made(what, named):
                failure.filename = None if what == "fsync" else named
                raise failure
            return original(path, *arguments, **options)

        return patch.object(os, name, call)

    def two(name: str, what: str) -> Any:
        original = getattr(os, name)

        def call(source: Any, target: Any, **options: Any) -> Any:
            if failure := writes.made(what, writes.path(source), writes.path(target) or ""):
                failure.filename, failure.filename2 = source, target
                raise failure
            return original(source, target, **options)

        return patch.object(os, name, call)

    original = os.open

    def opened(path: Any, flags: int, *arguments: Any, **options: Any) -> int:
        named = writes.path(path, options.get("dir_fd"))
        if flags & (os.O_WRONLY | os.O_RDWR) and (failure := writes.made("create", named)):
            failure.filename = named
            raise failure
        descriptor = original(path, flags, *arguments, **options)
        if named is not None:
            writes._open[descriptor] = named
        else:
            writes._open.pop(descriptor, None)
        return descriptor

    yield patch.object(os, "open", opened)
    for name in ("fsync", "mkdir", "rmdir", "chmod", "unlink", "utime"):
        yield one(name, name)
    yield one("remove", "unlink")
    yield two("link", "link")
    yield two("symlink", "link")
    yield two("replace", "rename")
    yield two("rename", "rename")


def _of_open(writes: Writes) -> Iterator[Any]:
    original = builtins.open

    def opened(
        file: Any,
        mode: str = "r",
        buffering: int = -1,
        encoding: str | None = None,
        errors: str | None = None,
        newline: str | None = None,
        closefd: bool = True,
        opener: Callable | None = None,
    ) -> Any:
        arguments = (file, mode, buffering, encoding, errors, newline, closefd, opener)
        named = None if isinstance(file, int) else writes.path(file)
        if named is None or not set(mode) & set("wax+"):
            return original(*arguments)
        # An opener that is given comes to `os.open`.
        if opener is None and (failure := writes.made("create", named)):
            failure.filename = named
            raise failure
        raw = RawFile(file, mode.replace("b", "").replace("t", ""), closefd, opener)
        # A temporary file is named by its opener.
        raw.writes, raw.named = writes, writes._open.get(raw.fileno(), named) if opener else named
        if buffering == 0:
            return raw
        buffered = io.BufferedRandom(raw) if "+" in mode else io.BufferedWriter(raw)
        if "b" in mode:
            return buffered
        return io.TextIOWrapper(buffered, encoding, errors, newline, line_buffering=buffering == 1)

    yield patch.object(builtins, "open", opened)
    yield patch.object(io, "open", opened)


def _of_libraries(writes: Writes) -> Iterator[Any]:
    """Each library's error is the one that it raises on a file system that is full."""
    save_file = agop_collapse.files.tensors.save_file
    write_table = pyarrow.parquet.write_table

    def save(tensors: Any, path: Any, **options: Any) -> None:
        if failure := writes.made("write", writes.path(path)):
            # It writes beside the path and renames, and takes the half away.
            said = f"{failure.strerror} (os error {failure.errno})"
            raise SafetensorError(f"Error while serializing: I/O error: {said}")
        save_file(tensors, path, **options)

    def write(table: Any, path: Any, **options: Any) -> None:
        failure = writes.made("write", writes.path(path))
        write_table(table, path, **options)
        if failure:
            os.truncate(path, os.path.getsize(path) // 2)
            said = f"Error writing bytes to file. Detail: [errno {failure.errno}] "
            raise OSError(failure.errno, said + failure.strerror)

    yield patch.object(agop_collapse.files.tensors, "save_file", save)
    yield patch.object(pyarrow.parquet, "write_table", write)


# What a power cut would leave


def not_durable(calls: list[Call], inside: Callable[[str], bool]) -> list[str]:
    """Final files that a power cut could leave damaged, or take away though the job had ended.

    A file's content is safe once it is synced behind its last write; its name, once its folder is
    synced behind the rename or link that gave it. What is renamed must be safe before.

    inside : whether a path is among those that count: no log
    """
    found: list[str] = []
    unsafe: set[str] = set()  # files whose content, and folders whose names, are not on disk
    for what, path, target in calls:
        if not inside(path):
            continue
        match what:
            case "create" | "write":
                unsafe.add(path)
            case "fsync" | "unlink":
                unsafe.discard(path)
            case "rename" | "link":
                below = {each for each in unsafe if each == path or each.startswith(f"{path}/")}
                found += [f"{each} was not synced before it became {target}" for each in below]
                if what == "rename":
                    unsafe -= below
                unsafe.add(os.path.dirname(target))
    hidden = re.compile(r"(^|/)\.[^/]+$")
    found += [f"{path} was not synced at the end" for path in unsafe if not hidden.search(path)]
    return found
