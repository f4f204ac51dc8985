"""Where the files of a job lie, by what Snakemake says.

Not always where the plan has them: a storage elsewhere has local copies, each job's its own.
"""

from collections.abc import Mapping, Sequence
from typing import Any


def located(
    parts: Mapping[str, Sequence[tuple[Any, str]]], paths: Sequence[str]
) -> dict[str, list[tuple[str, Any, str]]]:
    """What a job is made from, each with its file: by table, path, columns and identity.

    Parameters
    ----------
    parts : by table, the columns that its rows begin with (None: they have them) and the identity
    paths : of a rule's input, in the order of the parts, table by table

    Raises
    ------
    ValueError : when there are not as many files as parts.
    """
    count = sum(map(len, parts.values()))
    if count != len(paths):
        raise ValueError(f"{len(paths)} files for {count} parts of {', '.join(parts)}")
    files = iter(paths)
    return {
        table: [(next(files), columns, identity) for columns, identity in of_table]
        for table, of_table in parts.items()
    }
