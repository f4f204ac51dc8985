"""Every write of a tiny study's jobs fails in turn: `python tests/every_write.py`.

Each job runs in a process of its own, forked from this one, which has loaded all libraries: with a
stand-in for Snakemake's object, by its real script. Prints what is found as JSON.
"""

import argparse
import contextlib
import hashlib
import importlib
import json
import logging
import os
import pkgutil
import runpy
import shutil
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[1]
SCRIPTS = ROOT / "workflow" / "scripts"
sys.path[:0] = [str(ROOT / "workflow"), str(SCRIPTS), str(ROOT / "tests")]

import agop_collapse  # noqa: E402
import torch  # noqa: E402
from agop_collapse.files.contents import Contents  # noqa: E402
from agop_collapse.files.stamp import read_identity  # noqa: E402
from agop_collapse.files.tensors import load_tensors  # noqa: E402
from agop_collapse.packed.script import Named  # noqa: E402
from agop_collapse.plan import packing, shared  # noqa: E402
from agop_collapse.plan.configuration import load  # noqa: E402
from agop_collapse.plan.job import COMBINE, EXPORT, MADE, MEASURE, Job  # noqa: E402
from agop_collapse.plan.jobs import Jobs  # noqa: E402
from writes import FREE, Writes, not_durable, watched  # noqa: E402

HOW = ("error", "full", "kill")
STUDY = {
    "seeds": [0],
    "device": "cpu",
    "datasets": {"digits": {"kind": "digits", "n": 60, "n_test": 20}},
    "deep_rfm": [{"depth": 2, "width": 8}],
    "networks": [
        {
            **{"model": "mlp", "width": 8, "hidden_layers": 2, "epochs": 2, "measure_every": 1},
            "batch_size": 20,
        }
    ],
    "theory_kernel": {"width": 16, "draws": 2},
    "features": {"layers": [1]},
    "figures": {"fig03": None, "v1_fig04": None},
}


class Step(NamedTuple):
    """A job with its rule and script."""

    rule: str
    script: str
    job: Job

    @property
    def log(self) -> str:
        return f"logs/{self.rule}.log"


def steps() -> list[Step]:
    """A job of each rule, in an order in which none comes before what it is made from."""
    config = {"study": "tiny", "studies": {"tiny": STUDY}}
    jobs = Jobs(load(config), ROOT / "workflow", "data", Contents())
    study = jobs.studies["tiny"]
    found = [Step("prepare_data", "prepare_data", jobs.prepare_data("tiny", "digits"))]
    for run in study.runs:
        found.append(Step(MADE[run.kind].rule, MADE[run.kind].rule, jobs.make(run)))
        found.append(Step(MEASURE[run.kind], MEASURE[run.kind], jobs.measure(run)))
        epoch = None if run.kind == "deep_rfm" else 2
        found.append(Step(EXPORT[run.kind], EXPORT[run.kind], jobs.export(run, epoch)))
    for rule, job in jobs.tables("tiny").items():
        found.append(Step(rule, "combine_tables" if rule in COMBINE.values() else rule, job))
    figure = jobs.plot_figure("tiny", "v1_fig04")
    found += [Step("check_claims", "check_claims", jobs.check_claims("tiny"))]
    found += [
        Step(f"plot_figure_{name}", "plot_figure", job)
        for name, job in jobs.figures("tiny").items()
        if job is not figure
    ]
    found += [Step("plot_figure", "plot_figure", figure)]
    found += [Step("make_report", "make_report", jobs.make_report("tiny"))]
    blocks = config["studies"]
    archive = shared.archived(jobs, "tiny", ROOT, blocks)
    # Of hundreds of files that are copied alike, some.
    archive.settings["code"] = dict([*archive.settings["code"].items()][:2])
    archive.settings["results"] = archive.inputs["results"] = archive.settings["results"][:4]
    pack = packing.packed(jobs, "tiny", ROOT, blocks)
    pack.settings["files"] = dict([*pack.settings["files"].items()][:4])
    return [
        *found,
        Step("pack_study", "pack_study", pack),
        Step("make_manifest", "make_manifest", shared.listed(jobs, "tiny", ROOT, blocks)),
        Step("archive_study", "archive_study", archive),
    ]


def stand_in(step: Step) -> SimpleNamespace:
    """What a script takes of Snakemake's object."""
    outputs = step.job.outputs
    if step.rule == "summarise_nfa":  # whose rule names its two files by their formats
        outputs = {"parquet": outputs["nfa_summary"], "csv": outputs["csv"]}
    return SimpleNamespace(
        rule=step.rule,
        log=[step.log],
        input=Named(**step.job.inputs),
        output=Named(**outputs),
        params=SimpleNamespace(settings=step.job.settings),
        resources=Named(gpu=0),
    )


@dataclass
class Outcome:
    """How a job has ended: its status, what it has printed and logged, and its calls."""

    status: int
    said: str
    calls: list[tuple[str, ...]] = field(default_factory=list)


def run(step: Step, folder: Path, failing: int | None = None, how: str = "error") -> Outcome:
    """A job in a process of its own; the call that fails, by its number, if one does.

    As by Snakemake, with the folders of outputs there and none of the outputs.
    """
    for output in step.job.outputs.values():
        remove(folder / output)
        (folder / output).parent.mkdir(parents=True, exist_ok=True)
    (folder / step.log).parent.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        printed, recorded = Path(scratch, "printed"), Path(scratch, "calls")
        child = os.fork()
        if child == 0:
            status = 1
            try:
                status = _in_child(step, folder, Writes(folder, failing, how), printed, recorded)
            finally:
                os._exit(status)
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        log = folder / step.log
        said = printed.read_text() + (log.read_text() if log.exists() else "")
        calls = json.loads(recorded.read_text()) if recorded.exists() else []
    return Outcome(status, said, [tuple(call) for call in calls])


def _in_child(step: Step, folder: Path, writes: Writes, printed: Path, recorded: Path) -> int:
    os.chdir(folder)
    with open(printed, "w") as terminal:
        os.dup2(terminal.fileno(), 1)
        os.dup2(terminal.fileno(), 2)
        sys.stdout = sys.stderr = terminal
        logging.root.handlers.clear()
        given = {"snakemake": stand_in(step)}
        status = 0
        with watched(writes):
            try:
                runpy.run_path(str(SCRIPTS / f"{step.script}.py"), given, "__main__")
            except SystemExit as end:
                status = int(end.code or 0)
            except BaseException as error:
                print(f"ESCAPED: {error!r}")
                status = 3
    recorded.write_text(json.dumps(writes.calls))
    return status


def remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def files(folder: Path) -> dict[str, str]:
    """Digests of all files but logs, by path."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file() and path.relative_to(folder).parts[0] != "logs"
    }


def final_name(path: str) -> str:
    """Of a file in a work folder the name that it will have; of others their own."""
    return "/".join(part.removesuffix(".partial") for part in path.split("/"))


def is_hidden(path: str) -> bool:
    """Whether a file has a temporary name, which no reader takes."""
    return any(part.startswith(".") and part != ".store" for part in path.split("/"))


def after_fault(step: Step, how: str, outcome: Outcome, failed: tuple[str, ...]) -> Iterator[str]:
    """What is wrong with how a job in which a call failed has ended."""
    what, path, *_ = failed
    if how == "kill":
        if outcome.status != 137:
            yield f"was not killed: status {outcome.status}"
        return
    if outcome.status not in (0, 1):
        yield f"ended with status {outcome.status}: {outcome.said[-500:]}"
    if outcome.status == 0:
        # A log that cannot be written to, and an old file that stays, cost no result.
        if (not path.startswith("logs/") or what == "create") and what != "unlink":
            yield "ended well all the same"
        return
    reason = "No space left on device" if how == "full" else "Input/output error"
    told = [line for line in outcome.said.splitlines() if line.startswith(f"{step.rule}: ")]
    # What needs no room works on a full disk, and the next call fails.
    name = "" if how == "full" and what in FREE else os.path.basename(path)
    name = name.strip(".").partition(".")[0]
    # On the terminal; of a log that is full a part has a place there, too.
    if not told or not all(told[0].startswith(each) for each in told):
        yield f"said {told or outcome.said[-500:]}"
    elif reason not in told[0] or name not in told[0]:
        yield f"said {told[0]}"
    if "Traceback" in outcome.said:
        yield "said a traceback"


def is_state(path: str) -> bool:
    """Whether a file is a training's state, which is another after each epoch."""
    return "optimizer" in path


def half_written(folder: Path, wanted: dict[str, str]) -> Iterator[str]:
    """What lies under a name that counts, and is not what the job without a fault writes there."""
    for path, digest in files(folder).items():
        if is_hidden(path):
            continue
        if is_state(path):
            load_tensors(folder / path, read_identity(folder / path) or "")  # or raises
        # A copy into an archive that is half-made is made anew.
        elif wanted.get(final_name(path)) != digest and "archive/tiny.partial/" not in path:
            yield f"{path} is not what it should be"


def restore(folder: Path, there: set[Path]) -> None:
    """Leave what was there, and nothing else."""
    for path in sorted(folder.rglob("*"), reverse=True):
        if path not in there:
            remove(path)


def try_all(
    step: Step, folder: Path, every: int, offset: int
) -> tuple[dict[str, int], list[str], list[str]]:
    """Let calls of a job fail in turn, and run it again: how many, what is wrong, the order.

    The job's own files are there at the end, as of a run without a fault.

    every, offset : take one of so many cases, from a place on; 1 for all of them
    """
    (folder / step.log).unlink(missing_ok=True)
    before = {*folder.rglob("*")}
    good = run(step, folder)
    if good.status:
        raise SystemExit(f"{step.rule} fails without a fault: {good.said}")
    wanted = files(folder)
    wrong: list[str] = []
    counts = dict.fromkeys(HOW, 0)
    cases = [(how, failing) for how in HOW for failing in range(len(good.calls))]
    for how, failing in cases[-offset % every :: every]:
        counts[how] += 1
        restore(folder, before)
        outcome = run(step, folder, failing, how)
        failed = good.calls[failing]
        found = [*after_fault(step, how, outcome, failed), *half_written(folder, wanted)]
        again = run(step, folder)
        if again.status:
            found.append(f"the next run fails: {again.said[-500:]}")
        found += half_written(folder, wanted)
        missing = wanted.keys() - files(folder).keys()
        if missing := sorted(path for path in missing if not is_state(path)):
            found.append(f"the next run does not make {missing}")
        named = f"{step.rule}: {how} at call {failing}, {' '.join(failed)}"
        wrong += [f"{named}: {each}" for each in found]
    restore(folder, before)
    run(step, folder)
    order = not_durable(good.calls, lambda path: "logs/" not in path and "/.owner" not in path)
    return counts, wrong, [f"{step.rule}: {each}" for each in order]


def load_all() -> None:
    """Load what scripts load, once for all of them."""
    for module in pkgutil.walk_packages(agop_collapse.__path__, "agop_collapse."):
        importlib.import_module(module.name)
    importlib.import_module("seaborn")
    torch.set_num_threads(1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--only", nargs="*", help="rules whose jobs are tried")
    parser.add_argument("--every", type=int, default=1, help="try one of so many cases")
    given = parser.parse_args()
    load_all()
    found: dict = {"counts": {}, "wrong": [], "order": []}
    with tempfile.TemporaryDirectory(prefix="every-write-") as name, contextlib.chdir(name):
        folder = Path(name)
        offset = 0
        for step in steps():
            if given.only and step.rule not in given.only:
                if (good := run(step, folder)).status:
                    raise SystemExit(good.said)
                continue
            counts, wrong, order = try_all(step, folder, given.every, offset)
            offset += 1
            found["counts"][step.rule] = counts
            print(step.rule, counts, *wrong, *order, sep="\n    ", file=sys.stderr, flush=True)
            found["wrong"] += wrong
            found["order"] += order
    print(json.dumps(found, indent=1))
    sys.exit(bool(found["wrong"] or found["order"]))


if __name__ == "__main__":
    main()
