"""Downloads: what arrives is right or leaves nothing, and what is there is left alone."""

import gzip
import hashlib
import io
import os
import shutil
import signal
import struct
import subprocess
import sys
import tarfile
import time

import pytest
from agop_collapse.data import downloads
from agop_collapse.data.addresses import ARCHIVES, Archive, files_of
from agop_collapse.data.downloads import DownloadError, fetch
from snakemake_runs import ROOT, snakemake
from torchvision import datasets
from web_server import Cut, serve

CONTENT = bytes(range(256)) * 40
KINDS = ["mnist", "fashion_mnist", "kmnist", "cifar10", "svhn"]


@pytest.fixture
def server():
    with serve() as running:
        yield running


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch):
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.fixture
def offer(server, monkeypatch):
    """Function that offers a public data set `toy` of one archive, at these of its answers."""

    def publish(packed: bytes, name: str, files: tuple[str, ...], *mirrors: list) -> None:
        urls = tuple(f"{server.url}/{number}/{name}" for number in range(len(mirrors)))
        for number, answers in enumerate(mirrors):
            server.answers[f"/{number}/{name}"] = answers
        archive = Archive(urls, hashlib.sha256(packed).hexdigest(), files)
        monkeypatch.setitem(ARCHIVES, "toy", (archive,))

    return publish


def left(folder) -> list[str]:
    """Everything in a folder and below."""
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def tar(*members: tarfile.TarInfo | tuple[str, bytes]) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        for member in members:
            if isinstance(member, tarfile.TarInfo):
                archive.addfile(member)
            else:
                info = tarfile.TarInfo(member[0])
                info.size = len(member[1])
                archive.addfile(info, io.BytesIO(member[1]))
    return packed.getvalue()


def link(name: str, target: str, kind: bytes = tarfile.SYMTYPE) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    return info


@pytest.mark.parametrize("kind", KINDS)
def test_the_files_are_those_of_torchvision(kind, tmp_path):
    """Where it looks for them, and under the names of what it downloads."""
    family = {
        "mnist": datasets.MNIST,
        "fashion_mnist": datasets.FashionMNIST,
        "kmnist": datasets.KMNIST,
    }
    files = {str(path) for path in files_of(kind, tmp_path)}
    if kind in family:
        dataset = family[kind].__new__(family[kind])
        dataset.root = tmp_path
        names = [name for name, _ in dataset.resources]
        expected = {os.path.join(dataset.raw_folder, name.removesuffix(".gz")) for name in names}
    elif kind == "cifar10":
        dataset = datasets.CIFAR10
        names = [dataset.filename]
        batches = [name for name, _ in dataset.train_list + dataset.test_list]
        folder = tmp_path / dataset.base_folder
        expected = {str(folder / name) for name in [*batches, dataset.meta["filename"]]}
    else:
        names = [datasets.SVHN.split_list[split][1] for split in ("train", "test")]
        expected = {str(tmp_path / name) for name in names}
    assert files == expected
    assert [archive.name for archive in ARCHIVES[kind]] == names
    for archive in ARCHIVES[kind]:
        assert all(url.rsplit("/", 1)[1] == archive.name for url in archive.urls)
        assert len(bytes.fromhex(archive.sha256)) == 32


@pytest.mark.parametrize(
    ("name", "packed"),
    [
        ("file.mat", CONTENT),
        ("file.gz", gzip.compress(CONTENT)),
        ("file.tar.gz", tar(("readme", b"?"), ("folder/file", CONTENT))),
    ],
)
def test_a_file_is_unpacked_into_its_place(offer, tmp_path, name, packed):
    offer(packed, name, ("folder/file",), [packed])
    fetch("toy", name, tmp_path)
    assert left(tmp_path) == ["folder/file"]
    assert (tmp_path / "folder/file").read_bytes() == CONTENT
    assert (tmp_path / "folder/file").stat().st_mode & 0o044


@pytest.mark.parametrize(
    "first",
    [Cut(CONTENT), CONTENT[:-1], b"<html>Sign in to this network</html>", b"", 404, 503],
    ids=["cut off", "short", "another page", "empty", "not found", "busy"],
)
def test_a_second_try_makes_good_a_bad_one(offer, server, tmp_path, first):
    offer(CONTENT, "file.mat", ("file.mat",), [first, CONTENT])
    fetch("toy", "file.mat", tmp_path, pause=0)
    assert server.asked == ["/0/file.mat"] * 2
    assert (tmp_path / "file.mat").read_bytes() == CONTENT


def test_a_second_address_makes_good_a_bad_one(offer, server, tmp_path):
    offer(CONTENT, "file.mat", ("file.mat",), [500], [CONTENT])
    fetch("toy", "file.mat", tmp_path, pause=3600)
    assert server.asked == ["/0/file.mat", "/1/file.mat"]
    assert (tmp_path / "file.mat").read_bytes() == CONTENT


def test_a_server_that_stands_still_is_given_up(offer, tmp_path, monkeypatch):
    monkeypatch.setattr(downloads, "TIMEOUT", 0.2)
    offer(CONTENT, "file.mat", ("file.mat",), [Cut(CONTENT, stall=1), CONTENT])
    fetch("toy", "file.mat", tmp_path, pause=0)
    assert (tmp_path / "file.mat").read_bytes() == CONTENT


@pytest.mark.parametrize("answer", [Cut(CONTENT), CONTENT[::-1]], ids=["cut off", "wrong"])
def test_what_stays_wrong_is_told_with_both_checksums_and_not_kept(offer, server, tmp_path, answer):
    offer(CONTENT, "file.mat", ("file.mat",), [answer], [404])
    with pytest.raises(DownloadError) as error:
        fetch("toy", "file.mat", tmp_path, pause=0)
    came = CONTENT[: len(CONTENT) // 2] if isinstance(answer, Cut) else answer
    assert hashlib.sha256(came).hexdigest() in str(error.value)
    assert hashlib.sha256(CONTENT).hexdigest() in str(error.value)
    size = "(5,120 of 10,240 bytes)" if isinstance(answer, Cut) else "(10,240 bytes)"
    assert size in str(error.value)
    assert f"{server.url}/1/file.mat: HTTP Error 404: Not Found" in str(error.value)
    assert f"Files that are missing of toy: {tmp_path / 'file.mat'}." in str(error.value)
    assert server.asked == ["/0/file.mat", "/1/file.mat"] * 3
    assert left(tmp_path) == []


def test_a_download_that_is_killed_leaves_nothing(offer, server, tmp_path):
    server.answers["/slow"] = [Cut(CONTENT, stall=5)]
    code = (
        "from agop_collapse.data.addresses import ARCHIVES, Archive;"
        "from agop_collapse.data.downloads import fetch;"
        f"ARCHIVES['toy'] = (Archive(('{server.url}/slow',), '0' * 64, ('slow',)),);"
        f"fetch('toy', 'slow', '{tmp_path}')"
    )
    process = subprocess.Popen([sys.executable, "-c", code], cwd=ROOT / "workflow")
    while not server.asked:
        assert process.poll() is None, "it ended too early"
        time.sleep(0.05)
    time.sleep(0.2)  # for the half that is sent to arrive
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert list(tmp_path.rglob("*")) == []


def test_files_that_are_there_are_left_alone(offer, tmp_path):
    packed = tar(("a", b"new a"), ("b", b"new b"))
    offer(packed, "both.tar.gz", ("a", "b"), [packed])
    (tmp_path / "a").write_bytes(b"old a")
    fetch("toy", "both.tar.gz", tmp_path)
    assert (tmp_path / "a").read_bytes() == b"old a"
    assert (tmp_path / "b").read_bytes() == b"new b"


@pytest.mark.parametrize(
    "member",
    [
        link("file", "../secret"),
        link("file", "secret"),
        link("file", "secret", tarfile.LNKTYPE),
        ("../file", b"outside"),
        ("folder/../file", b"roundabout"),
    ],
    ids=["link outside", "link", "hard link", "parent folder", "roundabout path"],
)
def test_an_archive_cannot_name_where_it_is_unpacked(offer, tmp_path, member):
    packed = tar(("secret", b"secret"), member, ("/file", b"absolute"))
    offer(packed, "file.tar.gz", ("file",), [packed])
    (tmp_path / "secret").write_bytes(b"secret")
    folder = tmp_path / "folder"
    with pytest.raises(DownloadError, match="file.tar.gz does not hold"):
        fetch("toy", "file.tar.gz", folder)
    assert left(tmp_path) == ["secret"]


# In the workflow


@pytest.mark.slow
def test_without_internet_the_error_names_each_missing_file(tmp_path):
    """No address can be reached through a proxy that is not there."""
    nobody = dict.fromkeys(("http_proxy", "https_proxy"), "http://127.0.0.1:9")
    data = tmp_path / "shared data"
    run = snakemake(tmp_path, {"kind": "cifar10", "n": 20}, AGOP_COLLAPSE_DATA=str(data), **nobody)
    assert run.returncode == 1
    (message,) = paragraphs(run.stderr, "download_cifar10_cifar-10-python.tar.gz: ")
    for name in ("data_batch_1", "data_batch_5", "test_batch", "batches.meta"):
        assert str(data / "cifar10" / "cifar-10-batches-py" / name) in message
    assert "snakemake download" in message
    assert "Traceback" not in run.stderr
    assert left(data) == ["cifar10/logs/cifar-10-python.tar.gz.log"]
    assert not list((tmp_path / "results").rglob("*.safetensors"))


@pytest.mark.slow
def test_a_download_that_stays_wrong_ends_the_run_with_both_checksums(server, tmp_path):
    (archive,) = (found for found in ARCHIVES["svhn"] if found.name == "test_32x32.mat")
    server.answers[archive.urls[0]] = [CONTENT]
    target = "data/svhn/test_32x32.mat"
    run = snakemake(tmp_path, {"kind": "svhn", "n": 20}, "--", target, http_proxy=server.url)
    assert run.returncode == 1
    assert server.asked == [archive.urls[0]] * 3
    (message,) = paragraphs(run.stderr, "download_svhn_test_32x32.mat: ")
    assert archive.sha256 in message
    assert hashlib.sha256(CONTENT).hexdigest() in message
    assert left(tmp_path / "data") == ["svhn/logs/test_32x32.mat.log"]


def paragraphs(output: str, beginning: str) -> set[str]:
    """Lines of a failed job's log that begin so, as the terminal shows them."""
    return {line for line in output.splitlines() if line.startswith(f"    {beginning}")}


def idx(values: bytes, *shape: int) -> bytes:
    return struct.pack(f">{1 + len(shape)}i", 0x800 + len(shape), *shape) + values


@pytest.mark.slow
def test_a_data_set_is_downloaded_once_for_all_studies(server, tmp_path):
    """A copy of the workflow whose KMNIST is a small one, from download to prepared data set."""
    checkout = tmp_path / "checkout"
    for folder in ("workflow", "profiles", "envs"):
        shutil.copytree(ROOT / folder, checkout / folder)
    for file in ("Snakefile", "config.yaml"):
        shutil.copy(ROOT / file, checkout)
    content = {
        "train-images-idx3": idx(bytes(range(200)) * 2, 100, 2, 2),
        "train-labels-idx1": idx(bytes(range(10)) * 10, 100),
        "t10k-images-idx3": idx(bytes(range(80)), 20, 2, 2),
        "t10k-labels-idx1": idx(bytes(range(10)) * 2, 20),
    }
    module = checkout / "workflow" / "agop_collapse" / "data" / "addresses.py"
    code = module.read_text()
    for archive in ARCHIVES["kmnist"]:
        packed = gzip.compress(content[archive.name.removesuffix("-ubyte.gz")])
        server.answers[archive.urls[0]] = [packed]
        code = code.replace(archive.sha256, hashlib.sha256(packed).hexdigest())
    module.write_text(code)
    server.answers[ARCHIVES["kmnist"][0].urls[0]].insert(0, 503)
    kmnist = {"kind": "kmnist", "n": 50, "n_test": 20}

    def run(dataset: dict, *arguments: str):
        done = snakemake(tmp_path, dataset, *arguments, repository=checkout, http_proxy=server.url)
        assert done.returncode == 0, done.stderr
        return done.stdout + done.stderr

    target = "results/mine/data/images.safetensors"
    assert run(kmnist, "-n", "--", target).count("Downloading ") == 4
    assert left(tmp_path / "data") == []
    run(kmnist)
    assert len(server.asked) == 5
    for name, values in content.items():
        file = tmp_path / "data" / "kmnist" / "KMNIST" / "raw" / f"{name}-ubyte"
        assert file.read_bytes() == values

    assert "Nothing to be done" in run(kmnist)
    shutil.rmtree(tmp_path / ".snakemake")
    assert "Nothing to be done" in run(kmnist)
    assert "Nothing to be done" in run(kmnist, "download")
    # Another setting, another script, all from the beginning: the files stay as they are.
    with (checkout / "workflow" / "scripts" / "download_data.py").open("a") as script:
        script.write("# changed\n")
    kmnist["n"] = 60
    assert "download_kmnist" not in run(kmnist, "--forceall", "--", target)
    # Prepared data outlive what they were made of.
    shutil.rmtree(tmp_path / "data")
    assert "Nothing to be done" in run(kmnist)
    assert len(server.asked) == 5
