"""What is installed, exactly; and where a run writes."""

import re

import pytest
from faults import study
from workflow_helpers import ROOT, Workplace

LOCK = (ROOT / "requirements.lock").read_text(encoding="utf-8")
PIN = re.compile(r"^([\w.-]+)(?:\[\w+\])?==([^\s;\\]+)", re.MULTILINE)


def locked() -> dict[str, str]:
    """The text of each requirement of the lock file, by its pin."""
    entries = re.split(r"^(?=[A-Za-z])", LOCK, flags=re.MULTILINE)
    return {PIN.match(entry)[0]: entry for entry in entries if entry}


def test_the_lock_file_has_the_pins_of_requirements():
    wanted = (ROOT / "requirements.txt").read_text(encoding="utf-8")
    pins = {(name.lower(), version) for name, version in PIN.findall(wanted)}
    assert len(pins) > 15
    assert pins <= {(name.lower(), version) for name, version in PIN.findall(LOCK)}, (
        "requirements.lock is older than requirements.txt; CONTRIBUTING.md says how to make it"
    )


def test_whatever_is_locked_has_a_version_and_hashes_and_no_address():
    for pin, entry in locked().items():
        assert re.search(r"^    --hash=sha256:[0-9a-f]{64}", entry, re.MULTILINE), pin
    assert len(locked()) > 80
    assert "://" not in LOCK


# In each process of Python that a run starts: what is opened to write, made, renamed or removed.
WATCH = """
import os, sys

trace = open(os.path.join(os.environ["WATCH"], str(os.getpid())), "a", buffering=1)
CHANGES = {"os.mkdir", "os.rename", "os.link", "os.symlink", "os.remove", "os.rmdir"}
CHANGES |= {"os.chmod", "os.truncate", "shutil.rmtree"}
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT


def watch(event, arguments):
    if event == "open":
        path, mode, flags = arguments
        writes = set(mode or "") & set("wax+") or (flags or 0) & WRITING
        paths = [path] if writes else []
    elif event in CHANGES:
        if event != "os.truncate" and isinstance(arguments[-1], int) and arguments[-1] >= 0:
            return  # within an open folder, whose own removal is told
        paths = [each for each in arguments if isinstance(each, (str, bytes, os.PathLike))]
    else:
        return
    for path in paths:
        if not isinstance(path, int):
            trace.write(os.path.abspath(os.fsdecode(path)) + "\\n")


sys.addaudithook(watch)
"""


@pytest.mark.slow
def test_nothing_is_written_outside_of_working_folder_data_and_temporary_files(tmp_path):
    place = Workplace.make(tmp_path / "place", {"tiny": study(1)})
    watch, home, temporary = (tmp_path / name for name in ("watch", "home", "temporary"))
    for folder in (watch, home, temporary):
        folder.mkdir()
    (watch / "sitecustomize.py").write_text(WATCH)
    environment = {"PYTHONPATH": str(watch), "WATCH": str(watch), "HOME": str(home)}
    environment |= {"TMPDIR": str(temporary), "PYTHONDONTWRITEBYTECODE": "1"}
    place.run("figures/tiny/fig03.pdf", "figures/tiny/v1_fig04.pdf", environment=environment)
    traces = [path for path in watch.iterdir() if path.name.isdigit()]
    written = {line for path in traces for line in path.read_text().splitlines()}
    assert any("/results/tiny/deep_rfm/" in path for path in written)
    # Copies of rules and scripts, the list of fonts: they are made anew where they are missing.
    caches = [home / each for each in (".cache/snakemake", ".cache/matplotlib")]
    caches += [home / ".config" / "matplotlib"]
    allowed = tuple(f"{folder}/" for folder in (place.work, temporary, watch, *caches, "/dev"))
    parents = {parent for cache in caches for parent in cache.parents}
    strangers = {path for path in written if not f"{path}/".startswith(allowed)}
    assert "\n".join(sorted(strangers - {*map(str, parents)})) == ""
    left = {path for path in home.rglob("*") if not {*caches} & {path, *path.parents}}
    assert left <= parents
