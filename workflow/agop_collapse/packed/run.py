"""Run the jobs of a packed study, one after the other, until they are done or time is up."""

import os
import subprocess
import sys
import time
from pathlib import Path

from . import results
from .jobs import PackedJob, read, to_run

# What Snakemake sets to a job's threads: some last bits depend on them.
LIBRARIES = ("OMP_NUM", "GOTO_NUM", "OPENBLAS_NUM", "MKL_NUM", "VECLIB_MAXIMUM", "NUMEXPR_NUM")
THREADS = tuple(f"{library}_THREADS" for library in LIBRARIES)
# Scripts that keep what they have done when they are killed.
RESUMED = ("build_deep_rfm", "train_network", "train_own_network")
LIBRARY = Path(__file__).resolve().parents[1]
# The lines of a failed job's log that are shown.
SHOWN = 15
# Exit statuses: all is there; a job failed; what is left is for the next call.
DONE, FAILED, LEFT = 0, 1, 75


class TimeIsUp(Exception):
    """A call's time is over, or it was asked to end; what it ran was killed."""


def run(folder: Path, minutes: float | None = None, home: Path | None = None) -> int:
    """Run what is not there yet, in order, each job as a process of its own; the exit status.

    Killed at the end of the time, a job that builds or trains goes on in the next call from its
    last whole file. What does not need a job that failed is run all the same.

    Parameters
    ----------
    folder : that a packed study was unpacked into
    minutes : of this call, after which its job is killed; None for as long as it takes
    home : a file for all that is small, written at the end, whatever the end is

    Raises
    ------
    UserError : where there is no packed study.
    """
    until = None if minutes is None else time.monotonic() + 60 * minutes
    jobs = read(folder)
    waiting = to_run(jobs, folder)
    _say(f"{len(waiting)} of {len(jobs)} jobs to run")
    # Each job says what it is in the width of the widest.
    wide = max((len(_name(job)) for job in waiting), default=0)
    failed: set[str] = set()
    status = DONE
    try:
        for job in waiting:
            results.drop(jobs, folder)
            print(f"{_name(job):{wide}}", end="  ", flush=True)
            if failed.intersection(job.reads):
                _say("not run: it needs what failed")
            elif not _run_one(jobs.index(job), job, folder, until):
                status = FAILED
            else:
                continue
            failed.update(job.outputs.values())
    except (TimeIsUp, KeyboardInterrupt) as end:
        _say(str(end))
        status = LEFT
    results.drop(jobs, folder)
    if home is not None:
        _say(f"{results.bring_home(jobs, folder, home)} files in {home}")
    left = len(to_run(jobs, folder))
    _say(f"{left} jobs left; the same command goes on" if left else "All is there.")
    return status


def _run_one(number: int, job: PackedJob, folder: Path, until: float | None) -> bool:
    """Run a job and say what it took; whether it did well.

    Raises
    ------
    TimeIsUp : when it could not end, or begin, in time.
    """
    begin = time.monotonic()
    if until is not None and begin >= until:
        raise TimeIsUp("not begun: time is up")
    process = _start(number, job, folder)
    try:
        code = process.wait(None if until is None else until - begin)
    except (subprocess.TimeoutExpired, KeyboardInterrupt) as end:
        process.kill()
        process.wait()
        why = "time is up" if isinstance(end, subprocess.TimeoutExpired) else "interrupted"
        again = "it goes on from here" if job.rule in RESUMED else "it begins anew"
        took = f"{time.monotonic() - begin:.0f} s"
        raise TimeIsUp(f"cut off after {took}: {why}; in the next call {again}") from None
    took = f"{time.monotonic() - begin:.0f} s"
    if code == 0:
        _say(took)
        return True
    _say(f"FAILED after {took} (exit status {code}); the end of {job.log}:")
    try:
        lines = (folder / job.log).read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        lines = ["(there is none)"]
    for line in lines[-SHOWN:]:
        _say(f"    {line}")
    return False


def _start(number: int, job: PackedJob, folder: Path) -> subprocess.Popen:
    """A process for a job, which finds this library, and the user's own code in the folder."""
    more = dict.fromkeys(THREADS, str(job.threads))
    places = [str(LIBRARY.parent), os.environ.get("PYTHONPATH")]
    more["PYTHONPATH"] = os.pathsep.join(filter(None, places))
    command = [sys.executable, "-m", f"{__package__}.script", str(number)]
    return subprocess.Popen(command, cwd=folder, env=os.environ | more)


def _name(job: PackedJob) -> str:
    return f"{job.rule} {job.of}"


def _say(line: str) -> None:
    print(line, flush=True)
