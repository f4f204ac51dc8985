"""References: what they keep, on what they were made, and what is no reference."""

import json

import numpy as np
import pandas as pd
import pytest
from agop_collapse.files import tables
from agop_collapse.files.atomic import StorageError
from agop_collapse.files.run_record import save_run
from agop_collapse.sharing import reference
from sharing_tables import deep_rfm, network

ONE, OTHER = "a1" * 32, "b2" * 32


def spectrum(count: int) -> pd.DataFrame:
    run = {"study": "a", "dataset": "d", "run": "r", "seed": 0, "kernel": "laplace"}
    run |= {"feature_map": "relu", "projection": "agop", "layer": 1}
    return tables.frame(
        "agop_spectrum", [run | {"index": n, "eigenvalue": 1 / n} for n in range(1, count + 1)]
    )


@pytest.fixture
def given(tmp_path) -> dict:
    """A study of two tables, one run and its time."""
    frames = {"deep_rfm": deep_rfm([2.0, 1.0]), "agop_spectrum": spectrum(100)}
    for name, frame in frames.items():
        tables.save(tmp_path / f"{name}.parquet", name, frame, ONE)
    versions = {"numpy": "2.0", "torch": "2.6"}
    record = {"device": "cpu", "torch_threads": 1, "versions": versions}
    save_run(tmp_path / "run.json", ONE, record)
    (tmp_path / "build_deep_rfm.tsv").write_text("s\th:m:s\n12.34\t0:00:12\n")
    return {
        "tables": {name: (str(tmp_path / f"{name}.parquet"), ONE) for name in frames},
        "records": [str(tmp_path / "run.json"), str(tmp_path / "not_there.json")],
        "benchmarks": [str(tmp_path / "build_deep_rfm.tsv"), str(tmp_path / "not_there.tsv")],
        "facts": {"study": "a", "commit": None},
        "ledger": (str(tmp_path / "not_there.parquet"), ONE),
    }


def test_what_is_written_is_read(given, tmp_path):
    folder = tmp_path / "reference" / "a"
    size = reference.write(folder, **given)
    found, facts = reference.read(folder)
    pd.testing.assert_frame_equal(found["deep_rfm"], deep_rfm([2.0, 1.0]), check_exact=True)
    assert found["agop_spectrum"]["index"].tolist() == [1, 2, 4, 8, 16, 32, 64]
    assert facts["made_on"]["versions"] == {"numpy": ["2.0"], "torch": ["2.6"]}
    assert facts["made_on"] == reference.made_on(given["records"])
    assert facts["seconds"] == {"build_deep_rfm": 12.3}
    assert size == sum(file.stat().st_size for file in folder.iterdir()) / 1e6


def test_again_it_is_the_same_bytes_and_nothing_else(given, tmp_path):
    folder = tmp_path / "reference" / "a"
    reference.write(folder, **given)
    before = {file.name: file.read_bytes() for file in folder.iterdir()}
    (folder / "of_before.parquet").write_bytes(b"")
    reference.write(folder, **given)
    assert {file.name: file.read_bytes() for file in folder.iterdir()} == before


def test_results_of_other_settings_are_no_reference(given, tmp_path):
    path, _ = given["tables"]["deep_rfm"]
    given["tables"]["deep_rfm"] = (path, OTHER)
    folder = tmp_path / "reference" / "a"
    folder.mkdir(parents=True)
    (folder / "of_before.parquet").write_bytes(b"")
    with pytest.raises(StorageError, match="other settings, data or code"):
        reference.write(folder, **given)
    assert [file.name for file in folder.iterdir()] == ["of_before.parquet"]
    given["tables"] = {"deep_rfm": (str(tmp_path / "not_there.parquet"), ONE)}
    with pytest.raises(StorageError, match="`snakemake tables` makes it"):
        reference.write(folder, **given)


def test_a_large_one_is_refused(given, tmp_path):
    frame = deep_rfm([2.0, 1.0], seeds=range(600))
    numbers = frame.columns[frame.dtypes == "float64"]
    frame[numbers] = np.random.default_rng(0).random((len(frame), len(numbers)))
    path, _ = given["tables"]["deep_rfm"]
    tables.save(path, "deep_rfm", frame, ONE)
    with pytest.raises(StorageError, match="more than the 1 MB that it may"):
        reference.write(tmp_path / "reference" / "a", **given)


def test_of_a_large_study_the_ends_of_training_are_kept(given, tmp_path, monkeypatch):
    """Of each run's own: their epochs need not be the same."""
    frame = network({epoch: [1.0, 2.0, 3.0] for epoch in range(2000)})
    numbers = frame.columns[frame.dtypes == "float64"]
    frame[numbers] = np.random.default_rng(0).random((len(frame), len(numbers)))
    frame = frame[(frame["seed"] == 0) | (frame["epoch"] < 1000)]
    path = tmp_path / "network_nfa.parquet"
    tables.save(path, "network_nfa", frame, ONE)
    given["tables"]["network_nfa"] = (str(path), ONE)
    monkeypatch.setattr(reference, "LARGEST_MB", 0.1)
    reference.write(tmp_path / "reference" / "a", **given)
    found, _ = reference.read(tmp_path / "reference" / "a")
    kept = found["network_nfa"].groupby("seed")["epoch"].apply(list).to_dict()
    assert kept == {0: [0, 1999], 1: [0, 999], 2: [0, 999]}
    pd.testing.assert_frame_equal(found["deep_rfm"], deep_rfm([2.0, 1.0]), check_exact=True)


def test_of_spectra_powers_of_two_are_kept_and_of_searches_their_start():
    kept = reference.thinned(pd.DataFrame({"number": range(10), "objective": 1.0}))
    assert kept["number"].tolist() == [0, 1, 2, 4, 8]
    whole = pd.DataFrame({"layer": range(10)})
    assert len(reference.thinned(whole)) == 10


def test_the_ledger_is_kept_as_text_if_it_is_there(given, tmp_path):
    path = tmp_path / "claims.parquet"
    row = {"study": "a", "id": "C1", "claim": "It collapses.", "verdict": "reproduced"}
    tables.save(path, "claims", tables.frame("claims", [row]), ONE)
    given["ledger"] = (str(path), ONE)
    reference.write(tmp_path / "a", **given)
    (found,) = reference.read_ledger(tmp_path / "a").to_dict("records")
    assert (found["id"], found["claim"], found["verdict"]) == ("C1", "It collapses.", "reproduced")
    assert "claims" not in reference.read(tmp_path / "a")[0]
    given["ledger"] = (str(path), OTHER)
    with pytest.raises(StorageError, match="other settings, data or code"):
        reference.write(tmp_path / "a", **given)


def test_where_there_is_none_those_that_there_are_are_named(given, tmp_path):
    reference.write(tmp_path / "reference" / "a", **given)
    with pytest.raises(StorageError, match="there is one: a"):
        reference.read(tmp_path / "reference" / "b")


def test_it_says_what_it_was_made_on(given, tmp_path):
    reference.write(tmp_path / "a", **given)
    _, facts = reference.read(tmp_path / "a")
    said = "\n".join(reference.described(facts, same_machine=True))
    assert "device cpu, torch threads 1, by numpy 2.0, torch 2.6" in said
    assert "the same bits are expected" in said
    json.dumps(facts)
