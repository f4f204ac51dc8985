"""run.json: what a run is, beside what it holds."""

import hashlib
import json
from pathlib import Path
from typing import Any

from .atomic import StorageError, atomic
from .stamp import derive_again


def save_run(path: Path, identity: str, record: dict[str, Any]) -> None:
    """Write the identity and a record of JSON values, sorted; the same content, the same bytes.

    Behind them stands their SHA-256.

    Raises
    ------
    ValueError : when the record has an `identity` or `sha256` of its own, or is more than JSON can
        say.
    """
    if {"identity", "sha256"} & record.keys():
        raise ValueError("a run's record has no identity and no checksum of its own")
    # The identity first: what names others, such as the data's, comes after it.
    ordered = json.loads(json.dumps(record, sort_keys=True, allow_nan=False))
    whole = {"identity": identity} | ordered
    text = json.dumps(whole | {"sha256": _digest(whole)}, indent=2)
    with atomic(path) as partial:
        partial.write_text(text + "\n", encoding="utf-8")


def load_run(path: Path) -> dict[str, Any]:
    """Read what `save_run` wrote: the record, and the identity among it.

    Raises
    ------
    StorageError : when the file is missing, damaged, or not a run's record.
    """
    try:
        record = json.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise StorageError(f"{path} cannot be read ({error}); {derive_again(path)}") from error
    if not isinstance(record, dict) or "identity" not in record:
        raise StorageError(f"{path} is no run's record; {derive_again(path)}")
    if record.pop("sha256", None) != _digest(record):
        raise StorageError(f"{path} is damaged (its checksum is another); {derive_again(path)}")
    return record


def _digest(record: dict[str, Any]) -> str:
    text = json.dumps(record, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()
