"""What lies in the results already, where Snakemake's records of it are missing."""

import json
import shlex
from importlib import metadata
from pathlib import Path

import pandas as pd
import pytest
from agop_collapse.files import tables
from agop_collapse.files.run_record import save_run
from agop_collapse.plan.existing import other_versions, record_of, strangers, warning
from agop_collapse.plan.job import Job
from snakemake.persistence.file import FilePersistence

ONE, OTHER = "1" * 64, "2" * 64


def write(folder: Path, path: str, identity: str) -> None:
    """A result of an identity."""
    file = folder / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps({"identity": identity}))


def record(folder: Path, path: str, identity: str) -> None:
    """Snakemake's record of an output, where Snakemake itself would put it."""
    place = snakemakes_record(path, folder)
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(json.dumps({"params": [repr(f"a_rule {identity}")]}))


def snakemakes_record(path: str, folder: Path) -> Path:
    metadata_folder = folder / ".snakemake" / "metadata"
    metadata_folder.mkdir(parents=True, exist_ok=True)
    # Its constructor wants a whole workflow; what it says of a path does not.
    persistence = FilePersistence.__new__(FilePersistence)
    persistence._max_len = None
    return Path(persistence._record_path(str(metadata_folder), path))


# Snakemake's records

PATHS = [
    "results/demo/tables/runs.parquet",
    "results/demo/networks/digits/mlp,gain=0.3/seed0/run.json",
    "figures/é.pdf",
    *("x" * length for length in (189, 190, 191, 192, 380, 381, 382, 600, 2000)),
]


@pytest.mark.parametrize("path", PATHS, ids=lambda path: f"{path[:20]} {len(path)}")
def test_record_is_looked_for_where_snakemake_puts_it(path, tmp_path):
    assert not record_of(path, tmp_path).exists()
    record(tmp_path, path, ONE)
    assert record_of(path, tmp_path).exists()
    assert not record_of(path + "x", tmp_path).exists()


def test_paths_are_long_enough_to_be_cut(tmp_path):
    cut = [path for path in PATHS if "@" in str(snakemakes_record(path, tmp_path))]
    assert 4 <= len(cut) < len(PATHS)


# Strangers


def chain() -> list[Job]:
    """Two jobs and one made from both, and one that is made from this."""
    return [
        Job(ONE, {}, {}, {"layers": "a/layers", "record": "a/run.json"}),
        Job(ONE, {}, {}, {"table": "b.parquet"}),
        Job(ONE, {}, {"parts": ["a/layers", "b.parquet"]}, {"table": "c.parquet"}),
        Job(ONE, {}, {"parts": ["c.parquet"]}, {"pdf": "d.pdf", "png": "d.png"}),
    ]


OUTPUTS = ["a/layers/identity", "a/run.json", "b.parquet", "c.parquet", "d.pdf", "d.png"]


def test_nothing_there_is_no_stranger(tmp_path):
    assert strangers(chain(), tmp_path) == []
    assert warning(chain(), "all", tmp_path) == ""


def test_todays_results_are_no_strangers(tmp_path):
    for path in OUTPUTS:
        write(tmp_path, path, ONE)
    assert strangers(chain(), tmp_path) == []


@pytest.mark.parametrize("path", OUTPUTS)
def test_result_of_another_identity_is_a_stranger(path, tmp_path):
    for other in OUTPUTS:
        write(tmp_path, other, OTHER if other == path else ONE)
    named = path.removesuffix("/identity")
    assert strangers(chain(), tmp_path) == [named]
    record(tmp_path, named, OTHER)  # then Snakemake sees for itself that its identity is another
    assert strangers(chain(), tmp_path) == []
    # But not that another file was put in the place of the one that it remembers.
    record(tmp_path, named, ONE)
    assert strangers(chain(), tmp_path) == [named]


def test_what_is_made_from_a_stranger_is_not_named(tmp_path):
    for path in OUTPUTS:
        write(tmp_path, path, OTHER)
    assert strangers(chain(), tmp_path) == ["a/layers", "b.parquet"]
    (tmp_path / "b.parquet").unlink()
    assert strangers(chain(), tmp_path) == ["a/layers"]
    for path in OUTPUTS[:2]:
        write(tmp_path, path, ONE)
    assert strangers(chain(), tmp_path) == ["c.parquet"]


def test_result_without_an_identity_is_a_stranger(tmp_path):
    (tmp_path / "b.parquet").write_text("of some other program")
    (tmp_path / "a" / "layers").mkdir(parents=True)
    assert strangers(chain(), tmp_path) == ["a/layers", "b.parquet"]


def test_csv_is_not_asked(tmp_path):
    """It has no header; the Parquet file beside it has."""
    job = Job(ONE, {}, {}, {"table": "a.parquet", "csv": "a.csv"})
    write(tmp_path, "a.csv", OTHER)
    assert strangers([job], tmp_path) == []
    write(tmp_path, "a.parquet", OTHER)
    assert strangers([job], tmp_path) == ["a.parquet"]


def test_files_that_jobs_write_are_recognised(tmp_path):
    columns = tables.MEASURED["agop_spectrum"].names
    frame = pd.DataFrame({name: [1] for name in columns}).astype({"eigenvalue": float})
    tables.save(tmp_path / "b.parquet", "agop_spectrum", frame, ONE)
    (tmp_path / "a").mkdir()
    # The identity of what it is made from stands in it, too.
    save_run(tmp_path / "a" / "run.json", ONE, {"dataset_identity": OTHER})
    assert strangers(chain(), tmp_path) == []
    tables.save(tmp_path / "b.parquet", "agop_spectrum", frame, OTHER)
    save_run(tmp_path / "a" / "run.json", OTHER, {"dataset_identity": ONE})
    assert strangers(chain(), tmp_path) == ["a/run.json", "b.parquet"]


# Versions


def run(folder: Path, name: str, **versions: str) -> Job:
    save_run(folder / f"{name}.json", ONE, {"versions": versions})
    return Job(ONE, {}, {}, {"layers": name, "record": f"{name}.json"})


def test_runs_of_other_versions_are_counted(tmp_path):
    here = {name: metadata.version(name) for name in ("numpy", "torch")}
    jobs = [
        run(tmp_path, "today", **here),
        run(tmp_path, "old", **here | {"torch": "1.0"}),
        run(tmp_path, "as_old", **here | {"torch": "1.0"}),
        run(tmp_path, "older", torch="1.0", numpy="0.9"),
        # Of a package that is not installed where one plans nothing is known.
        run(tmp_path, "elsewhere", no_such_package="1.0"),
        run(tmp_path, "silent"),
        Job(ONE, {}, {}, {"layers": "missing", "record": "missing.json"}),
        Job(ONE, {}, {}, {"table": "b.parquet"}),
    ]
    assert other_versions(jobs, tmp_path) == {"torch 1.0": 2, "numpy 0.9, torch 1.0": 1}
    lines = warning(jobs, "all", tmp_path).splitlines()
    assert len(lines) == 2
    assert lines[0].startswith("2 runs made with torch 1.0 lie here")
    assert lines[1].startswith("1 run made with numpy 0.9, torch 1.0 lie")


@pytest.mark.parametrize(
    "content", ["", "{", "[]", "3", '{"versions": null}', '{"versions": 3}', '{"versions": ["a"]}']
)
def test_damaged_record_says_nothing_of_versions(content, tmp_path):
    (tmp_path / "run.json").write_text(content)
    job = Job(ONE, {}, {}, {"record": "run.json"})
    assert other_versions([job], tmp_path) == {}


# The warning


def test_warning_names_the_command_that_derives_strangers_again(tmp_path):
    folder = "results/demo/networks/digits/mlp,gain=0.3/seed0"
    jobs = [
        Job(ONE, {}, {}, {"checkpoints": f"{folder}/checkpoints", "record": f"{folder}/run.json"}),
        Job(ONE, {}, {}, {"table": "results/demo/tables/theory_kernel.parquet"}),
    ]
    for path in (f"{folder}/checkpoints/identity", "results/demo/tables/theory_kernel.parquet"):
        write(tmp_path, path, OTHER)
    text, command = warning(jobs, "all", tmp_path).splitlines()
    assert text.startswith(
        "2 results were made by other settings, data or code than today's, or damaged since, and"
    )
    assert shlex.split(command) == [
        *("snakemake", "all", "-R"),
        f"{folder}/checkpoints",
        "results/demo/tables/theory_kernel.parquet",
    ]
    write(tmp_path, f"{folder}/checkpoints/identity", ONE)
    assert warning(jobs, "all", tmp_path).startswith("a result was made by other settings")
