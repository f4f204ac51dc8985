"""The tables: their contract with users, their bytes, and readers that trust nothing."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from agop_collapse.files import tables
from agop_collapse.files.atomic import StorageError

LIBRARY_PARENT = Path(__file__).parents[2] / "workflow"

DEEP_RFM = "dataset kernel feature_map projection seed"
NETWORK = "dataset model seed"
CONTRACT = {
    "deep_rfm": f"{DEEP_RFM} layer stage nc1 nc1_code nc2 nc2_mse trace_within trace_between "
    "train_mse solve_residual valid",
    "gram": f"{DEEP_RFM} layer within_mean within_sd between_mean between_sd",
    "agop_spectrum": f"{DEEP_RFM} layer index eigenvalue",
    "network_nc": f"{NETWORK} epoch layer stage nc1 nc1_code nc2 nc2_mse trace_within "
    "trace_between trace_total",
    "network_nfa": f"{NETWORK} epoch layer nfa nfa_agop nfa_offdiagonal nfa_init nfa_independent",
    "network_training": f"{NETWORK} epoch train_loss test_loss train_accuracy test_accuracy",
}
DTYPES = {"seed": "int64", "layer": "int64", "epoch": "int64", "index": "int64", "valid": "bool"}
TEXTS = {"dataset", "kernel", "feature_map", "projection", "model", "stage"}


@pytest.mark.parametrize("table", CONTRACT)
def test_table_has_the_columns_that_users_rely_on(table):
    columns = CONTRACT[table].split()
    schema = tables.SCHEMAS[table]
    assert set(columns) <= set(schema.names)
    for column in columns:
        expected = "string" if column in TEXTS else DTYPES.get(column, "double")
        assert str(schema.field(column).type) == expected, column


def example(table: str, rows: int = 12) -> pd.DataFrame:
    """Rows of a table, every column filled, no two values of a column of numbers the same."""
    content = {}
    for number, field in enumerate(tables.SCHEMAS[table], start=1):
        if field.type == pa.string():
            content[field.name] = [f"{field.name} {row % 3}" for row in range(rows)]
        elif field.type == pa.bool_():
            content[field.name] = [row % 2 == 0 for row in range(rows)]
        elif field.type == pa.int64():
            content[field.name] = [number * row for row in range(rows)]
        else:
            values = np.sqrt(np.arange(rows) + number)
            content[field.name] = values.astype(field.type.to_pandas_dtype())
    return pd.DataFrame(content)


@pytest.fixture
def written(tmp_path) -> tuple[Path, pd.DataFrame]:
    path = tmp_path / "network_training.parquet"
    content = example("network_training")
    tables.save(path, "network_training", content)
    return path, content


@pytest.mark.parametrize("table", tables.SCHEMAS)
def test_what_was_written_is_read(tmp_path, table):
    path = tmp_path / "table.parquet"
    tables.save(path, table, example(table))
    pd.testing.assert_frame_equal(tables.load(path, table), example(table), check_exact=True)


@pytest.mark.parametrize("table", tables.SCHEMAS)
def test_absent_numbers_are_null_and_nothing_else_is(tmp_path, table):
    content = example(table)
    floats = [field.name for field in tables.SCHEMAS[table] if pa.types.is_floating(field.type)]
    for row, column in enumerate(floats):
        content.loc[row % len(content), column] = np.nan
    path = tmp_path / "table.parquet"
    tables.save(path, table, content)
    pd.testing.assert_frame_equal(tables.load(path, table), content, check_exact=True)
    stored = pq.read_table(path)
    assert {name: stored[name].null_count for name in stored.column_names} == {
        name: int(name in floats) for name in content.columns
    }


def test_any_parquet_reader_sees_numbers_and_no_index(written):
    path, content = written
    assert list(pq.read_schema(path).metadata) == [b"sha256"]
    assert pq.read_schema(path).names == list(content.columns)
    pd.testing.assert_frame_equal(pd.read_parquet(path), content, check_exact=True)


def test_rows_without_a_value_are_null_and_unknown_columns_are_refused():
    rows = [{"dataset": "digits", "epoch": 0, "train_loss": 0.5}, {"dataset": "two", "seed": 1}]
    found = tables.frame("network_training", rows)
    assert list(found.columns) == tables.SCHEMAS["network_training"].names
    assert list(found["dataset"]) == ["digits", "two"]
    assert found.loc[0, "train_loss"] == 0.5
    assert found.loc[1, ["epoch", "train_loss", "test_loss"]].isna().all()
    with pytest.raises(ValueError, match="network_training has no column nc1, trian_loss"):
        tables.frame("network_training", [*rows, {"trian_loss": 1.0, "nc1": 1.0}])


def test_table_without_rows_is_a_table(tmp_path):
    path = tmp_path / "gram.parquet"
    tables.save(path, "gram", tables.frame("gram", []))
    assert list(tables.load(path, "gram").columns) == tables.SCHEMAS["gram"].names
    assert len(tables.load(path, "gram")) == 0


def test_bytes_are_the_same_in_two_processes(tmp_path):
    code = """
import sys
from agop_collapse.files import tables
rows = [{name: row for name in {"seed", "layer", "index", "eigenvalue"}} for row in range(9)]
tables.save(sys.argv[1], "agop_spectrum", tables.frame("agop_spectrum", rows))
"""
    paths = [tmp_path / "first", tmp_path / "second"]
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", code, path],
            env=os.environ | {"PYTHONPATH": str(LIBRARY_PARENT), "PYTHONHASHSEED": str(seed)},
        )
        for seed, path in enumerate(paths)
    ]
    assert [writer.wait() for writer in writers] == [0, 0]
    assert paths[0].read_bytes() == paths[1].read_bytes()


def test_tables_are_joined_in_the_order_of_their_files(tmp_path):
    parts = {name: example("gram", rows) for name, rows in (("b", 3), ("a", 1), ("c", 2))}
    for name, part in parts.items():
        part["dataset"] = name
        tables.save(tmp_path / name, "gram", part)
    joined = tables.load_all([tmp_path / name for name in parts], "gram")
    assert list(joined["dataset"]) == ["b"] * 3 + ["a"] + ["c"] * 2
    assert list(joined.index) == list(range(6))


def assert_refused(path: Path, table: str, reason: str) -> None:
    with pytest.raises(StorageError) as refusal:
        tables.load(path, table)
    assert str(path) in str(refusal.value)
    assert reason in str(refusal.value)


def test_missing_file_is_refused(tmp_path):
    assert_refused(tmp_path / "gram.parquet", "gram", "delete it and run again")


@pytest.mark.parametrize("content", [b"", b"PAR1", b"some text\n" * 20])
def test_file_of_another_format_is_refused(tmp_path, content):
    path = tmp_path / "gram.parquet"
    path.write_bytes(content)
    assert_refused(path, "gram", "delete it and run again")


def test_file_cut_short_anywhere_is_refused(written):
    path, _ = written
    content = path.read_bytes()
    for length in range(len(content)):
        path.write_bytes(content[:length])
        assert_refused(path, "network_training", "delete it and run again")


def test_no_flipped_bit_changes_what_is_read(written):
    """Every byte in turn: either the file is refused, or the byte carries nothing that is read."""
    path, expected = written
    content = path.read_bytes()
    refused = unnoticed_without_checksums = 0
    for position in range(len(content)):
        damaged = bytearray(content)
        damaged[position] ^= 0x10
        path.write_bytes(damaged)
        try:
            found = tables.load(path, "network_training")
        except StorageError:
            refused += 1
            if unnoticed_without_checksums <= 100:
                unnoticed_without_checksums += can_be_read_without_checksums(path)
        else:
            pd.testing.assert_frame_equal(found, expected, check_exact=True)
    assert refused > 0.4 * len(content)
    assert unnoticed_without_checksums > 100


def can_be_read_without_checksums(path: Path) -> bool:
    try:
        pq.read_table(path).to_pandas()
    except (OSError, pa.ArrowException, UnicodeDecodeError):
        return False
    return True


def test_table_with_other_columns_is_refused_by_readers(written, tmp_path):
    path, content = written
    assert_refused(path, "network_nfa", "are not")
    pq.write_table(pa.Table.from_pandas(content[content.columns[::-1]]), path)
    assert_refused(path, "network_training", "are not")
    content["train_loss"] = content["train_loss"].astype("float32")
    pq.write_table(pa.Table.from_pandas(content), path)
    assert_refused(path, "network_training", "are not")


@pytest.mark.parametrize(
    "change",
    [
        lambda frame: frame.drop(columns="test_loss"),
        lambda frame: frame.assign(more=1.0),
        lambda frame: frame[frame.columns[::-1]],
        lambda frame: frame.assign(train_loss="much"),
        lambda frame: frame.assign(epoch=0.5),
        lambda frame: frame.assign(dataset=7),
    ],
    ids=["column missing", "column too many", "order", "text", "fraction", "number"],
)
def test_table_with_other_columns_is_refused_by_writers(written, change):
    path, content = written
    before = path.read_bytes()
    with pytest.raises(StorageError, match=f"{path}: "):
        tables.save(path, "network_training", change(content))
    assert path.read_bytes() == before
    assert list(path.parent.iterdir()) == [path]
