"""The identity in the header of every kind of file, found without the libraries that wrote it."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import safetensors.torch
import torch
from agop_collapse.files import tables
from agop_collapse.files.atomic import StorageError
from agop_collapse.files.resumable import resumable
from agop_collapse.files.run_record import save_run
from agop_collapse.files.stamp import derive_again, expect_identity, read_identity
from agop_collapse.files.tensors import save_tensors
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.figure import Figure
from processes import LIBRARY_PARENT

DIGITS = st.text("0123456789abcdef", min_size=64, max_size=64)
A, B = "a1" * 32, "b2" * 32
KEYWORDS = f"identity {A}"


def small_table(path: Path) -> None:
    rows = [{"layer": layer, "index": 1, "eigenvalue": 0.5} for layer in range(3)]
    tables.save(path, "agop_spectrum", tables.frame("agop_spectrum", rows), A)


def big_table(path: Path) -> None:
    values = np.random.default_rng(0).random(100_000)
    spectrum = pd.DataFrame({"layer": range(100_000), "index": 1, "eigenvalue": values})
    tables.save(path, "agop_spectrum", spectrum, A)


def study_table(path: Path) -> None:
    """Columns that hold the word, and texts of as many digits."""
    row = {"study": B, "dataset": "digits", "run": "identity", "seed": 0, "kernel": "laplace"}
    row |= {"feature_map": "relu", "projection": "identity", "layer": 1, "index": 1}
    tables.save(path, "agop_spectrum", tables.frame("agop_spectrum", [row]), A)


def table_of_runs(path: Path) -> None:
    types = {"study": "string", "projection": "string"}
    tables.save_runs(path, [{"study": B, "projection": "identity"}], types, A)


def many_tensors(path: Path) -> None:
    """Whose header alone is longer than what is read."""
    save_tensors(path, {f"tensor {index}": torch.ones(1) for index in range(2000)}, A, {"seed": 1})


def big_tensor(path: Path) -> None:
    save_tensors(path, {"x": torch.zeros(100_000)}, A, {"versions": {"torch": "2.6"}})


def run_record(path: Path) -> None:
    save_run(path, A, {"data": {"identity": B}, "a": {"data_identity": B}, "list": [0] * 40_000})


def work_folder(path: Path) -> None:
    with resumable(path, A, versions={"torch": "2.6.0"}) as work:
        (work / "layer_01.safetensors").write_text("one")


def picture(path: Path, **metadata) -> None:
    figure = Figure()
    figure.subplots().imshow(np.random.default_rng(0).random((500, 500)), interpolation="none")
    figure.savefig(path, **metadata)
    assert path.stat().st_size > 2 * 65536


WRITERS = {
    "small.parquet": small_table,
    "big.parquet": big_table,
    "study.parquet": study_table,
    "runs.parquet": table_of_runs,
    "many.safetensors": many_tensors,
    "big.safetensors": big_tensor,
    "run.json": run_record,
    "layers": work_folder,
    "figure.png": lambda path: picture(path, metadata={"identity": A}, dpi=300),
    "figure.pdf": lambda path: picture(path, metadata={"Keywords": KEYWORDS}),
    "figure.svg": lambda path: picture(path, metadata={"Keywords": [KEYWORDS]}),
}


@pytest.mark.parametrize("name", WRITERS)
def test_identity_is_found_in_every_kind_of_file(tmp_path, name):
    path = tmp_path / name
    WRITERS[name](path)
    assert read_identity(path) == A
    assert read_identity(str(path)) == A


@given(identity=DIGITS)
def test_any_identity_is_found(tmp_path_factory, identity):
    folder = tmp_path_factory.mktemp("files")
    save_tensors(folder / "tensors", {"x": torch.ones(1)}, identity, {})
    tables.save(folder / "table", "gram", tables.frame("gram", []), identity)
    save_run(folder / "run.json", identity, {"data": {"identity": B}})
    with resumable(folder / "layers", identity):
        pass
    assert {read_identity(path) for path in folder.iterdir()} == {identity}


def of_another_program(path: Path) -> None:
    safetensors.torch.save_file({"identity": torch.ones(3)}, path, metadata={"format": "pt"})


FOREIGN = {
    "missing": lambda path: None,
    "empty": lambda path: path.write_bytes(b""),
    "folder": lambda path: path.mkdir(),
    "data.safetensors": of_another_program,
    "table.parquet": lambda path: pd.DataFrame(
        {"projection": ["identity", "agop"], "digest": [A, B]}
    ).to_parquet(path),
    "figure.png": picture,
    "figure.pdf": picture,
    "digits alone": lambda path: path.write_text(A),
    "too few digits": lambda path: path.write_text(f"identity {A[1:]}"),
    "capitals": lambda path: path.write_text(f"identity {A.upper()}"),
    "middle": lambda path: path.write_text(" " * 70_000 + KEYWORDS + " " * 70_000),
}


@pytest.mark.parametrize("name", FOREIGN)
def test_there_is_none_in_files_of_others(tmp_path, name):
    FOREIGN[name](tmp_path / name)
    assert read_identity(tmp_path / name) is None
    assert read_identity(tmp_path / name / "below") is None


def test_nothing_but_the_standard_library_is_needed():
    code = "import sys; from agop_collapse.files import stamp; print(*sys.modules)"
    run = subprocess.run(
        [sys.executable, "-c", code],
        env={"PYTHONPATH": str(LIBRARY_PARENT)},
        capture_output=True,
        text=True,
        check=True,
    )
    loaded = {name.partition(".")[0] for name in run.stdout.split()}
    assert "agop_collapse" in loaded
    assert loaded.isdisjoint({"numpy", "pandas", "pyarrow", "torch", "safetensors"})


@pytest.mark.parametrize(
    ("name", "deleted"),
    [
        ("run/gram.parquet", "run/gram.parquet"),
        ("run/layers/layer_01.safetensors", "run/layers"),
        ("run/layers.partial/layer_01.safetensors", "run/layers.partial"),
        ("run/checkpoints/epoch_00000.safetensors", "run/checkpoints"),
        ("run/checkpoints.partial/optimizer.safetensors", "run/checkpoints.partial"),
        ("my_layers/layer_01.safetensors", "my_layers/layer_01.safetensors"),
    ],
)
def test_advice_is_to_delete_what_is_derived_together(name, deleted):
    assert derive_again(Path(name)) == f"delete {deleted} and run again"
    expect_identity(Path(name), A, A)
    with pytest.raises(StorageError) as refusal:
        expect_identity(Path(name), A, B)
    assert str(refusal.value) == (
        f"{name} holds results of other settings, data or code; delete {deleted} and run again"
    )
