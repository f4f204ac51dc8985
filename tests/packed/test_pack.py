"""A packed study's file."""

import json
import tarfile

import pytest
from agop_collapse.packed import pack
from packed_study import files


@pytest.fixture
def given(tmp_path, monkeypatch) -> dict:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "code.py").write_text("ONE = 1\n")
    (tmp_path / "points").write_bytes(bytes(1000))
    named = {"workflow/code.py": "code.py", "results/points": "points"}
    return {"study": "mine", "jobs": [{"rule": "build", "settings": {"a": 0.1}}], "files": named}


def test_it_unpacks_into_a_folder_of_the_studys_name(given, tmp_path):
    pack.write(tmp_path / "packed.tar.gz", given)
    with tarfile.open(tmp_path / "packed.tar.gz") as tar:
        tar.extractall(tmp_path / "there", filter="data")
    assert files(tmp_path / "there") == {
        *("mine/jobs.json", "mine/workflow/code.py", "mine/results/points")
    }
    there = tmp_path / "there" / "mine"
    assert json.loads((there / "jobs.json").read_text()) == given["jobs"]
    assert (there / "results" / "points").read_bytes() == bytes(1000)
    assert (there / "workflow" / "code.py").read_text() == "ONE = 1\n"


def test_it_has_the_same_bytes_again_and_for_other_times_of_files(given, tmp_path):
    pack.write(tmp_path / "first", given)
    (tmp_path / "code.py").touch()
    pack.write(tmp_path / "second", given | {"files": dict(reversed(given["files"].items()))})
    assert (tmp_path / "first").read_bytes() == (tmp_path / "second").read_bytes()
