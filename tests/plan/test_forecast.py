"""What a study takes: which of its jobs are still to be made, and whether the disk holds them."""

import dataclasses
import json
from pathlib import Path

import pytest
from agop_collapse.files.contents import Contents
from agop_collapse.plan import forecast
from agop_collapse.plan.configuration import load
from agop_collapse.plan.forecast import Forecast, aligned, does_not_fit, in_bytes, to_be_made
from agop_collapse.plan.job import Job
from agop_collapse.plan.jobs import Jobs
from configurations import example

ROOT = Path(__file__).parents[2]
JOBS = [
    Job("1" * 64, {}, {}, {"a": "results/a.json"}, mem_mb=500, seconds=3600, disk_mb=10),
    Job("2" * 64, {}, {}, {"b": "results/b.json"}, mem_mb=900, seconds=1800, disk_mb=20),
    Job("3" * 64, {}, {}, {"c": "c.json", "d": "d.csv"}, mem_mb=100, seconds=0, disk_mb=40),
]


def write(folder: Path, job: Job, identity: str | None = None) -> None:
    for path in job.outputs.values():
        file = folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps({"identity": identity or job.identity}))


def test_what_lies_there_of_other_settings_is_to_be_made(tmp_path):
    assert to_be_made(JOBS, tmp_path) == {job.identity for job in JOBS}
    write(tmp_path, JOBS[0])
    write(tmp_path, JOBS[1], "9" * 64)
    write(tmp_path, JOBS[2])
    assert to_be_made(JOBS, tmp_path) == {JOBS[1].identity}
    (tmp_path / "d.csv").unlink()
    assert to_be_made(JOBS, tmp_path) == {JOBS[1].identity, JOBS[2].identity}


def test_what_goes_once_it_was_read_need_not_be_there(tmp_path):
    made = {"layers": "results/layers.json", "record": "results/run.json"}
    build = Job("4" * 64, {}, {}, made, disk_mb=500, transient=("layers",))
    measure = Job("5" * 64, {}, {"layers": "results/layers.json"}, {"found": "results/found.json"})
    both = {build.identity, measure.identity}
    assert to_be_made([build, measure], tmp_path) == both
    write(tmp_path, build)
    write(tmp_path, measure)
    (tmp_path / "results/layers.json").unlink()
    assert to_be_made([build, measure], tmp_path) == set()
    assert to_be_made([dataclasses.replace(build, transient=()), measure], tmp_path) == {
        build.identity
    }
    # To be read again, or with another record, it is to be made.
    write(tmp_path, measure, "9" * 64)
    assert to_be_made([build, measure], tmp_path) == both
    write(tmp_path, measure)
    (tmp_path / "results/run.json").unlink()
    assert to_be_made([build, measure], tmp_path) == {build.identity}


def test_of_what_goes_the_largest_is_needed_at_a_time():
    layers = Job("4" * 64, {}, {}, {"layers": "a", "record": "b"}, disk_mb=500)
    assert (layers.kept_mb, layers.kept) == (500, ["a", "b"])
    layers = dataclasses.replace(layers, transient=("layers",))
    assert (layers.kept_mb, layers.kept) == (1, ["b"])
    assert Forecast.of([*JOBS, layers], {"1" * 64, "4" * 64}).disk_mb == 11
    assert forecast.needed_mb([(10, False), (500, True), (30, False), (200, True)]) == 540
    assert forecast.needed_mb([]) == 0


def test_some_jobs_together():
    missing = {JOBS[0].identity, JOBS[2].identity}
    assert Forecast.of(JOBS, missing) == Forecast(3, 1, 1.0, 500, 50, 20)
    assert Forecast.of(JOBS, set()) == Forecast(3, 3, 0.0, 0, 0, 70)


def test_the_text_has_each_study_and_adds_up(tmp_path):
    jobs = Jobs(load(example()), ROOT / "workflow", "data", Contents(tmp_path / "contents.json"))
    lines = forecast.text(jobs, "mine", tmp_path).splitlines()
    named = {line[:34].strip(): line[34:].split() for line in lines}
    everything = jobs.everything("mine")
    assert named["study mine"][:2] == [str(len(everything)), "0"]
    assert named["study other"][:2] == [str(len(jobs.everything("other"))), "0"]
    parts = [named[title] for title in forecast.PARTS.values()]
    assert sum(int(part[0]) for part in parts) == len(everything)
    assert "until it was measured" not in "".join(lines)
    # Each job that is there is one less to be made.
    (job,) = (job for name, job in everything.items() if name == "data first")
    write(tmp_path, job)
    assert "     1  " in next(
        line for line in forecast.text(jobs, "mine", tmp_path).splitlines() if "study mine" in line
    )


def test_layers_that_go_are_not_on_disk(tmp_path):
    config = example()
    config["studies"]["mine"]["keep"] = "tables"
    planned = {
        keep: Jobs(load(each), ROOT / "workflow", "data", Contents(tmp_path / "contents.json"))
        for keep, each in (("all", example()), ("tables", config))
    }
    written = {
        keep: sum(job.kept_mb for job in jobs.everything("mine").values())
        for keep, jobs in planned.items()
    }
    assert written["tables"] < written["all"] / 5
    said = forecast.text(planned["tables"], "mine", tmp_path)
    largest = max(
        job.disk_mb for name, job in planned["all"].everything("mine").items() if "make" in name
    )
    assert f"takes up to {in_bytes(largest - 1)} until it was measured (keep: tables)" in said
    # Nothing else is another: not the identity of any result.
    assert {job.identity for job in planned["all"].everything("mine").values()} == {
        job.identity for job in planned["tables"].everything("mine").values()
    }


def test_the_disk_is_compared_with_what_is_written(tmp_path, monkeypatch):
    monkeypatch.setattr(forecast, "free_mb", lambda folder: 100)
    old = tmp_path / "layers"
    old.mkdir()
    (old / "layer").write_bytes(bytes(10**7))
    assert does_not_fit(100, [], tmp_path) is None
    refused = does_not_fit(105, [], tmp_path)
    assert "105 MB" in refused
    assert "100 MB are free" in refused
    # What is replaced is deleted before.
    assert does_not_fit(105, [old, tmp_path / "missing"], tmp_path) is None
    assert "110 MB are free" in does_not_fit(111, [old], tmp_path)


def test_free_disk_is_that_of_a_folder_that_is_yet_to_come(tmp_path):
    here, there = forecast.free_mb(tmp_path), forecast.free_mb(tmp_path / "a" / "b")
    assert here > 0
    assert there == pytest.approx(here, rel=0.1)


def test_table_is_aligned():
    assert aligned([["", "jobs"], ["study a", "1"], ["b", "200"]]) == [
        "         jobs",
        "study a     1",
        "b         200",
    ]


@pytest.mark.parametrize(
    ("megabytes", "said"), [(0, "0 MB"), (999, "999 MB"), (1500, "1.5 GB"), (2e6, "2.0 TB")]
)
def test_sizes_are_told_in_their_unit(megabytes, said):
    assert in_bytes(megabytes) == said


def test_a_cluster_gives_a_job_three_times_what_it_takes():
    assert dataclasses.replace(JOBS[0], seconds=600).minutes == 40
