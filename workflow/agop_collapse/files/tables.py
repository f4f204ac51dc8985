"""The tables, with the columns of `columns`: a contract with users (docs/tables.md).

Long form: one row per measured set of numbers. A run's own files hold what was measured only, so
that any study can share them; in the tables of a study the columns that name the run come first.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from .atomic import StorageError, atomic
from .columns import KIND_COLUMNS, OF_A_RUN, OF_A_STUDY, RUN_COLUMNS
from .stamp import derive_again, expect_identity

TYPES = {
    "string": pa.string(),
    "int64": pa.int64(),
    "double": pa.float64(),
    "float": pa.float32(),
    "bool": pa.bool_(),
}


def _as_schema(columns: Mapping[str, str]) -> pa.Schema:
    return pa.schema({name: TYPES[of_type] for name, of_type in columns.items()})


_RUN = dict.fromkeys(RUN_COLUMNS, "string") | {"seed": "int64"}

# The schemas of a run's own files, and of a study's tables.
MEASURED = {
    name: _as_schema(of_table)
    for of_kind in OF_A_RUN.values()
    for name, of_table in of_kind.items()
}
COMBINED = {
    name: _as_schema(_RUN | dict.fromkeys(KIND_COLUMNS[kind], "string") | of_table)
    for kind, of_kind in OF_A_RUN.items()
    for name, of_table in of_kind.items()
} | {name: _as_schema(of_table) for name, of_table in OF_A_STUDY.items()}


def _schema(table: str, columns: Iterable[str]) -> pa.Schema:
    """A study's columns if its name is among those there are, else a run's."""
    of_a_study = "study" in columns or table not in MEASURED
    return (COMBINED if of_a_study else MEASURED)[table]


def frame(table: str, rows: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """Rows as a data frame with the table's columns, in its order; absent values are null.

    Raises
    ------
    ValueError : when a row has a key that is not a column.
    """
    names = _schema(table, rows[0] if rows else ()).names
    _expect_columns(table, rows, names)
    return pd.DataFrame(rows, columns=names)


def _expect_columns(table: str, rows: Iterable[Mapping], names: Iterable[str]) -> None:
    for row in rows:
        if unknown := set(row) - set(names):
            raise ValueError(f"table {table} has no column {', '.join(sorted(unknown))}")


def save(path: Path, table: str, frame: pd.DataFrame, identity: str) -> None:
    """Write a run's table, or with the column `study` a study's; the same content, the same bytes.

    Raises
    ------
    StorageError : when the columns are not the table's, in its order, or do not fit its types.
    """
    schema = _schema(table, frame.columns)
    if list(frame.columns) != schema.names:
        raise StorageError(f"{path}: columns {list(frame.columns)} are not {schema.names}")
    try:
        content = pa.Table.from_pandas(frame, schema=schema, preserve_index=False)
    except pa.ArrowException as error:
        raise StorageError(f"{path}: {error}") from error
    _write(path, table, content, identity)


def save_runs(
    path: Path, rows: Sequence[Mapping[str, Any]], types: Mapping[str, str], identity: str
) -> None:
    """Write the table `runs`, one row per run with its settings; absent values are null.

    Parameters
    ----------
    types : column to "string", "int64", "double" or "bool", in the order of the columns

    Raises
    ------
    ValueError : when a row has a key that is not a column.
    StorageError : when a value does not fit its column's type.
    """
    _expect_columns("runs", rows, types)
    columns = {}
    for name, of_type in types.items():
        values = [row.get(name) for row in rows]
        try:
            columns[name] = pa.array(values, TYPES[of_type])
        except (pa.ArrowException, OverflowError) as error:
            raise StorageError(f"{path}: column {name}: {error}") from error
        # Arrow makes a 0 of 0.5 without a word.
        if columns[name].to_pylist() != values:
            raise StorageError(f"{path}: column {name}: {values} are not of type {of_type}")
    _write(path, "runs", pa.table(columns), identity)


def _write(path: Path, table: str, content: pa.Table, identity: str) -> None:
    header = {"identity": identity, "table": table}
    header["sha256"] = _digest(content, header)
    # In the place of pandas' own metadata, whose versions would change the bytes.
    content = content.replace_schema_metadata(header)
    with atomic(path) as partial:
        pq.write_table(content, partial, write_page_checksum=True)


def load(path: Path, table: str, identity: str) -> pd.DataFrame:
    """Read what `save` or `save_runs` wrote, verifying its checksums, columns and identity.

    The columns of the table `runs` are the settings that there are, and are taken as they are.

    Raises
    ------
    StorageError : when the file is missing, damaged, of another identity, holds another table, or
        has other columns than it.
    """
    try:
        content = pq.read_table(path, page_checksum_verification=True)
        header = {
            key.decode(): value.decode() for key, value in (content.schema.metadata or {}).items()
        }
        whole = header.pop("sha256", None) == _digest(content, header)
    except (OSError, pa.ArrowException, UnicodeDecodeError) as error:
        raise StorageError(f"{path} cannot be read ({error}); {derive_again(path)}") from error
    schema = content.schema if table == "runs" else _schema(table, content.schema.names)
    if whole and header.get("table") != table:
        raise StorageError(
            f"{path} holds the table {header.get('table')}, not {table}; {derive_again(path)}"
        )
    if not content.schema.equals(schema):
        raise StorageError(
            f"{path}: columns\n{content.schema}\nare not\n{schema}\n{derive_again(path)}"
        )
    if not whole:
        raise StorageError(f"{path} is damaged (its checksum is another); {derive_again(path)}")
    expect_identity(path, header["identity"], identity)
    return content.to_pandas()


def load_runs(parts: Iterable[tuple[Path, Mapping[str, Any], str]], table: str) -> pd.DataFrame:
    """The rows of several runs' files of one table, in their order, with the columns of the runs.

    Parameters
    ----------
    parts : for each run its file, its columns (study, dataset, run, seed, and its kind's) and the
        file's identity

    Raises
    ------
    ValueError : when a run's columns are not those of the table.
    StorageError : as `load`.
    """
    names = COMBINED[table].names
    of_the_run = set(names) - set(MEASURED[table].names)
    frames = []
    for path, columns, identity in parts:
        if set(columns) != of_the_run:
            raise ValueError(f"{path}: a run's columns {sorted(columns)}, not {sorted(of_the_run)}")
        measured = load(path, table, identity)
        if "study" in measured:
            raise StorageError(f"{path} holds the table {table} of a study, not of a run")
        frames.append(measured.assign(**columns)[names])
    return pd.concat(frames, ignore_index=True)


def _digest(content: pa.Table, header: Mapping[str, str]) -> str:
    """SHA-256 of a header, and of a table's columns and values.

    Page checksums leave out the footer, with its header and number of rows.
    """
    columns = [f"{field.name} {field.type}" for field in content.schema]
    digest = hashlib.sha256(repr((sorted(header.items()), columns)).encode())
    rows = pd.util.hash_pandas_object(content.to_pandas(), index=False)
    digest.update(rows.to_numpy().tobytes())
    return digest.hexdigest()
