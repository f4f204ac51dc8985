"""An archive's files, manifest and metadata, of made-up results."""

import hashlib
import json
from pathlib import Path

import pytest
from agop_collapse.data import sources
from agop_collapse.files.run_record import save_run
from agop_collapse.sharing import archive, crate

RESULTS = ["figures/a/fig03.png", "results/a/tables/runs.parquet", "results/a/r/seed0/run.json"]


@pytest.fixture
def given(tmp_path, monkeypatch) -> dict:
    """A study a of a figure, a table and a run; a commit that is known."""
    monkeypatch.chdir(tmp_path)
    for path in RESULTS[:2]:
        Path(path).parent.mkdir(parents=True)
        Path(path).write_bytes(path.encode())
    record = {"device": "cpu", "torch_threads": 2, "versions": {"torch": "2.6"}}
    save_run(Path(RESULTS[2]), "a1" * 32, record)
    (tmp_path / "front").write_text("rule all:\n")
    return {
        "study": "a",
        "identity": "b2" * 32,
        "description": "Two figures",
        "configuration": "study: a\n",
        "results": {path: path for path in RESULTS},
        "code": {"Snakefile": str(tmp_path / "front")},
        "sources": {"digits": sources.of("digits"), "npz": sources.of("npz")},
        "needed": ["mine.npz"],
        "commit": "c3" * 20,
        "changed": False,
    }


@pytest.fixture
def written(given, tmp_path) -> Path:
    folder = tmp_path / "archive"
    archive.write(folder, given, "2027-01-31")
    return folder


def test_results_lie_where_they_lay_with_the_configuration_and_the_code(written):
    for path in RESULTS:
        assert (written / path).read_bytes() == Path(path).read_bytes()
    assert (written / "config.yaml").read_text() == "study: a\n"
    assert (written / "Snakefile").read_text() == "rule all:\n"


def test_the_manifest_has_a_checksum_of_each_file_and_what_runs_were_made_on(written):
    manifest = json.loads((written / "manifest.json").read_text())
    assert manifest["commit"] == "c3" * 20
    assert manifest["made_on"] == {
        "devices": ["cpu"],
        "torch_threads": [2],
        "versions": {"torch": ["2.6"]},
    }
    files = {str(file.relative_to(written)) for file in written.rglob("*") if file.is_file()}
    assert {*manifest["sha256"]} == files - {"manifest.json", crate.METADATA}
    for name, digest in manifest["sha256"].items():
        assert hashlib.sha256((written / name).read_bytes()).hexdigest() == digest


def test_the_readme_says_what_is_needed_and_whose_the_data_are(written):
    said = (written / "README.md").read_text()
    assert "snakemake --cores 1 figures/" in said
    assert "`mine.npz`" in said
    assert "licence: CC BY 4.0" in said
    assert "- `npz`: the author's own" in said


def test_again_it_is_the_same_bytes(given, written, tmp_path):
    again = tmp_path / "again"
    archive.write(again, given, "2027-01-31")
    before = {file.relative_to(written): file for file in written.rglob("*") if file.is_file()}
    assert len(before) == 8
    for name, file in before.items():
        assert (again / name).read_bytes() == file.read_bytes()


def test_the_metadata_are_a_research_object_crate(written):
    """What version 1.1 of the specification requires ("MUST") of the file and of its entities."""
    metadata = json.loads((written / crate.METADATA).read_text())
    assert metadata["@context"] == "https://w3id.org/ro/crate/1.1/context"
    graph = metadata["@graph"]
    entities = {entity["@id"]: entity for entity in graph}
    assert len(entities) == len(graph)
    assert all("@type" in entity for entity in graph)
    descriptor, root = entities["ro-crate-metadata.json"], entities["./"]
    assert descriptor["@type"] == "CreativeWork"
    assert descriptor["about"] == {"@id": "./"}
    assert descriptor["conformsTo"] == {"@id": "https://w3id.org/ro/crate/1.1"}
    assert root["@type"] == "Dataset"
    assert root["datePublished"] == "2027-01-31"
    assert root["name"]
    assert root["description"].startswith("Two figures.")
    assert "name" in entities[root["license"]["@id"]]
    # Each part is described, and is a file that is there, by a relative path in the folder.
    parts = {part["@id"] for part in root["hasPart"]}
    files = {str(file.relative_to(written)) for file in written.rglob("*") if file.is_file()}
    assert parts == files - {crate.METADATA}
    for part in parts:
        assert "File" in entities[part]["@type"]
        assert entities[part]["contentSize"] == str((written / part).stat().st_size)
    # No reference leads to an entity that is not described.
    for entity in graph:
        for key, value in entity.items():
            for each in value if isinstance(value, list) else [value]:
                if isinstance(each, dict) and key != "conformsTo":
                    assert each["@id"] in entities, each


def test_a_commit_that_is_not_known_is_no_commit(given, tmp_path):
    folder = tmp_path / "archive"
    archive.write(folder, given | {"commit": None, "changed": None, "needed": []}, "2027-01-31")
    assert "of no commit that is known" in (folder / "README.md").read_text()
    entities = json.loads((folder / crate.METADATA).read_text())["@graph"]
    (front,) = (entity for entity in entities if entity["@id"] == "Snakefile")
    assert "version" not in front
