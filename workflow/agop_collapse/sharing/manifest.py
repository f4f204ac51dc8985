"""A study's manifest: each of its files by SHA-256 and size, and what all of it was made by.

Two derivations of a study on one machine have the same manifest, but for the commit. Logs, run
times, the report (which has them) and what is made on demand alone are not in it.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ..files.atomic import StorageError, atomic
from ..files.run_record import load_run
from ..files.stamp import derive_again
from .reference import made_on

# What a reader meets in a file that is none.
NO_MANIFEST = (ValueError, TypeError, KeyError, AttributeError, RecursionError)


def write(path: Path, given: Mapping[str, Any]) -> None:
    """Write a study's manifest; the same results, the same bytes.

    Parameters
    ----------
    given : what `plan.shared.listed` says; paths of outputs relative to the working folder

    Raises
    ------
    StorageError : when a run's record cannot be read.
    """
    made = made_on(given["records"])
    made.pop("processor")  # this machine's, which need not be the one that computed
    facts = {key: given[key] for key in ("study", "identity", "commit", "changed", "code")}
    files = {
        str(file): {"identity": identity} | content(file)
        for output, identity in given["outputs"].items()
        for file in files_of(Path(output))
    }
    manifest = facts | {
        "made_on": made,
        "configuration": given["configuration"],
        "runs": {str(Path(record).parent): load_run(Path(record)) for record in given["records"]},
        "files": dict(sorted(files.items())),
    }
    text = json.dumps(manifest, indent=1, ensure_ascii=False, allow_nan=False)
    with atomic(path) as partial:
        partial.write_text(text + "\n", encoding="utf-8")


def files_of(output: Path) -> Iterator[Path]:
    """A file itself, or a folder's files but those that Snakemake leaves."""
    if not output.is_dir():
        yield output
        return
    for file in sorted(output.rglob("*")):
        if file.is_file() and not file.name.startswith("."):
            yield file


def content(file: Path) -> dict[str, Any]:
    """A file's SHA-256, as hex digits, and its size in bytes."""
    with open(file, "rb") as opened:
        digest = hashlib.file_digest(opened, "sha256").hexdigest()
    return {"sha256": digest, "bytes": file.stat().st_size}


def read(path: Path) -> dict[str, Any]:
    """What `write` wrote.

    Raises
    ------
    StorageError : when it is not there, damaged, or no manifest.
    """
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
        whole = all(
            isinstance(each["sha256"], str) and isinstance(each["bytes"], int)
            for each in manifest["files"].values()
        )
        versions = manifest["made_on"]["versions"]
    except FileNotFoundError:
        raise StorageError(f"{path} is not there; `snakemake manifest` makes it") from None
    except (OSError, *NO_MANIFEST) as error:
        raise StorageError(f"{path} cannot be read ({error}); {derive_again(path)}") from error
    if not whole or not isinstance(versions, dict):
        raise StorageError(f"{path} is no manifest; {derive_again(path)}")
    return manifest


def otherwise(files: Mapping[str, Mapping[str, Any]], folder: Path) -> dict[str, str]:
    """What is wrong in a folder, by the path of each of a manifest's files that is not as it says.

    Parameters
    ----------
    files : of the manifest
    folder : in which the study was derived
    """
    return {path: wrong for path in files if (wrong := _wrong(folder / path, files[path]))}


def _wrong(file: Path, listed: Mapping[str, Any]) -> str:
    try:
        found = content(file)
    except FileNotFoundError:
        return "not there"
    except OSError as error:
        return f"cannot be read ({error.strerror})"
    if found["bytes"] != listed["bytes"]:
        return f"{found['bytes']:,} bytes, {listed['bytes']:,} in the manifest"
    return "" if found["sha256"] == listed["sha256"] else "other bytes"


def differing(one: Mapping[str, Any], other: Mapping[str, Any]) -> list[str]:
    """The facts of two manifests that are not alike, but for their files."""
    return [key for key in one if key != "files" and one[key] != other.get(key)]
