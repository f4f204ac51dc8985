"""What jobs were expected to take, beside what those of a finished study took.

    python benchmarks/resources.py STUDY [--configfile FILE.yaml] [--directory FOLDER]

Each build, training and measurement ends its log with its largest memory, and Snakemake writes its
time into `benchmarks/` beside its results (and a memory which it samples, so that it may miss the
largest). The memory must not have been larger than what the plan says
(workflow/agop_collapse/plan/resources.py), and should not have been less than half of it; disk
alike. Time is that of the processor; the plan's is one of a slow core.
"""

import argparse
import csv
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import yaml

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "workflow"))

from agop_collapse.files.contents import Contents  # noqa: E402
from agop_collapse.plan.configuration import load  # noqa: E402
from agop_collapse.plan.forecast import size_mb  # noqa: E402
from agop_collapse.plan.job import MADE, MEASURE, Job  # noqa: E402
from agop_collapse.plan.jobs import Jobs  # noqa: E402

PEAK = re.compile(r"at most (\d+) MB of memory$", re.MULTILINE)


class Taken(NamedTuple):
    """A job, and what it took: MB of memory, seconds of the processor, MB of disk."""

    rule: str
    folder: str
    job: Job
    mem_mb: float
    seconds: float
    disk_mb: float


def main() -> None:
    arguments = parse()
    config = yaml.safe_load((ROOT / "config.yaml").read_text(encoding="utf-8"))
    if arguments.configfile:
        config |= yaml.safe_load(arguments.configfile.read_text(encoding="utf-8"))
    config["study"] = arguments.study
    contents = Contents(arguments.directory / ".snakemake" / "agop_collapse" / "contents.json")
    jobs = Jobs(load(config), ROOT / "workflow", "data", contents, with_gpus=arguments.gpu)
    print("| job | MB of memory | planned | ratio | CPU seconds | planned | MB of disk | planned |")
    print("|---|---|---|---|---|---|---|---|")
    for each in taken(jobs, arguments.study, arguments.directory):
        print(
            f"| {each.rule}: {each.folder} | {each.mem_mb:.0f} | {each.job.mem_mb} "
            f"| {each.job.mem_mb / each.mem_mb:.2f} | {each.seconds:.0f} | {each.job.seconds:.0f} "
            f"| {each.disk_mb:.1f} | {each.job.disk_mb} |"
        )


def taken(jobs: Jobs, study: str, directory: Path) -> Iterator[Taken]:
    """What each job of a study's runs took, of those that have run."""
    for run in jobs.studies[study].runs:
        made = [(MADE[run.kind].rule, jobs.make(run))] if run.is_made else []
        for rule, job in (*made, (MEASURE[run.kind], jobs.measure(run))):
            file = directory / run.folder / "benchmarks" / f"{rule}.tsv"
            if not file.exists():
                continue
            with open(file, encoding="utf-8", newline="") as lines:
                (row,) = csv.DictReader(lines, delimiter="\t")
            disk = sum(size_mb(directory / path) for path in job.outputs.values())
            folder = run.folder.partition(f"{run.kind}/")[2]
            log = directory / run.folder / "logs" / f"{rule}.log"
            memory = float(PEAK.findall(log.read_text(errors="replace"))[-1])
            yield Taken(rule, folder, job, memory, float(row["cpu_time"]), disk)


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("study")
    parser.add_argument("--configfile", type=Path, help="beside config.yaml, as for snakemake")
    parser.add_argument("--directory", type=Path, default=Path(), help="as for snakemake")
    parser.add_argument("--gpu", action="store_true", help="the jobs computed on a GPU")
    return parser.parse_args()


if __name__ == "__main__":
    main()
