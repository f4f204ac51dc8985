"""A copy of the repository beside a working folder, in which Snakemake runs as users run it."""

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import yaml
from agop_collapse.files.contents import Contents
from agop_collapse.plan.configuration import load
from agop_collapse.plan.jobs import Jobs

ROOT = Path(__file__).parents[1]

# Python runs this module, by its name, when it starts. In a job's script it writes down what the
# script had loaded and opened of the workflow when it ends.
TRACER = """
import atexit, json, os, sys

workflow = os.environ["TRACE_WORKFLOW"]
opened = set()


def watch(event, arguments):
    if event == "open":
        opened.add(str(arguments[0]))


def write():
    folder, script = os.path.split(sys.argv[0])
    if folder.endswith("/.snakemake/scripts"):  # a copy of the script, as tmp1234.name.py
        modules = [getattr(module, "__file__", None) or "" for module in sys.modules.values()]
        files = map(os.path.abspath, (*opened, *modules))
        trace = {
            "script": script.split(".")[-2],
            "given": sys.modules["__main__"].snakemake.params.settings,
            "files": [file for file in files if file.startswith(workflow)],
        }
        with open(os.path.join(os.environ["TRACE_FOLDER"], str(os.getpid())), "w") as file:
            json.dump(trace, file)


sys.addaudithook(watch)
atexit.register(write)
"""


class Trace(NamedTuple):
    """What a job's script was given, and the files of the workflow that it used."""

    script: str
    given: dict[str, Any]
    files: set[Path]


class Workplace:
    """`repository`, `studies.yaml` and the working folder `work` below one root.

    Rules name the repository's files relative to the working folder, so a copy of the whole root is
    a workplace in the same state.
    """

    def __init__(self, root: Path):
        self.root = root
        self.repository = root / "repository"
        self.library = self.repository / "workflow" / "agop_collapse"
        self.studies = root / "studies.yaml"
        self.work = root / "work"

    @classmethod
    def make(cls, root: Path, studies: dict) -> "Workplace":
        """A new one: the repository as it is, its config, and some studies of one's own."""
        place = cls(root)
        without = shutil.ignore_patterns("__pycache__")
        for name in ("workflow", "profiles", "envs"):
            shutil.copytree(ROOT / name, place.repository / name, ignore=without)
        for name in ("Snakefile", "config.yaml", "requirements.txt", "LICENSE", "CITATION.cff"):
            shutil.copy(ROOT / name, place.repository)
        place.work.mkdir()
        place.configure(studies)
        return place

    def configure(self, studies: dict) -> None:
        # Safe YAML writes a float such that YAML reads a float.
        self.studies.write_text(yaml.safe_dump({"studies": studies}, sort_keys=False))

    def copy(self, root: Path) -> "Workplace":
        """Another in the same state, whose files have the same times."""
        shutil.copytree(self.root, root, dirs_exist_ok=True)
        return Workplace(root)

    def command(self, *arguments: str, study: str = "tiny", cores: int = 2) -> list[str]:
        command = [sys.executable, "-m", "snakemake", "--directory", str(self.work)]
        command += ["--configfile", str(self.studies), "--config", f"study={study}"]
        return [*command, "--cores", str(cores), *arguments]

    def environment(self, **more: str) -> dict[str, str]:
        return {name: value for name, value in os.environ.items() if name != "PYTHONPATH"} | more

    def run(self, *arguments: str, succeed: bool = True, **options) -> subprocess.CompletedProcess:
        """Run Snakemake to its end; what it prints is in `stdout`, in the order of printing.

        Its own log, which has more, is in `log`.
        """
        environment = self.environment(**options.pop("environment", {}))
        run = subprocess.run(
            self.command(*arguments, **options),
            cwd=self.repository,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        assert (run.returncode == 0) == succeed, run.stdout
        logs = sorted(self.work.glob(".snakemake/log/*.snakemake.log"))
        run.log = logs[-1].read_text() if logs else ""
        return run

    def plan(self, *targets: str, **options) -> dict[str, str]:
        """What Snakemake would make for some targets: the rule of each pending output."""
        run = subprocess.run(
            self.command("--summary", *targets, **options),
            cwd=self.repository,
            env=self.environment(),
            capture_output=True,
            text=True,
        )
        assert run.returncode == 0, run.stderr
        header, *lines = (line.split("\t") for line in run.stdout.splitlines())
        rows = [dict(zip(header, line, strict=True)) for line in lines]
        return {row["output_file"]: row["rule"] for row in rows if row["plan"] != "no update"}

    def jobs(self, study: str = "tiny") -> Jobs:
        """The jobs of all studies, one of them being the one that is asked for."""
        studies = yaml.safe_load(self.studies.read_text())
        contents = Contents(self.root / "contents.json")
        return Jobs(load(studies | {"study": study}), self.library.parent, "data", contents)

    def identities(self, study: str = "tiny") -> dict[str, str]:
        """The planned identity of each result and figure that a study keeps, by path."""
        return {
            path: job.identity
            for job in self.jobs(study).everything(study).values()
            for path in job.outputs.values()
            if not path.endswith(".csv")  # which has no place for it
        }

    def times(self, paths: Iterable[str]) -> dict[str, int]:
        """When each of some results was made."""
        return {path: (self.work / path).stat().st_mtime_ns for path in paths}

    def trace(self) -> dict[str, str]:
        """Environment variables under which jobs write down what they use of the workflow."""
        tracer, folder = self.root / "tracer", self.root / "trace"
        tracer.mkdir()
        folder.mkdir()
        (tracer / "sitecustomize.py").write_text(TRACER)
        return {
            "PYTHONPATH": str(tracer),
            "TRACE_FOLDER": str(folder),
            "TRACE_WORKFLOW": f"{self.library.parent}{os.sep}",
        }

    def traced(self) -> list[Trace]:
        """Each traced job."""
        traces = [json.loads(path.read_text()) for path in (self.root / "trace").iterdir()]
        return [
            Trace(
                trace["script"],
                trace["given"],
                {Path(file) for file in trace["files"] if "__pycache__" not in file},
            )
            for trace in traces
        ]

    def log(self, path: str) -> str:
        return (self.work / path).read_text()


def in_parallel(function, arguments: list) -> list:
    """The function of each argument; two at a time, since each is a process that waits a lot."""
    with ThreadPoolExecutor(2) as pool:
        return list(pool.map(function, arguments))


def jobs_run(run: subprocess.CompletedProcess) -> Counter[str]:
    """How many jobs of each rule a run of Snakemake finished; target rules are no jobs."""
    finished = re.findall(r"^Finished jobid: \d+ \(Rule: (.+)\)$", run.log, flags=re.MULTILINE)
    targets = ("figures", "figures/", "tables", "report", "features", "all")
    return Counter(rule for rule in finished if rule not in targets)


def contents(folder: Path) -> dict[str, str]:
    """SHA-256 of the results below a folder, by path.

    No logs, run times, Snakemake's marks, or what runs of other settings have left in the store.
    """
    incidental = {"logs", "benchmarks", ".snakemake_timestamp", ".store"}
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not incidental & set(path.parts)
    }
