"""safetensors files: the same bytes for the same content, and readers that trust nothing."""

import json
from pathlib import Path

import pytest
import safetensors.torch
import torch
from agop_collapse.files.atomic import StorageError
from agop_collapse.files.stamp import read_identity
from agop_collapse.files.tensors import (
    METADATA_KEY,
    expect_number,
    expect_shape,
    load_tensors,
    save_tensors,
)
from hypothesis import given
from hypothesis import strategies as st
from processes import start, written_twice

A, B = "a1" * 32, "b2" * 32
METADATA = {"layer": 1, "fit": {"mse": 1e-3, "layers": [1, 2]}, "why": None, "valid": True}


@pytest.fixture
def tensors() -> dict[str, torch.Tensor]:
    return {
        "x": torch.linspace(-1, 1, 12, dtype=torch.float64).reshape(3, 4),
        "weight": torch.linspace(0, 3, 8).reshape(4, 2),
        "labels": torch.arange(3),
        "none": torch.zeros(0, 4),
    }


@pytest.fixture
def written(tmp_path, tensors) -> Path:
    path = tmp_path / "layer_01.safetensors"
    save_tensors(path, tensors, A, METADATA)
    return path


def assert_same(found: dict[str, torch.Tensor], expected: dict[str, torch.Tensor]) -> None:
    assert set(found) == set(expected)
    for name, tensor in expected.items():
        assert found[name].dtype == tensor.dtype
        assert torch.equal(found[name], tensor)


def test_what_was_written_is_read(written, tensors):
    found, metadata = load_tensors(written, A)
    assert_same(found, tensors)
    assert metadata == METADATA


def test_views_and_tensors_with_gradients_are_written_as_their_values(tmp_path, tensors):
    views = {
        "t": tensors["x"].T,
        "row": tensors["weight"][1],
        "gradient": torch.ones(3, requires_grad=True),
    }
    save_tensors(tmp_path / "file", views, A, {})
    found, _ = load_tensors(tmp_path / "file", A)
    assert_same(found, {name: tensor.detach() for name, tensor in views.items()})


def test_tensors_that_share_memory_are_written_each(tmp_path):
    shared = torch.arange(6.0).reshape(2, 3)
    together = {"one": shared, "same": shared, "part": shared[1], "flat": shared.view(-1)}
    save_tensors(tmp_path / "file", together, A, {})
    found, _ = load_tensors(tmp_path / "file", A)
    assert_same(found, together)


def test_header_is_one_sorted_json_object(written):
    with safetensors.safe_open(written, framework="pt") as file:
        assert list(file.metadata()) == [METADATA_KEY]
        text = file.metadata()[METADATA_KEY]
    header = json.loads(text)
    assert text == json.dumps(header, sort_keys=True)
    assert set(header) == {"identity", "metadata", "sha256"}
    assert (header["identity"], header["metadata"]) == (A, METADATA)
    assert read_identity(written) == A


def test_bytes_are_the_same_in_two_processes(tmp_path):
    """safetensors by itself writes several metadata keys in random order."""
    first, second = written_twice(
        f"""
import torch
from agop_collapse.files.tensors import save_tensors
names = [f"tensor {{index}}" for index in range(8)]
metadata = {{name: {{name: 1, "seed": 2}} for name in set(names)}}
save_tensors(path, {{name: torch.ones(2) for name in set(names)}}, "{A}", metadata)
""",
        tmp_path,
    )
    assert first == second


def assert_refused(path: Path, reason: str, advice: str = "run again", identity: str = A) -> None:
    with pytest.raises(StorageError) as refusal:
        load_tensors(path, identity)
    assert str(path) in str(refusal.value)
    assert reason in str(refusal.value)
    assert advice in str(refusal.value)


def test_file_of_another_identity_is_refused(written):
    other = "holds results of other settings, data or code"
    assert_refused(written, other, f"delete {written} and run again", identity=B)


def test_identity_in_a_header_cannot_be_exchanged(written):
    """The checksum is over the identity too: a file cannot be passed off as another."""
    written.write_bytes(written.read_bytes().replace(A.encode(), B.encode()))
    assert read_identity(written) == B
    for identity in (A, B):
        assert_refused(written, "is damaged (its checksum is another)", identity=identity)


def test_missing_file_is_refused(tmp_path):
    assert_refused(tmp_path / "no.safetensors", "is missing", f"delete {tmp_path}/no.safetensors")


def test_file_cut_short_anywhere_is_refused(written):
    content = written.read_bytes()
    for length in range(len(content)):
        written.write_bytes(content[:length])
        assert_refused(written, "is damaged")


def test_file_that_goes_on_is_refused(written):
    written.write_bytes(written.read_bytes() + b"\0")
    assert_refused(written, "is damaged")


@pytest.mark.parametrize("folder", ["layers", "checkpoints", "layers.partial"])
def test_advice_is_to_derive_the_files_of_a_run_together(tmp_path, folder):
    path = tmp_path / folder / "layer_01.safetensors"
    path.parent.mkdir()
    path.write_bytes(b"\0")
    assert_refused(path, "is damaged", f"delete {path.parent} and run again")
    save_tensors(path, {}, A, {})
    assert_refused(path, "of other settings", f"delete {path.parent} and run again", identity=B)


@pytest.mark.parametrize("flip", [0x01, 0x20, 0x80, 0xFF])
def test_no_flipped_bit_changes_what_is_read(written, tensors, flip):
    """A wrong digit is worse than none: it would be drawn."""
    content = written.read_bytes()
    refused = 0
    for position in range(len(content)):
        damaged = bytearray(content)
        damaged[position] ^= flip
        written.write_bytes(damaged)
        try:
            found, metadata = load_tensors(written, A)
        except StorageError:
            refused += 1
        else:
            assert_same(found, tensors)
            assert metadata == METADATA
    assert refused > 0.9 * len(content)


@pytest.mark.parametrize("content", [b"", b"some text\n" * 9, b"PAR1" + bytes(100)])
def test_file_of_another_format_is_refused(tmp_path, content):
    path = tmp_path / "file.safetensors"
    path.write_bytes(content)
    assert_refused(path, "is damaged")


def test_folder_in_place_of_the_file_is_refused(tmp_path):
    assert_refused(tmp_path, "is missing")


@pytest.mark.parametrize("header", [None, {"format": "pt"}])
def test_safetensors_file_of_another_program_is_refused(tmp_path, tensors, header):
    path = tmp_path / "file.safetensors"
    safetensors.torch.save_file(tensors, path, metadata=header)
    assert_refused(path, "was not written by this workflow", "")


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_values_that_are_not_finite_are_refused(tmp_path, value, dtype):
    path = tmp_path / "file.safetensors"
    tensor = torch.zeros(3, 4, dtype=dtype)
    tensor[2, 1] = value
    save_tensors(path, {"fine": torch.ones(2), "root": tensor}, A, {})
    assert_refused(path, "tensor 'root' holds values that are not finite", "")


def test_metadata_that_json_cannot_say_leave_the_old_file(written, tensors):
    before = written.read_bytes()
    with pytest.raises(ValueError, match="JSON"):
        save_tensors(written, tensors, A, {"nc1": float("nan")})
    assert written.read_bytes() == before
    assert list(written.parent.iterdir()) == [written]


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    # Half a surrogate pair is no text that a file could hold.
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=5,
)


@given(metadata=st.dictionaries(st.text(max_size=5), JSON, max_size=3))
def test_metadata_may_be_any_json(tmp_path_factory, metadata):
    path = tmp_path_factory.mktemp("metadata") / "file"
    save_tensors(path, {"x": torch.ones(1)}, A, metadata)
    found = load_tensors(path, A)[1]
    assert json.dumps(found, sort_keys=True) == json.dumps(metadata, sort_keys=True)


def test_shape_that_is_not_the_expected_is_named(tmp_path):
    path = tmp_path / "layer_01.safetensors"
    expect_shape(path, "root", torch.zeros(3, 4), (3, 4))
    with pytest.raises(StorageError) as refusal:
        expect_shape(path, "root", torch.zeros(3, 4), (4, 4))
    assert str(refusal.value) == f"{path}: root has shape (3, 4), expected (4, 4)"


@pytest.mark.parametrize(("found", "what"), [(2, "layer 2"), (None, "no layer")])
def test_number_that_is_not_the_expected_is_named(tmp_path, found, what):
    path = tmp_path / "layers" / "layer_01.safetensors"
    expect_number(path, "layer", 1, 1)
    with pytest.raises(StorageError) as refusal:
        expect_number(path, "layer", found, 1)
    expected = f"{path} holds {what}, expected layer 1; delete {path.parent} and run again"
    assert str(refusal.value) == expected


def test_tensors_without_values_are_written_too(tmp_path):
    empty = {
        "x": torch.zeros(0, 5),
        "labels": torch.zeros(3, dtype=torch.int64)[3:],
        "step": torch.tensor(2.0),
    }
    save_tensors(tmp_path / "file", empty, A, {})
    assert_same(load_tensors(tmp_path / "file", A)[0], empty)


def test_what_the_system_says_of_a_file_that_cannot_be_written_is_an_error_of_its_own(tmp_path):
    """By a limit on the size of files, which the library's writer meets as it does a full disk."""
    code = f"""
import errno, resource, torch
from agop_collapse.files.tensors import save_tensors
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
try:
    save_tensors(path, {{"a": torch.zeros(1000)}}, "{A}", {{}})
except OSError as error:
    print(errno.errorcode[error.errno], error.filename, [*path.parent.iterdir()])
"""
    writer = start(code, tmp_path / "file")
    assert writer.communicate()[0] == f"EFBIG {tmp_path / 'file'} []\n"
