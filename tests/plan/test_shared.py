"""What comparison, reference and archive are given: paths, identities, and whose code."""

import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
import yaml
from agop_collapse.files.contents import Contents
from agop_collapse.plan import shared
from agop_collapse.plan.configuration import load
from agop_collapse.plan.jobs import Jobs
from configurations import config_of, example, own_network

ROOT = Path(__file__).parents[2]


def jobs(config: dict, folder: Path) -> Jobs:
    return Jobs(load(config), ROOT / "workflow", "data", Contents(folder / "contents.json"))


@pytest.fixture
def mine(tmp_path, monkeypatch) -> Jobs:
    monkeypatch.chdir(tmp_path)
    return jobs(example(), tmp_path)


def test_a_comparison_is_given_paths_alone(mine):
    found = shared.compared(mine, "mine", Path("project"))
    assert found["reference"] == "project/reference/mine"
    assert found["tables"]["nfa_summary"] == "results/mine/tables/nfa_summary.parquet"
    assert {*found["tables"]} >= {"runs", "deep_rfm", "network_nc"}
    assert all(path.endswith("/run.json") for path in found["records"])
    assert len(found["records"]) == len(mine.studies["mine"].runs)


def test_a_reference_is_of_todays_tables(mine):
    found = shared.referenced(mine, "mine", ROOT)
    assert found["tables"]["runs"] == (
        "results/mine/tables/runs.parquet",
        mine.list_runs("mine").identity,
    )
    assert (
        "results/mine/networks/first/mlp,gain=0.01/seed0/benchmarks/train_network.tsv"
        in found["benchmarks"]
    )


def test_a_manifest_is_of_all_that_a_study_keeps_with_its_identities(mine):
    job = shared.listed(mine, "mine", ROOT, example()["studies"])
    every = mine.everything("mine").values()
    assert job.settings["outputs"] == {
        path: made.identity for made in every for path in made.outputs.values()
    }
    files, folders = job.inputs["files"], job.inputs["folders"]
    assert sorted([*files, *folders]) == sorted(job.settings["outputs"])
    assert {Path(path).name for path in folders} == {"layers", "checkpoints"}
    assert not [path for path in files if not Path(path).suffix]
    assert job.settings["configuration"] == example()["studies"]["mine"]


def test_a_manifest_is_another_when_any_script_is(mine, tmp_path):
    def identity(place: str, more: str) -> str:
        workflow = tmp_path / place / "workflow"
        shutil.copytree(ROOT / "workflow", workflow)
        script = workflow / "scripts" / "make_report.py"  # of which no output is listed
        script.write_text(script.read_text() + more)
        there = Jobs(load(example()), workflow, "data", Contents())
        return shared.listed(there, "mine", tmp_path, example()["studies"]).identity

    ours = shared.listed(mine, "mine", tmp_path, example()["studies"]).identity
    assert identity("same", "# a remark\n") == ours
    assert identity("other", "more = 1\n") != ours


def test_an_archive_has_what_figures_are_drawn_from_and_no_layer(mine):
    job = shared.archived(mine, "mine", ROOT, example()["studies"])
    results = job.settings["results"]
    assert job.inputs == {"results": results}
    assert len(results) == len(set(results))
    for figure in mine.figures("mine").values():
        assert {*figure.outputs.values(), *figure.inputs["parts"]} <= {*results}
    assert not [
        path for path in results if "layers" in path.split("/")[-1:] or "data" in path.split("/")
    ]
    assert {Path(path).suffix for path in results} == {
        *(".pdf", ".png", ".parquet", ".csv", ".json", ".html"),
    }
    assert job.settings["code"]["Snakefile"] == str(ROOT / "workflow" / "archive" / "Snakefile")
    assert job.settings["code"]["everything.smk"] == str(ROOT / "Snakefile")
    assert not [name for name in job.settings["code"] if "__pycache__" in name]


def test_the_archived_configuration_plans_the_same_figures(mine, tmp_path):
    """With it alone: a study whose figures show no other's runs needs no other study."""
    job = shared.archived(mine, "mine", ROOT, example()["studies"])
    archived = yaml.safe_load(job.settings["configuration"])
    assert [*archived["studies"]] == ["mine"]
    again = jobs(archived, tmp_path)
    assert {name: each.identity for name, each in again.figures("mine").items()} == {
        name: each.identity for name, each in mine.figures("mine").items()
    }


def test_runs_of_another_study_come_with_its_settings(tmp_path):
    config = example()
    config["studies"]["mine"]["figures"] = {"fig03": {"rows": [{"study": "other"}]}}
    job = shared.archived(jobs(config, tmp_path), "mine", ROOT, config["studies"])
    assert [*yaml.safe_load(job.settings["configuration"])["studies"]] == ["mine", "other"]
    folder = "results/other/deep_rfm/first/laplace-relu-agop/seed0"
    assert {f"{folder}/run.json", f"{folder}/deep_rfm.parquet"} <= {*job.settings["results"]}


def test_what_planning_reads_and_an_archive_lacks_is_named(tmp_path, monkeypatch):
    """Data and weights of the user's own."""
    monkeypatch.chdir(tmp_path)
    block = own_network(tmp_path)
    np.savez("mine.npz", x=np.zeros((4, 2, 2), np.uint8), y=[0, 0, 1, 1])
    config = config_of(
        datasets={"mine": {"kind": "npz", "path": "mine.npz", "n": 4}}, own_networks=[block]
    )
    found = shared.archived(jobs(config, tmp_path), "mine", ROOT, config["studies"])
    assert found.settings["needed"] == ["mine.npz", "weights.pt"]
    assert found.settings["code"]["my_nets.py"] == "my_nets.py"


def test_code_of_the_users_own_comes_with_all_that_it_imports(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("my_kernels.py").write_text("from my_numbers import ONE\nown = ONE\n")
    Path("my_numbers.py").write_text("ONE = 1\n")
    config = example()
    config["studies"]["mine"] |= {
        "deep_rfm": [{"kernel": "my_kernels:own", "depth": 2}],
        "figures": {"fig03": None},
    }
    found = shared.archived(jobs(config, tmp_path), "mine", ROOT, config["studies"])
    assert {"my_kernels.py", "my_numbers.py"} <= {*found.settings["code"]}
    Path("my_numbers.py").write_text("ONE = 1  # a remark\n")
    again = shared.archived(jobs(config, tmp_path), "mine", ROOT, config["studies"])
    assert again.identity != found.identity  # an archive has the file itself, with its remarks


def test_the_commit_is_the_checkouts_and_changes_are_seen(tmp_path):
    assert shared.commit(tmp_path) == {"commit": None, "changed": None}

    def git(*arguments: str) -> str:
        names = ["-c", "user.name=a", "-c", "user.email=a@example.org"]
        command = ["git", *names, *arguments]
        run = subprocess.run(command, cwd=tmp_path, check=True, capture_output=True, text=True)
        return run.stdout.strip()

    git("init", "-q")
    (tmp_path / "Snakefile").write_text("rule all:\n")
    git("add", "Snakefile")
    git("commit", "-qm", "Begin")
    assert shared.commit(tmp_path) == {"commit": git("rev-parse", "HEAD"), "changed": False}
    (tmp_path / "notes.txt").write_text("not of the code")
    assert shared.commit(tmp_path)["changed"] is False
    (tmp_path / "Snakefile").write_text("rule none:\n")
    assert shared.commit(tmp_path)["changed"] is True
