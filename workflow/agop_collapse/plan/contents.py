"""Digests of files by their content, read anew only where size or times have changed."""

import hashlib
import json
import os
import tempfile
from pathlib import Path


class Contents:
    """Digests of files and folders, remembered in a file from one planning to the next.

    A file is read again when its size, inode, or time of modification or change is another; the
    time of change is the system's own, so a file copied over with its old times is seen.

    memory : where the digests are kept; of a memory that cannot be read or written nothing is used
    """

    def __init__(self, memory: Path):
        self._memory = Path(memory)
        try:
            self._known = dict(json.loads(self._memory.read_text()))
        except (OSError, ValueError, TypeError):
            self._known = {}
        self._changed = False

    def digest(self, path: Path) -> str:
        """SHA-256 of a file's bytes, or of the names and digests of a folder's files, hex digits.

        Raises
        ------
        OSError : when it cannot be read.
        """
        path = Path(path)
        found = self._of_folder(path) if path.is_dir() else self._of_file(path)
        self._keep()
        return found

    def _of_folder(self, folder: Path) -> str:
        digest = hashlib.sha256()
        files = (
            Path(place, name)
            for place, _, names in os.walk(folder, followlinks=True)
            for name in names
        )
        for file in sorted(files):
            digest.update(f"{file.relative_to(folder)}\0{self._of_file(file)}\n".encode())
        return digest.hexdigest()

    def _of_file(self, file: Path) -> str:
        facts = os.stat(file)
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
        if not self._changed:
            return
        self._changed = False
        try:
            self._memory.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile(
                "w", dir=self._memory.parent, prefix=f".{self._memory.name}.", delete=False
            ) as partial:
                json.dump(self._known, partial)
            os.replace(partial.name, self._memory)
        except OSError:
            pass  # a folder that may not be written to costs the time of reading again
