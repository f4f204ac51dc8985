"""A study packed, run by a bare Python, and brought home: the same bytes as the workflow's."""

import os
import signal
import subprocess
import tarfile
import time
from pathlib import Path

import bare_python
import pytest
from studies import SMALL
from workflow_helpers import Workplace, contents, jobs_run

pytestmark = pytest.mark.slow

# Python runs this when it starts. Where a job is to put the second layer in its place, it says so
# and waits to be killed: once.
WAIT = """
import os, time

def waiting_replace(source, target, replace=os.replace):
    if str(target).endswith("layer_02.safetensors") and not os.path.exists("waiting"):
        open("waiting", "w").close()
        time.sleep(3600)
    replace(source, target)

os.replace = waiting_replace
"""
LAYERS = "results/small/deep_rfm/digits/laplace-relu-agop/seed0/layers"


@pytest.fixture(scope="module")
def place(tmp_path_factory) -> Workplace:
    """Where the study was packed, and nothing else but its data was made."""
    place = Workplace.make(tmp_path_factory.mktemp("packed"), {"small": SMALL})
    run = place.run("pack", study="small")
    assert jobs_run(run) == {"prepare_data": 1, "pack_study": 1, "pack": 1}
    return place


@pytest.fixture(scope="module")
def python(tmp_path_factory) -> Path:
    return bare_python.make(tmp_path_factory.mktemp("bare"))


def unpack(file: Path, folder: Path) -> None:
    with tarfile.open(file) as tar:
        tar.extractall(folder, filter="data")


def test_the_bare_python_has_no_more_than_it_says(python):
    absent = ("snakemake", "pydantic", "yaml", "matplotlib", "torchvision", "tqdm", "PIL")
    code = f"from importlib.util import find_spec\nprint(*filter(find_spec, {absent}))"
    run = subprocess.run([python, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == ""


def test_a_packed_study_is_run_killed_gone_on_with_and_brought_home(
    place, python, tiny, tmp_path, tmp_path_factory
):
    unpack(place.work / "packed" / "small.tar.gz", tmp_path)
    folder = tmp_path / "small"
    (tmp_path / "waiting").mkdir()
    (tmp_path / "waiting" / "sitecustomize.py").write_text(WAIT)
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    command = [python, "-m", "agop_collapse", "--home", "home.tar.gz"]

    # The first call ends in the middle of the first run's layers.
    places = os.pathsep.join(["workflow", str(tmp_path / "waiting")])
    first = subprocess.Popen(
        command, cwd=folder, env=environment | {"PYTHONPATH": places}, stdout=subprocess.PIPE
    )
    while not (folder / "waiting").exists():
        assert first.poll() is None
        time.sleep(0.05)
    first.send_signal(signal.SIGTERM)
    said = first.communicate()[0].decode()
    assert first.returncode == 75, said
    assert "interrupted; in the next call it goes on from here" in said
    assert [path.name for path in (folder / f"{LAYERS}.partial").glob("layer*")] == [
        "layer_01.safetensors"
    ]

    # The next one goes on, and leaves no layers.
    second = subprocess.run(
        command,
        cwd=folder,
        env=environment | {"PYTHONPATH": "workflow"},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert second.returncode == 0, second.stdout
    assert "8 of 9 jobs to run" in second.stdout
    assert second.stdout.endswith("All is there.\n")
    log = (folder / LAYERS).parent / "logs" / "build_deep_rfm.log"
    assert "computing on cpu from layer 2" in log.read_text()
    assert [path.name for path in folder.rglob("*.safetensors")] == ["digits.safetensors"]

    # Home: the tables are those of the workflow, which draws the figures from them at once.
    home = place.copy(tmp_path_factory.mktemp("home") / "place")
    unpack(folder / "home.tar.gz", home.work)
    found = {
        path: digest
        for path, digest in contents(home.work / "results" / "small").items()
        if path.endswith(".parquet")
    }
    wanted = contents(tiny.work / "results" / "tiny")
    assert len(found) == 36
    assert found == {path: wanted[path] for path in found}
    run = home.run("figures/", study="small")
    assert jobs_run(run) == {
        **{"combine_deep_rfm": 1, "combine_networks": 1, "list_runs": 1, "summarise_nfa": 1},
        "plot_figure": len(SMALL["figures"]),
    }
