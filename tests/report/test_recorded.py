"""Cost and versions, from the records of jobs as Snakemake and the scripts leave them."""

import math

import pytest
from agop_collapse.files.run_record import save_run
from agop_collapse.report.recorded import COST, cost, disk_mb, total, versions

# As Snakemake 9 writes it.
BENCHMARK = (
    "s\th:m:s\tmax_rss\tmax_vms\tmax_uss\tmax_pss\tio_in\tio_out\tmean_load\tcpu_time\n"
    "48.03\t0:00:48\t671.54\t3359.55\t425.17\t464.89\t0.06\t287.60\t14.85\t7.20\n"
)


def job(folder, seed: int = 0) -> dict:
    return {
        **{"dataset": "digits", "run": "mlp", "seed": seed, "rule": "train_network"},
        "benchmark": str(folder / "benchmark.tsv"),
        "outputs": [str(folder / "checkpoints"), str(folder / "run.json")],
        "record": str(folder / "run.json"),
    }


@pytest.fixture
def run(tmp_path):
    """A run's folder with all that is recorded of it."""
    (tmp_path / "benchmark.tsv").write_text(BENCHMARK)
    (tmp_path / "checkpoints" / "deeper").mkdir(parents=True)
    (tmp_path / "checkpoints" / "a").write_bytes(bytes(1_500_000))
    (tmp_path / "checkpoints" / "deeper" / "b").write_bytes(bytes(500_000))
    record = {"device": "cpu", "versions": {"torch": "2.14.1", "numpy": "2.4.6"}}
    save_run(tmp_path / "run.json", "ab" * 32, record)
    return tmp_path


def test_cost_of_a_job(run):
    table = cost([job(run)])
    assert list(table) == list(COST)
    row = table.iloc[0]
    assert (row["seconds"], row["cpu_seconds"], row["device"]) == (48.03, 7.2, "cpu")
    assert row["peak_memory_mb"] == pytest.approx(671.54 * 1024**2 / 1e6)
    record = (run / "run.json").stat().st_size
    assert row["disk_mb"] == pytest.approx(2 + record / 1e6)


def test_total_of_what_is_recorded(run, tmp_path):
    table = cost([job(run), job(tmp_path / "elsewhere", seed=1)])
    said = dict(total(table))
    assert said["Jobs recorded"] == "1 of 2"
    assert said["Time, one after the other"] == "0.8 min"
    assert said["Largest memory"] == "704 MB"
    assert said["Device"] == "cpu"


@pytest.mark.parametrize("content", [None, "", "s\n", "s\tmax_rss\n1\t2\n3\t4\n", "\0"])
def test_what_is_not_recorded_is_empty(tmp_path, content):
    if content is not None:
        (tmp_path / "benchmark.tsv").write_text(content)
    table = cost([job(tmp_path)])
    assert math.isnan(table["seconds"].astype(float).iloc[0])
    assert table["disk_mb"].iloc[0] == 0
    assert dict(total(table)) == {"Disk": "0 MB"}


def test_job_too_short_for_its_memory_to_be_seen(tmp_path):
    (tmp_path / "benchmark.tsv").write_text("s\tmax_rss\tcpu_time\n0.5\t-\tNA\n")
    row = cost([job(tmp_path)]).iloc[0]
    assert row["seconds"] == 0.5
    assert math.isnan(row["peak_memory_mb"])
    assert math.isnan(row["cpu_seconds"])


def test_disk_of_what_is_not_there_is_none(tmp_path):
    assert disk_mb([str(tmp_path / "none")]) == 0


def test_versions_are_counted_over_runs(run, tmp_path):
    other = tmp_path / "other.json"
    save_run(other, "cd" * 32, {"versions": {"torch": "2.13.0", "numpy": "2.4.6"}})
    paths = [str(run / "run.json"), str(other), str(tmp_path / "none.json")]
    assert versions(paths) == [
        ("numpy", "2.4.6", 2),
        ("torch", "2.13.0", 1),
        ("torch", "2.14.1", 1),
    ]
