"""One job of a packed study: its script, run unchanged, with a stand-in for Snakemake's object.

    python -m agop_collapse.packed.script NUMBER

runs the job of a number in the folder's list. It is a process of its own, as with Snakemake.
"""

import resource
import runpy
import sys
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from ..files.atomic import atomic
from .jobs import PackedJob, read

SCRIPTS = Path(__file__).parents[2] / "scripts"
MIB = 2**20


class Named(list):
    """Values in order and by name, as Snakemake hands them to a script; a list's, one by one."""

    def __init__(self, **values: Any):
        every = (value if isinstance(value, list) else [value] for value in values.values())
        super().__init__(item for several in every for item in several)
        self.__dict__.update(values)

    def __getitem__(self, key: Any) -> Any:
        return self.__dict__[key] if isinstance(key, str) else super().__getitem__(key)

    def get(self, name: str, default: Any = None) -> Any:
        """The value of a name, if it has one."""
        return self.__dict__.get(name, default)


def stand_in(job: PackedJob) -> SimpleNamespace:
    """What a script knows of Snakemake."""
    return SimpleNamespace(
        rule=job.rule,
        input=Named(**job.inputs),
        output=Named(**job.outputs),
        params=Named(settings=job.settings),
        log=Named(log=job.log),
        resources=Named(gpu=job.gpus),
    )


def run(job: PackedJob) -> None:
    """Run a job in the working folder, and write down what it took if it ends well."""
    for path in (job.log, job.benchmark):
        Path(path).parent.mkdir(parents=True, exist_ok=True)
    begin = time.monotonic()
    sys.path.insert(0, str(SCRIPTS))
    runpy.run_path(
        str(SCRIPTS / f"{job.rule}.py"), {"snakemake": stand_in(job)}, run_name="__main__"
    )
    _write_benchmark(Path(job.benchmark), time.monotonic() - begin)


def _write_benchmark(path: Path, seconds: float) -> None:
    """In the form of Snakemake's, as far as a report reads it; memory in MiB."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    peak = used.ru_maxrss * (1 if sys.platform == "darwin" else 1024) / MIB
    cpu = used.ru_utime + used.ru_stime
    with atomic(path) as partial:
        partial.write_text(f"s\tmax_rss\tcpu_time\n{seconds:.2f}\t{peak:.2f}\t{cpu:.2f}\n")


if __name__ == "__main__":
    run(read(Path())[int(sys.argv[1])])
