"""The small studies, built once for all files of tests, whichever process runs them."""

import fcntl
import json
import os
from pathlib import Path

import pytest
from studies import STUDIES
from workflow_helpers import Workplace, jobs_run


@pytest.fixture(scope="session")
def tiny(tmp_path_factory) -> Workplace:
    """The studies of `studies`, each built whole. Not to be changed by a test.

    `jobs.json` has the jobs that each command ran, by rule.
    """
    shared = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        shared = shared.parent
    folder = shared / "tiny"
    # The first that comes builds, the other waits: a build keeps two cores busy.
    with open(shared / "tiny.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "jobs.json").exists():
            build(folder)
    return Workplace(folder)


def build(folder: Path) -> None:
    folder.mkdir()
    place = Workplace.make(folder, STUDIES)
    (place.work / "figures").mkdir()  # `figures/` must be a target though there is such a folder
    trace = place.trace()
    runs = {
        "figures/": place.run("figures/", environment=trace),
        "all": place.run(environment=trace),
        "sweeps": place.run(study="sweeps"),
        "bare": place.run(study="bare"),
    }
    jobs = {name: jobs_run(run) for name, run in runs.items()}
    (folder / "jobs.json").write_text(json.dumps(jobs))


@pytest.fixture(scope="session")
def fresh(tmp_path_factory) -> Workplace:
    """Where nothing is built. Not to be built in by a test."""
    return Workplace.make(tmp_path_factory.mktemp("fresh"), STUDIES)


@pytest.fixture
def spare(tiny, tmp_path) -> Workplace:
    """A copy of the built studies to be changed."""
    return tiny.copy(tmp_path)
