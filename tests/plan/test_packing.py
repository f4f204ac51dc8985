"""What a packed study is made of."""

import copy
import json
from pathlib import Path

import pytest
from agop_collapse.files.contents import Contents
from agop_collapse.plan import packing
from agop_collapse.plan.configuration import load
from agop_collapse.plan.job import TargetError
from agop_collapse.plan.jobs import Jobs
from configurations import config_of, example, own_network

ROOT = Path(__file__).parents[2]


def jobs(config: dict, folder: Path, data_root: str = "data") -> Jobs:
    return Jobs(load(config), ROOT / "workflow", data_root, Contents(folder / "contents.json"))


@pytest.fixture
def mine(tmp_path, monkeypatch) -> Jobs:
    monkeypatch.chdir(tmp_path)
    return jobs(example(), tmp_path)


def test_all_from_the_data_to_the_measurements_is_listed_as_it_is_planned(mine):
    listed = packing.packed(mine, "mine", ROOT, {}).settings["jobs"]
    planned = {
        tuple(job.outputs.values()): job
        for name, job in mine.everything("mine").items()
        if name.split()[0] in ("data", "make", "measure")
    }
    assert {tuple(each["outputs"].values()) for each in listed} == planned.keys()
    for each in listed:
        job = planned[tuple(each["outputs"].values())]
        assert (each["identity"], each["settings"]) == (job.identity, job.settings)
        assert (each["threads"], each["gpus"]) == (job.threads, job.gpus)
        assert each["inputs"] == ({} if each["rule"] == "prepare_data" else job.inputs)
        assert (ROOT / "workflow" / "scripts" / f"{each['rule']}.py").is_file()
    # As JSON has it, a script is given the same.
    assert json.loads(json.dumps(listed)) == listed


def test_prepared_data_and_all_that_computes_come_along(mine):
    job = packing.packed(mine, "mine", ROOT, {})
    data = ["results/mine/data/first.safetensors", "results/mine/data/second.safetensors"]
    assert job.inputs == {"data": data}
    files = job.settings["files"]
    assert {*data, "workflow/scripts/build_deep_rfm.py"} <= files.keys()
    assert "workflow/agop_collapse/packed/run.py" in files
    assert not [name for name in files if "__pycache__" in name]


def test_public_data_are_looked_for_in_the_folder_if_they_are_not_prepared(tmp_path):
    datasets = {"mnist": {"kind": "mnist", "n": 60}}
    planned = jobs(config_of(datasets=datasets), tmp_path, "/elsewhere")
    prepared = copy.deepcopy(planned.prepare_data("mine", "mnist"))
    (listed,) = packing.packed(planned, "mine", ROOT, {}).settings["jobs"]
    assert listed["settings"]["path"] == "data/mnist"
    assert planned.prepare_data("mine", "mnist") == prepared  # Snakemake's own job is as it was
    assert prepared.settings["path"] == "/elsewhere/mnist"


def test_code_and_weights_of_the_users_own_come_along(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    planned = jobs(config_of(own_networks=[own_network(tmp_path)]), tmp_path)
    files = packing.packed(planned, "mine", ROOT, {}).settings["files"]
    assert {"my_nets.py": "my_nets.py", "weights.pt": "weights.pt"}.items() <= files.items()


def test_weights_elsewhere_are_refused(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    block = own_network(tmp_path) | {"checkpoint": str(tmp_path / "weights.pt")}
    planned = jobs(config_of(own_networks=[block]), tmp_path)
    with pytest.raises(TargetError, match="weights.pt lies outside the folder .* copy it into"):
        packing.packed(planned, "mine", ROOT, {})


def test_another_file_is_packed_when_its_code_changes(mine, monkeypatch):
    first = packing.packed(mine, "mine", ROOT, {}).identity
    assert packing.packed(mine, "mine", ROOT, {}).identity == first
    monkeypatch.setattr(packing, "CODE", ("workflow/scripts",))
    assert packing.packed(mine, "mine", ROOT, {}).identity != first
