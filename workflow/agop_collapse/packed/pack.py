"""A study as one file that can travel: its jobs, the code, and the prepared data."""

import gzip
import io
import json
import tarfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .jobs import FILE


def write(path: Path, given: Mapping[str, Any]) -> None:
    """Write a .tar.gz, which unpacks into a folder of the study's name; the same bytes again.

    Parameters
    ----------
    given : what `plan.packing.packed` says: the study, its jobs, and files by the path that they
        get in its folder
    """
    study = given["study"]
    listed = json.dumps(given["jobs"], indent=1, allow_nan=False).encode()
    with (
        open(path, "wb") as file,
        gzip.GzipFile("", "wb", compresslevel=6, fileobj=file, mtime=0) as packed,
        tarfile.open(fileobj=packed, mode="w") as tar,
    ):
        _add(tar, f"{study}/{FILE}", io.BytesIO(listed), len(listed))
        for name, source in sorted(given["files"].items()):
            with open(source, "rb") as content:
                _add(tar, f"{study}/{name}", content, Path(source).stat().st_size)


def _add(tar: tarfile.TarFile, name: str, content: io.BufferedIOBase, size: int) -> None:
    """A file without a time, or an owner."""
    member = tarfile.TarInfo(name)
    member.size = size
    tar.addfile(member, content)
