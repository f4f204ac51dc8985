"""A call: jobs in order, one that fails, and time that is up."""

import json
import re
from dataclasses import asdict, replace
from importlib.util import find_spec
from pathlib import Path

import pytest
from agop_collapse.packed import run
from agop_collapse.packed.jobs import FILE, PackedJob
from packed_study import identity, job


def prepare(name: str, n: int) -> PackedJob:
    """Preparation of the first digits of scikit-learn's, of which there are 1,797."""
    path = f"results/mine/data/{name}.safetensors"
    settings = {
        **{"identity": identity(f"prepare_data {name}"), "name": name, "n": n, "n_test": 10},
        **{"reader": "agop_collapse.data.readers.digits:load", "path": None, "options": {}},
        **{"contents": {}, "standardize_test": "train"},
    }
    made = job("prepare_data", name, {}, {"data": path}, of=name)
    return replace(made, settings=settings)


@pytest.fixture
def study(tmp_path) -> Path:
    """A data set that cannot be made, what is made from it, and one that can."""
    bad, good = prepare("too_many", 5000), prepare("few", 60)
    after = job("build", "0", {"data": bad.outputs["data"]}, {"layers": "results/mine/layers"})
    (tmp_path / FILE).write_text(json.dumps([asdict(each) for each in (bad, after, good)]))
    return tmp_path


@pytest.mark.slow
def test_a_failure_is_said_and_does_not_stop_what_does_not_need_it(study, capfd):
    home = study / "home.tar.gz"
    assert run.run(study, home=home) == run.FAILED
    said = capfd.readouterr().out
    assert "3 of 3 jobs to run" in said
    assert "prepare_data too_many  FAILED" in said
    assert "digits has 1797 points, fewer than the n + n_test = 5000 + 10 asked for" in said
    assert "not run: it needs what failed" in said
    assert (study / "results/mine/data/few.safetensors").is_file()
    assert said.endswith("2 jobs left; the same command goes on\n")
    assert home.is_file()
    took = (study / "results/mine/seedfew/benchmarks/prepare_data.tsv").read_text()
    assert took.startswith("s\tmax_rss\tcpu_time\n")


def test_no_job_begins_when_time_is_up(study, capfd):
    assert run.run(study, minutes=0) == run.LEFT
    assert "not begun: time is up" in capfd.readouterr().out
    assert not (study / "results").exists()


def test_a_job_is_cut_off_at_the_end_of_the_time(study, capfd):
    assert run.run(study, minutes=1e-3) == run.LEFT
    assert (
        "cut off after 0 s: time is up; in the next call it begins anew" in capfd.readouterr().out
    )


def test_a_jobs_threads_are_set_as_snakemake_sets_them():
    text = Path(find_spec("snakemake.shell").origin).read_text()
    assert set(run.THREADS) == set(re.findall(r'envvars\["(\w+_THREADS)"\] = threads', text))
