"""run.json: what a run is, beside what it holds."""

import json
from pathlib import Path
from typing import Any

from .atomic import StorageError, atomic
from .stamp import derive_again


def save_run(path: Path, identity: str, record: dict[str, Any]) -> None:
    """Write the identity and a record of JSON values, sorted; the same content, the same bytes.

    Raises
    ------
    ValueError : when the record has an `identity` of its own, or is more than JSON can say.
    """
    if "identity" in record:
        raise ValueError("a run's record has no identity of its own")
    # The identity first: what names others, such as the data's, comes after it.
    ordered = json.loads(json.dumps(record, sort_keys=True, allow_nan=False))
    text = json.dumps({"identity": identity} | ordered, indent=2)
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
    except (OSError, ValueError) as error:
        raise StorageError(f"{path} cannot be read ({error}); {derive_again(path)}") from error
    if not isinstance(record, dict) or "identity" not in record:
        raise StorageError(f"{path} is no run's record; {derive_again(path)}")
    return record
