"""The tables and their columns, a contract with users (docs/tables.md describes each column).

Long form: one row per measured set of numbers.
"""

import hashlib
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from .atomic import StorageError, atomic

_RUN = {
    "dataset": pa.string(),
    "kernel": pa.string(),
    "feature_map": pa.string(),
    "projection": pa.string(),
    "seed": pa.int64(),
    "layer": pa.int64(),
}
_NETWORK = {
    "dataset": pa.string(),
    "model": pa.string(),
    "seed": pa.int64(),
    "epoch": pa.int64(),
}
_COLLAPSE = dict.fromkeys(
    ["nc1", "nc1_code", "nc2", "nc2_mse", "trace_within", "trace_between"], pa.float64()
)


def _floats(*names: str) -> dict[str, pa.DataType]:
    return dict.fromkeys(names, pa.float64())


SCHEMAS = {
    name: pa.schema(columns)
    for name, columns in {
        "deep_rfm": _RUN
        | {"stage": pa.string()}
        | _COLLAPSE
        | _floats("train_mse", "solve_residual")
        | {"valid": pa.bool_()}
        | _floats("train_accuracy", "test_accuracy", "agop_effective_rank"),
        "gram": _RUN
        | {"applied_layer": pa.int64()}
        | _floats("within_mean", "within_sd", "between_mean", "between_sd"),
        "gram_picture": _RUN
        | {"stage": pa.string(), "i": pa.int64(), "j": pa.int64(), "gram": pa.float32()},
        "agop_spectrum": _RUN | {"index": pa.int64(), "eigenvalue": pa.float64()},
        "network_nc": _NETWORK
        | {"layer": pa.int64(), "stage": pa.string()}
        | _COLLAPSE
        | _floats("trace_total"),
        "network_nfa": _NETWORK
        | {"layer": pa.int64()}
        | _floats("nfa", "nfa_agop", "nfa_offdiagonal", "nfa_init", "nfa_independent"),
        "nfa_summary": {"dataset": pa.string(), "model": pa.string()}
        | _floats("nfa_mean", "nfa_sd", "nfa_init_mean", "nfa_independent_mean")
        | {"values": pa.int64(), "fitted": pa.bool_()}
        | _floats("paper_mean", "paper_sd"),
        "theory_kernel": {"seed": pa.int64()}
        | _floats("distance", "mapped_mean", "mapped_sd", "mapped_theory")
        | {"width": pa.int64(), "draws": pa.int64()},
        "network_training": _NETWORK
        | _floats("train_loss", "test_loss", "train_accuracy", "test_accuracy"),
    }.items()
}


def frame(table: str, rows: list[dict]) -> pd.DataFrame:
    """Rows as a data frame with the table's columns, in its order; absent values are null.

    Raises
    ------
    ValueError : when a row has a key that is not a column.
    """
    names = SCHEMAS[table].names
    for row in rows:
        if unknown := set(row) - set(names):
            raise ValueError(f"table {table} has no column {', '.join(sorted(unknown))}")
    return pd.DataFrame(rows, columns=names)


def save(path: Path, table: str, frame: pd.DataFrame) -> None:
    """Write a table as Parquet with page checksums; the same content, the same bytes.

    Raises
    ------
    StorageError : when the columns are not the table's, in its order, or do not fit its types.
    """
    schema = SCHEMAS[table]
    if list(frame.columns) != schema.names:
        raise StorageError(f"{path}: columns {list(frame.columns)} are not {schema.names}")
    try:
        content = pa.Table.from_pandas(frame, schema=schema, preserve_index=False)
    except pa.ArrowException as error:
        raise StorageError(f"{path}: {error}") from error
    # Instead of pandas' own metadata, whose versions would change the bytes.
    content = content.replace_schema_metadata({"sha256": _digest(content)})
    with atomic(path) as partial:
        pq.write_table(content, partial, write_page_checksum=True)


def load(path: Path, table: str) -> pd.DataFrame:
    """Read what `save` wrote, verifying its checksums and columns.

    Raises
    ------
    StorageError : when the file is missing, damaged, or has other columns than the table.
    """
    try:
        content = pq.read_table(path, page_checksum_verification=True)
        whole = (content.schema.metadata or {}).get(b"sha256") == _digest(content).encode()
    except (OSError, pa.ArrowException) as error:
        raise StorageError(f"{path} cannot be read ({error}); delete it and run again") from error
    if not content.schema.equals(SCHEMAS[table]):
        raise StorageError(f"{path}: columns\n{content.schema}\nare not\n{SCHEMAS[table]}")
    if not whole:
        raise StorageError(f"{path} is damaged (its checksum is another); delete it and run again")
    return content.to_pandas()


def _digest(content: pa.Table) -> str:
    """SHA-256 of a table's values; page checksums leave out the footer, with its number of rows."""
    rows = pd.util.hash_pandas_object(content.to_pandas(), index=False)
    return hashlib.sha256(rows.to_numpy().tobytes()).hexdigest()


def load_all(paths: list[Path], table: str) -> pd.DataFrame:
    """The rows of several files of one table, in the order of the files."""
    return pd.concat([load(path, table) for path in paths], ignore_index=True)
