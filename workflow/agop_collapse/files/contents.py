"""Digests of files by their content, read anew only where size or times have changed."""

import hashlib
import json
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path

from .atomic import StorageError
from .folders import expect_regular, walk
from .system_files import is_system_name


class Contents:
    """Digests of files and folders, remembered in a file from one planning to the next.

    A file is read again when its size, inode, or time of modification or change is another; the
    time of change is the system's own, so a file copied over with its old times is seen.

    memory : where the digests are kept; without one, or with one that is damaged, all is read
    """

    def __init__(self, memory: Path | None = None):
        self._memory = memory
        self._known = self._remembered()
        self._changed = False

    def _remembered(self) -> dict[str, list]:
        if self._memory is None:
            return {}
        try:
            content = json.loads(self._memory.read_text())
            known, whole = dict(content["files"]), content["sha256"]
        except (OSError, ValueError, TypeError, KeyError, RecursionError):
            return {}
        return known if whole == _sha256(known) else {}

    def digest(self, path: Path) -> str:
        """SHA-256 of a file's bytes, or of the names and digests of a folder's files, hex digits.

        Files that are hidden or of a system (.DS_Store, Thumbs.db) do not count.

        Raises
        ------
        OSError : when it cannot be read, or in a folder something is no file, or a folder is come
            to twice.
        """
        path = Path(path)
        found = self._of_folder(path) if path.is_dir() else self._of_file(path)
        self._keep()
        return found

    def _of_folder(self, folder: Path) -> str:
        digest = hashlib.sha256()
        files: list[Path] = []
        for place, folders, names in walk(folder):
            folders[:] = [name for name in folders if not is_system_name(name)]
            files += [Path(place, name) for name in names if not is_system_name(name)]
        for file in sorted(files):
            digest.update(os.fsencode(file.relative_to(folder)))
            digest.update(f"\0{self._of_file(file)}\n".encode())
        return digest.hexdigest()

    def _of_file(self, file: Path) -> str:
        facts = os.stat(file)
        expect_regular(file, facts)
        mark = [facts.st_size, facts.st_mtime_ns, facts.st_ctime_ns, facts.st_ino]
        key = os.path.abspath(file)
        known = self._known.get(key)
        if isinstance(known, list) and known[:-1] == mark:
            return known[-1]
        with open(file, "rb") as opened:
            found = hashlib.file_digest(opened, "sha256").hexdigest()
        self._known[key] = [*mark, found]
        self._changed = True
        return found

    def _keep(self) -> None:
        if self._memory is None or not self._changed:
            return
        self._changed = False
        try:
            self._memory.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile(
                "w", dir=self._memory.parent, prefix=f".{self._memory.name}.", delete=False
            ) as partial:
                json.dump({"files": self._known, "sha256": _sha256(self._known)}, partial)
            os.replace(partial.name, self._memory)
        except OSError:
            pass  # a folder that may not be written to costs the time of reading again


def _sha256(known: Mapping[str, list]) -> str:
    return hashlib.sha256(json.dumps(known, sort_keys=True).encode()).hexdigest()


def expect_contents(digests: Mapping[Path, str]) -> None:
    """Raise StorageError unless files and folders still have the content that a job is planned for.

    To be asked once they are read, so that a change between planning and reading does not pass.

    Parameters
    ----------
    digests : of `Contents.digest`, by path
    """
    for path, digest in digests.items():
        if Contents().digest(path) != digest:
            raise StorageError(f"{path} was changed while the workflow ran; run it again")
