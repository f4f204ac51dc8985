"""run.json: readable, the same bytes for the same content, and read by those who trust nothing."""

import hashlib
import json

import pytest
from agop_collapse.files.atomic import StorageError
from agop_collapse.files.run_record import load_run, save_run
from agop_collapse.files.stamp import read_identity
from processes import written_twice

A, B = "a1" * 32, "b2" * 32
RECORD = {
    "settings": {"width": 64, "ridge": 0.0, "kernel": "laplace", "block_rows": None},
    "seed": 1,
    "data": {"identity": B, "name": "Zürich"},
    "studies": ["demo", "other"],
}


def test_what_was_written_is_read(tmp_path):
    path = tmp_path / "seed1" / "run.json"
    save_run(path, A, RECORD)
    assert load_run(path) == {"identity": A} | RECORD
    assert read_identity(path) == A


def test_text_is_indented_the_identity_first_the_rest_sorted_and_their_checksum_last(tmp_path):
    save_run(tmp_path / "run.json", A, {"b": {"d": 1, "c": [0.5, None]}, "a": True})
    plain = f'{{"a": true, "b": {{"c": [0.5, null], "d": 1}}, "identity": "{A}"}}'
    expected = f"""{{
  "identity": "{A}",
  "a": true,
  "b": {{
    "c": [
      0.5,
      null
    ],
    "d": 1
  }},
  "sha256": "{hashlib.sha256(plain.encode()).hexdigest()}"
}}
"""
    assert (tmp_path / "run.json").read_text() == expected


def test_bytes_are_the_same_in_two_processes(tmp_path):
    first, second = written_twice(
        f"""
from agop_collapse.files.run_record import save_run
names = set("abcdefgh")
save_run(path, "{A}", {{name: {{inner: 1 for inner in names}} for name in names}})
""",
        tmp_path,
    )
    assert first == second


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        ({"identity": B}, "identity and no checksum of its own"),
        ({"sha256": B}, "identity and no checksum of its own"),
        ({"nc1": float("nan")}, "JSON"),
    ],
)
def test_record_that_cannot_be_said_leaves_the_old_file(tmp_path, record, reason):
    path = tmp_path / "run.json"
    save_run(path, A, RECORD)
    with pytest.raises(ValueError, match=reason):
        save_run(path, A, record)
    assert load_run(path) == {"identity": A} | RECORD
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    "content", [None, b"", b'{"identity": "a', b"\xff\xfe", b"[1]", b"{}", b"PAR1"]
)
def test_file_that_is_no_record_is_refused(tmp_path, content):
    path = tmp_path / "run.json"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(StorageError) as refusal:
        load_run(path)
    assert str(path) in str(refusal.value)
    assert f"delete {path} and run again" in str(refusal.value)


def test_file_cut_short_anywhere_is_refused(tmp_path):
    path = tmp_path / "run.json"
    save_run(path, A, RECORD)
    content = path.read_bytes()
    for length in range(len(content) - 1):  # without its last newline it is whole
        path.write_bytes(content[:length])
        with pytest.raises(StorageError):
            load_run(path)
    written = json.loads(content)
    assert written.keys() == {"identity", "sha256", *RECORD}
