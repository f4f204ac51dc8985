"""A manifest's facts and digests, of made-up results, and what it says of others in their place."""

import hashlib
import json
import os
import shutil
from pathlib import Path

import pytest
from agop_collapse.files.atomic import StorageError
from agop_collapse.files.run_record import save_run
from agop_collapse.sharing import manifest

RUN = "results/a/deep_rfm/d/r/seed0"
TABLE, LAYER, MARK = "results/a/tables/runs.parquet", f"{RUN}/layers/layer_01", f"{RUN}/layers/mark"
WRITTEN = Path("results/a/manifest.json")


@pytest.fixture
def given(tmp_path, monkeypatch) -> dict:
    """A study a of a table, and a run with a folder in which Snakemake left a file of its own."""
    monkeypatch.chdir(tmp_path)
    for path in (TABLE, LAYER, MARK, f"{RUN}/layers/.snakemake_timestamp"):
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        Path(path).write_bytes(path.encode())
    record = {"device": "cpu", "torch_threads": 2, "versions": {"torch": "2.6"}}
    save_run(Path(f"{RUN}/run.json"), "a1" * 32, record | {"settings": {"depth": 1}})
    return {
        "study": "a",
        "identity": "b2" * 32,
        "configuration": {"seeds": [0]},
        "code": "d4" * 32,
        "outputs": {TABLE: "e5" * 32, f"{RUN}/layers": "a1" * 32, f"{RUN}/run.json": "a1" * 32},
        "records": [f"{RUN}/run.json"],
        "commit": "c3" * 20,
        "changed": False,
    }


@pytest.fixture
def files(given) -> dict:
    manifest.write(WRITTEN, given)
    return manifest.read(WRITTEN)["files"]


def test_each_file_has_its_identity_digest_and_size(files):
    assert {*files} == {TABLE, LAYER, MARK, f"{RUN}/run.json"}
    assert files[LAYER] == {
        "identity": "a1" * 32,
        "sha256": hashlib.sha256(LAYER.encode()).hexdigest(),
        "bytes": len(LAYER),
    }
    assert files[TABLE]["identity"] == "e5" * 32


def test_what_made_it_is_said(given):
    manifest.write(WRITTEN, given)
    found = manifest.read(WRITTEN)
    assert found["made_on"] == {
        "devices": ["cpu"],
        "torch_threads": [2],
        "versions": {"torch": ["2.6"]},
    }
    assert found["runs"][RUN]["settings"] == {"depth": 1}
    assert found["configuration"] == {"seeds": [0]}
    assert (found["code"], found["commit"], found["changed"]) == ("d4" * 32, "c3" * 20, False)


def test_the_same_results_are_the_same_bytes(given):
    manifest.write(WRITTEN, given)
    manifest.write(Path("again.json"), given)
    assert WRITTEN.read_bytes() == Path("again.json").read_bytes()


def test_nothing_is_wrong_with_a_copy(files, tmp_path_factory):
    copy = tmp_path_factory.mktemp("copy")
    shutil.copytree("results", copy / "results")
    assert manifest.otherwise(files, copy) == {}


def test_each_kind_of_damage_is_named(files):
    Path(TABLE).write_bytes(TABLE.upper().encode())
    Path(MARK).write_bytes(b"longer" + MARK.encode())
    Path(LAYER).unlink()
    assert manifest.otherwise(files, Path()) == {
        TABLE: "other bytes",
        MARK: f"{len(MARK) + 6} bytes, {len(MARK)} in the manifest",
        LAYER: "not there",
    }


def test_a_folder_in_the_place_of_a_file_is_named(files):
    os.unlink(TABLE)
    os.mkdir(TABLE)
    assert manifest.otherwise(files, Path()) == {TABLE: "cannot be read (Is a directory)"}


def test_a_manifest_whose_run_has_a_damaged_record_is_not_written(given):
    Path(f"{RUN}/run.json").write_text("{")
    with pytest.raises(StorageError, match="run.json cannot be read"):
        manifest.write(WRITTEN, given)
    assert not WRITTEN.exists()


def test_other_facts_than_files_are_named(given):
    manifest.write(WRITTEN, given)
    manifest.write(Path("other.json"), given | {"commit": "f6" * 20, "outputs": {}})
    one, other = manifest.read(WRITTEN), manifest.read(Path("other.json"))
    assert manifest.differing(one, one) == []
    assert manifest.differing(one, other) == ["commit"]


def test_none_is_told_with_what_makes_one(tmp_path):
    with pytest.raises(StorageError, match="is not there; `snakemake manifest` makes it"):
        manifest.read(tmp_path / "manifest.json")


@pytest.mark.parametrize(
    "text",
    [
        *("", "[]", "{}", "null", '{"files": [], "made_on": {"versions": {}}}'),
        '{"files": {"a": {"sha256": 1, "bytes": 2}}, "made_on": {"versions": {}}}',
        '{"files": {"a": {"bytes": 2}}, "made_on": {"versions": {}}}',
        '{"files": {}, "made_on": {"versions": "2.6"}}',
    ],
)
def test_what_is_no_manifest_is_refused(tmp_path, text):
    path = tmp_path / "manifest.json"
    path.write_text(text)
    with pytest.raises(StorageError, match=r"manifest.json .*delete .*manifest.json and run again"):
        manifest.read(path)


def test_a_cut_manifest_is_refused(given, tmp_path):
    manifest.write(WRITTEN, given)
    whole, cut = WRITTEN.read_bytes(), tmp_path / "manifest.json"
    assert json.loads(whole)
    for length in range(0, len(whole) - 1, 23):  # the last byte is the end of the line
        cut.write_bytes(whole[:length])
        with pytest.raises(StorageError):
            manifest.read(cut)
