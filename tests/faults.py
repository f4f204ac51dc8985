"""Re-runs of a finished study in which one job fails for a passing reason.

As a script, `python tests/faults.py --all`, every job of a small study in turn is killed, and fails
by an exception, before and after it has written something, in the re-run after each change, with
one seed and with two. That takes two hours of one core; tests/workflow/test_faults.py runs a part.
"""

import argparse
import hashlib
import itertools
import json
import random
import re
import shutil
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "workflow"), str(ROOT / "tests")]

from studies import TINY  # noqa: E402
from workflow_helpers import Workplace, contents  # noqa: E402

# Python runs this module, by its name, when it starts. In the process of a job that is among the
# faults it fails, once: at the first file that takes its name in the results, or behind a later.
SITECUSTOMIZE = """
import errno, json, os, signal, sys

faults = os.environ["FAULTS"]


def own_fault(script):
    if not os.path.dirname(script).endswith("/.snakemake/scripts"):
        return None
    with open(script, "rb") as file:
        given = file.read()  # it begins with all that the job is given, its log among it
    with open(os.path.join(faults, "faults.json")) as file:
        every = [fault for fault in json.load(file) if fault["log"].encode() in given]
    return every[0] if every else None


def fail():
    try:
        os.close(os.open(os.path.join(faults, fault["flag"]), os.O_CREAT | os.O_EXCL))
    except FileExistsError:
        return
    if fault["mode"] == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def failing_replace(source, target, replace=os.replace, placed=[]):
    # Some library's cache; a second name.
    if os.path.isabs(target) or "/.store/" in os.fspath(target):
        return replace(source, target)
    if fault["behind"] == 0:
        fail()
    replace(source, target)
    placed.append(target)
    if len(placed) == fault["behind"]:
        fail()


if fault := own_fault(sys.argv[0]):
    os.replace = failing_replace
    if fault["mode"] == "kill" and fault["behind"] == 0:  # before it has so much as begun
        fail()
"""
MODES = ("kill", "exception")
# How many files of a job are in place when it fails: none, or the first of several or the only one;
# of a run its mark and some steps, or all but its record.
BEHIND = {
    "build_deep_rfm": (0, 2, 4),  # of mark, layers 1 and 2, folder, record
    "train_network": (0, 4, 5, 8),  # of mark, three times epoch and optimizer, folder, record
}


def study(seeds: int) -> dict[str, Any]:
    """A study with every kind of job but those of `others`."""
    return {
        "seeds": list(range(seeds)),
        "device": "cpu",
        "datasets": {"digits": {"kind": "digits", "n": 60}},
        "deep_rfm": [{"depth": 2, "width": 16}],
        "networks": [
            {"model": "mlp", "width": 16, "epochs": 2, "measure_every": 1, "batch_size": 16}
        ],
        "theory_kernel": {"width": 16, "draws": 2},
        "figures": {"fig03": None, "fig10": None, "v1_fig04": None},
    }


# The module of a network of one's own.
OWN_NETWORK = """
from torch import nn


def small(image_shape, classes):
    return nn.Sequential(nn.Flatten(), nn.Linear(64, 9), nn.ReLU(), nn.Linear(9, classes))
"""


def others(seeds: int) -> dict[str, Any]:
    """A study with the kinds of job that `study` has not."""
    return {
        "seeds": list(range(seeds)),
        "device": "cpu",
        "datasets": {"digits": {"kind": "digits", "n": 60}},
        "own_networks": [{"network": "my_nets:small", "epochs": 2, "measure_every": 1}],
        "theory": TINY["theory"],
        "figures": {"layers": {"plot": "network_layers"}, "theory_rate": None},
    }


# File of the library to what is replaced in it, and by what.
Edits = dict[str, tuple[str, str]]


def edit(place: Workplace, edits: Edits) -> None:
    """Replace text, that must be there once, in files of the library."""
    for file, (old, new) in edits.items():
        text = (place.library / file).read_text()
        assert text.count(old) == 1, f"{file} has not one {old!r}"
        (place.library / file).write_text(text.replace(old, new))


@dataclass(frozen=True)
class Change:
    """What a user changes in a finished study.

    settings : key path to value
    untouched : logs of jobs that make the same as before, by a part of their paths
    """

    settings: dict[str, Any] = field(default_factory=dict)
    formulas: Edits = field(default_factory=dict)
    untouched: tuple[str, ...] = ()

    def apply(self, place: Workplace, changed: dict[str, Any]) -> None:
        """changed : a study, of which nobody else has need"""
        (place.work / "my_nets.py").write_text(OWN_NETWORK)
        for path, value in self.settings.items():
            *keys, last = [int(key) if key.isdigit() else key for key in path.split(".")]
            inner = changed
            for key in keys:
                inner = inner[key]
            inner[last] = value
        place.configure({"tiny": changed})
        edit(place, self.formulas)


# One that no run is made anew for.
OTHERS = Change({"own_networks.0.learning_rate": 0.02, "theory.layers": 9})
PICTURE = Change({"figures.v1_fig02": {"layers": [1, 2]}})
THEORY = ("simulate_theory_kernel", "figures/v1_fig04")
CHANGES = {
    "n": Change({"datasets.digits.n": 80}, untouched=THEORY),
    "setting": Change(
        {"deep_rfm.0.ridge": 0.01, "networks.0.gain": 0.5, "theory_kernel.draws": 3},
        untouched=("prepare_data",),
    ),
    # Of the first rule, and of one that nothing is made from but a figure.
    "formula": Change(
        formulas={
            "data/prepare.py": ("pixels /= scale", "pixels /= 2 * scale"),
            "metrics/theory.py": ("math.sqrt(2 * INPUT_DIM", "math.sqrt(3 * INPUT_DIM"),
        }
    ),
    # Of what is measured: the layers and weights stay.
    "measure": Change(
        formulas={"metrics/collapse.py": ("nc1 / classes", "nc1 / (classes + 1)")},
        untouched=(*THEORY, "prepare_data", "build_deep_rfm", "train_network", "list_runs"),
    ),
}


class Fault(NamedTuple):
    """How a job fails once.

    job : its log below the study's results
    mode : of MODES; behind : how many files it has put in place by then
    """

    job: str
    mode: str
    behind: int


class Case(NamedTuple):
    """A re-run after a change, in which jobs fail, each in another call of the same command.

    target : of the command; the default target if empty
    """

    faults: tuple[Fault, ...]
    change: str
    seeds: int
    target: str

    @property
    def name(self) -> str:
        """All of it, in one line."""
        failing = ", ".join(" ".join(map(str, fault)) for fault in self.faults)
        return f"{self.change}, seeds {self.seeds}: {failing}; {self.target or 'default target'}"


def script_of(job: str) -> str:
    """The script of a job, by its log."""
    folder, name = Path(job).parts[-2:]
    if folder == "figures":
        return "plot_figure"
    # One that is made at several epochs has the epoch behind its name.
    return re.sub(r"_\d+$", "", Path(name).stem) if folder == "logs" else folder


class Faults:
    """Finished studies, what fresh builds of changed ones hold, and cases that start from there.

    root : a folder, where finished studies are found again the next time
    target : what they are built for; the default target if empty
    edits : of the library, as the formulas of a change, that all have
    study : of some number of seeds
    """

    def __init__(
        self,
        root: Path,
        target: str = "",
        edits: Edits | None = None,
        study: Callable[[int], dict[str, Any]] = study,
    ):
        self.root = root
        self._study = study
        self._target = target.split()
        self._edits = edits or {}
        self._locks: dict[str, threading.Lock] = {}

    def finished(self, seeds: int) -> Workplace:
        """The study before any change, built. Not to be changed itself."""
        return self._built(f"finished-{seeds}", Change(), seeds)

    def fresh(self, change: str, seeds: int) -> Workplace:
        """The changed study, built from nothing. Not to be changed itself."""
        return self._built(f"fresh-{change}-{seeds}", _change(change), seeds)

    def _built(self, name: str, change: Change, seeds: int) -> Workplace:
        with self._locks.setdefault(name, threading.Lock()):
            if not (self.root / name).exists():
                partial = self.root / f"{name}.partial"
                shutil.rmtree(partial, ignore_errors=True)
                partial.mkdir(parents=True)
                place = Workplace.make(partial, {})
                edit(place, self._edits)
                change.apply(place, self._study(seeds))
                place.run(*self._target, cores=1)
                partial.rename(self.root / name)
            return Workplace(self.root / name)

    def jobs(self, seeds: int) -> list[str]:
        """The study's jobs, by their logs."""
        folder = self.finished(seeds).work / "results" / "tiny"
        logs = folder.rglob("logs/**/*.log")
        return sorted(str(path.relative_to(folder)) for path in logs)

    def changed(self, change: str, seeds: int, root: Path) -> Workplace:
        """A copy of the finished study, changed and not yet run again."""
        place = self.finished(seeds).copy(root)
        _change(change).apply(place, self._study(seeds))
        return place

    def run(self, case: Case, root: Path) -> Workplace:
        """Run a case: the command fails for each fault, ends well, and then has nothing to do.

        Raises
        ------
        AssertionError : when it does not, or when the results are not those of a fresh build.
        """
        place = self.changed(case.change, case.seeds, root)
        target = case.target.split()
        fail(place, case.faults, *target)
        place.run(*target, cores=1)
        found, wanted = results(place), results(self.fresh(case.change, case.seeds))
        if case.target == "figures/":  # which makes tables, and no claims
            found, wanted = (
                {p: d for p, d in of.items() if "claim" not in p} for of in (found, wanted)
            )
        difference = compare(found, wanted)
        assert not difference, f"not what a fresh build holds: {difference}"
        again = place.run(*target, cores=1)
        assert "Nothing to be done" in again.stdout, again.stdout
        return place


def _change(name: str) -> Change:
    return OTHERS if name == "others" else CHANGES[name]


def fail(place: Workplace, faults: Sequence[Fault], *target: str) -> None:
    """Call the command until each job has failed; one fails in a call, and ends it."""
    folder = place.root / "faults"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(SITECUSTOMIZE)
    described = [
        {"log": f"results/tiny/{job}", "mode": mode, "behind": behind, "flag": f"failed-{number}"}
        for number, (job, mode, behind) in enumerate(faults)
    ]
    (folder / "faults.json").write_text(json.dumps(described))
    environment = {"PYTHONPATH": str(folder), "FAULTS": str(folder)}
    for count in range(1, len(faults) + 1):
        run = place.run(*target, cores=1, succeed=False, environment=environment)
        assert len(list(folder.glob("failed-*"))) == count, run.stdout


def results(place: Workplace) -> dict[str, str]:
    """Digests of all results and figures, by path; of a report no more than that it is there.

    It says what its runs took.
    """
    return {
        f"{folder}/{path}": "" if path.endswith("report.html") else digest
        for folder in ("results", "figures", "archive")
        for path, digest in contents(place.work / folder).items()
    }


def compare(found: dict[str, str], wanted: dict[str, str]) -> str:
    """What is missing, too much, or other than wanted; empty if nothing."""
    parts = {
        "missing": wanted.keys() - found.keys(),
        "too much": found.keys() - wanted.keys(),
        "other": {path for path in found.keys() & wanted.keys() if found[path] != wanted[path]},
    }
    return "; ".join(f"{what}: {sorted(paths)}" for what, paths in parts.items() if paths)


def every_case(faults: Faults, seeds: list[int]) -> list[Case]:
    """Each job x how it fails x each change that reaches it x seeds.

    How far the job has come, and the target, take turns.
    """
    cases = []
    for (s, count), (c, (change, what)) in itertools.product(
        enumerate(seeds), enumerate(CHANGES.items())
    ):
        jobs = [job for job in faults.jobs(count) if not any(u in job for u in what.untouched)]
        for (j, job), (m, mode) in itertools.product(enumerate(jobs), enumerate(MODES)):
            steps = BEHIND.get(script_of(job), (0, 1))
            behind = steps[(j + m + c + s) % len(steps)]
            target = ("", "figures/")[(j + c) % 2]
            cases.append(Case((Fault(job, mode, behind),), change, count, target))
    return cases


def together(cases: list[Case]) -> list[Case]:
    """The cases of one mode, change and number of seeds as one, in which every job fails once."""
    groups: dict[tuple, list[Fault]] = {}
    for case in cases:
        (fault,) = case.faults
        groups.setdefault((fault.mode, case.change, case.seeds), []).append(fault)
    return [
        Case(tuple(faults), change, seeds, "figures/" if number % 3 else "")
        for number, ((_, change, seeds), faults) in enumerate(groups.items())
    ]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--all", action="store_true", required=True, help="run every case")
    parser.add_argument("--together", action="store_true", help="every job in one re-run")
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2], help="numbers of seeds")
    folder = Path(tempfile.gettempdir(), "agop-collapse-faults")
    parser.add_argument("--work", type=Path, default=folder, help=f"folder to work in; {folder}")
    parser.add_argument("--log", type=Path, help="finished cases, left out the next time; in it")
    parser.add_argument("--jobs", type=int, default=2, help="cases at a time, of one core each")
    given = parser.parse_args()

    faults = Faults(given.work.resolve())
    log = given.log or faults.root / "cases.jsonl"
    finished = set()
    if log.exists():
        finished = {json.loads(line)["case"] for line in log.read_text().splitlines()}
    writing = threading.Lock()

    def run(case: Case) -> bool:
        start, reason = time.monotonic(), ""
        root = faults.root / "cases" / hashlib.sha256(case.name.encode()).hexdigest()[:16]
        shutil.rmtree(root, ignore_errors=True)
        try:
            faults.run(case, root)
            shutil.rmtree(root)  # a case that failed is left to look at
        except Exception as error:
            reason = str(error) or repr(error)
        seconds = round(time.monotonic() - start, 1)
        line = {"case": case.name, "ok": not reason, "seconds": seconds, "reason": reason}
        with writing, log.open("a") as file:
            file.write(json.dumps(line) + "\n")
            print("FAILED" if reason else "ok    ", f"{seconds:6.1f} s", case.name, flush=True)
        return not reason

    with ThreadPoolExecutor(given.jobs) as pool:
        list(pool.map(faults.finished, given.seeds))
        cases = every_case(faults, given.seeds)
        cases = together(cases) if given.together else cases
        waiting = [case for case in cases if case.name not in finished]
        random.Random(0).shuffle(waiting)  # so that a part of them is of every kind
        print(f"{len(finished)} cases are finished, {len(waiting)} to run", flush=True)
        failed = len(waiting) - sum(pool.map(run, waiting))
    print(f"{failed} of {len(waiting)} failed")
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())
