"""A reference: the small tables of a study as they were made on one machine, to compare with.

A folder of Parquet files, one a table, and `reference.json`, which says on what machine, by which
libraries and in what time. Spectra are thinned, and of a large study's networks the first and the
last epoch alone are kept, so that a study takes less than 1 MB.
"""

import csv
import io
import json
import platform
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from ..files.atomic import StorageError, atomic
from ..files.run_record import load_run
from ..files.stamp import expect_identity, read_identity

FACTS = "reference.json"
LEDGER = "claims.csv"
# Columns that count many values of one thing, of which a reference has the 1st, 2nd, 4th, 8th ...
COUNTING = ("index", "number")
LARGEST_MB = 1.0


def thinned(frame: pd.DataFrame) -> pd.DataFrame:
    """The rows of a table that a reference keeps: of spectra and searches by powers of two."""
    for column in COUNTING:
        if column in frame:
            counted = frame[column].to_numpy()
            frame = frame[(counted & (counted - 1)) == 0]
    return frame.reset_index(drop=True)


def ends(frame: pd.DataFrame) -> pd.DataFrame:
    """Of networks, measured at many epochs, the rows of each run's first and last."""
    if "epoch" not in frame:
        return frame
    epochs = frame.groupby(["dataset", "run", "seed"])["epoch"]
    first, last = epochs.transform("min"), epochs.transform("max")
    return frame[(frame["epoch"] == first) | (frame["epoch"] == last)]


def write(
    folder: Path,
    tables: Mapping[str, tuple[str, str]],
    records: Iterable[str],
    benchmarks: Iterable[str],
    facts: Mapping[str, Any],
    ledger: tuple[str, str],
) -> float:
    """Write a study's reference, and return its size in MB; the same results, the same bytes.

    Parameters
    ----------
    tables : path and identity of each table of the study
    records : each run's run.json
    benchmarks : tables of Snakemake's, in which a job's time stands
    facts : what else `reference.json` is to say
    ledger : path and identity of the study's claims, which are kept if they are there, as text

    Raises
    ------
    StorageError : when a table is not there, or one or the ledger is not of its identity, or all is
        more than 1 MB.
    """
    made = {"made_on": made_on(records), "seconds": seconds(benchmarks)}
    texts = {FACTS: json.dumps(dict(facts) | made, indent=2, sort_keys=True) + "\n"}
    if Path(ledger[0]).exists():
        texts[LEDGER] = _todays(*ledger).drop(columns="study").to_csv(index=False)
    frames = {name: thinned(_todays(*table)) for name, table in tables.items()}
    files = _as_files(texts, frames)
    if _size_mb(files) > LARGEST_MB:
        files = _as_files(texts, {name: ends(frame) for name, frame in frames.items()})
    size = _size_mb(files)
    if size > LARGEST_MB:
        raise StorageError(
            f"the reference in {folder} would take {size:.2f} MB, more than the {LARGEST_MB:g} MB "
            "that it may: leave seeds, runs or measured epochs out of the study"
        )
    folder.mkdir(parents=True, exist_ok=True)
    for stale in folder.iterdir():
        stale.unlink()
    for name, content in files.items():
        with atomic(folder / name) as partial:
            partial.write_bytes(content)
    return size


def _todays(path: str, identity: str) -> pd.DataFrame:
    frame = read_table(Path(path))
    expect_identity(path, read_identity(Path(path)) or "", identity)
    return frame


def _as_files(texts: Mapping[str, str], frames: Mapping[str, pd.DataFrame]) -> dict[str, bytes]:
    tables = {f"{name}.parquet": _as_parquet(frame) for name, frame in frames.items()}
    return {name: text.encode() for name, text in texts.items()} | tables


def _size_mb(files: Mapping[str, bytes]) -> float:
    return sum(map(len, files.values())) / 1e6


def _as_parquet(frame: pd.DataFrame) -> bytes:
    """Small, and without pandas' own metadata, whose versions would change the bytes."""
    buffer = io.BytesIO()
    content = pa.Table.from_pandas(frame, preserve_index=False).replace_schema_metadata(None)
    pq.write_table(content, buffer, compression="zstd", compression_level=19)
    return buffer.getvalue()


def described(facts: Mapping[str, Any], same_machine: bool) -> list[str]:
    """What a reference was made on, and how near to it numbers are expected, line by line."""
    made = facts["made_on"]
    versions = ", ".join(f"{name} {' '.join(each)}" for name, each in made["versions"].items())
    threads = ", ".join(map(str, made["torch_threads"]))
    expected = "the same bits" if same_machine else "the same numbers within tolerances"
    return [
        f"The reference of the study {facts['study']} was made on {made['processor']}, device "
        f"{', '.join(made['devices'])}, torch threads {threads}, by {versions}.",
        f"From here, {expected} are expected.",
    ]


def read(folder: Path) -> tuple[dict[str, pd.DataFrame], dict[str, Any]]:
    """A reference's tables by name, and its facts.

    Raises
    ------
    StorageError : when there is none, or it cannot be read.
    """
    try:
        facts = json.loads((folder / FACTS).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        there = ", ".join(sorted(each.name for each in folder.parent.glob("*/"))) or "none"
        raise StorageError(
            f"there is no reference in {folder} to compare with ({error}); of these studies there "
            f"is one: {there}. `snakemake reference` writes one of a study that is built"
        ) from error
    return {file.stem: read_table(file) for file in sorted(folder.glob("*.parquet"))}, facts


def read_ledger(folder: Path) -> pd.DataFrame:
    """The claims of a reference that has them, as `claims.ledger` writes them, all as text."""
    return pd.read_csv(folder / LEDGER, dtype=str)


def read_table(path: Path) -> pd.DataFrame:
    """A table by whomever it was written: without the checks of `files.tables`, which know ours.

    Raises
    ------
    StorageError : when it cannot be read.
    """
    try:
        return pq.read_table(path, page_checksum_verification=True).to_pandas()
    except FileNotFoundError:
        raise StorageError(f"{path} is not there; `snakemake tables` makes it") from None
    except (OSError, pa.ArrowException, UnicodeDecodeError) as error:
        raise StorageError(f"{path} cannot be read ({error})") from error


def made_on(records: Iterable[str]) -> dict[str, Any]:
    """What runs were computed on: this machine's processor, and what their records say.

    Of devices, threads and each library's versions all that there are among the runs that are
    there, sorted.
    """
    found = [load_run(Path(path)) for path in records if Path(path).exists()]
    libraries = sorted({name for record in found for name in record["versions"]})
    return {
        "processor": processor(),
        "devices": sorted({record["device"] for record in found}),
        "torch_threads": sorted({record["torch_threads"] for record in found}),
        "versions": {
            name: sorted({record["versions"][name] for record in found}) for name in libraries
        },
    }


def processor() -> str:
    """What the processor is called, with its family and model where the system says them.

    The last bits of a product depend on it.
    """
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:  # other systems than Linux
        return platform.processor() or platform.machine()
    facts = {}
    for line in lines:
        key, _, value = line.partition(":")
        facts.setdefault(key.strip(), value.strip())
    if "model name" not in facts:
        return platform.machine()
    numbers = [f"{key} {facts[key]}" for key in ("cpu family", "model") if key in facts]
    return ", ".join([facts["model name"], *numbers])


def seconds(benchmarks: Iterable[str]) -> dict[str, float]:
    """What the jobs of each rule took together, on the clock of the machine that made them."""
    found: dict[str, float] = {}
    for path in map(Path, benchmarks):
        if path.exists():
            with open(path, newline="") as file:
                (job,) = csv.DictReader(file, delimiter="\t")
            found[path.stem] = round(found.get(path.stem, 0.0) + float(job["s"]), 1)
    return found
