"""Each job gets a GPU of its own: with processes that really lock, and GPUs that are names."""

import os
import select
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from agop_collapse.common.gpu_locks import JOBS_PER_GPU, PAUSE

ROOT = Path(__file__).parents[2]
# Takes one of the GPUs named, says which, and keeps it until its input ends.
JOB = """
import sys
from pathlib import Path
from agop_collapse.common.gpu_locks import claim
print(claim(sys.argv[2:], Path(sys.argv[1])), flush=True)
sys.stdin.read()
"""


@pytest.fixture
def start(tmp_path):
    """Function that starts a job on one of some GPUs."""
    started = []

    def new(*gpus: str, **environment: str) -> subprocess.Popen:
        job = subprocess.Popen(
            [sys.executable, "-c", JOB, tmp_path, *gpus],
            env=os.environ | {"PYTHONPATH": str(ROOT / "workflow")} | environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        started.append(job)
        return job

    yield new
    for job in started:
        job.kill()
        job.wait()


def taken(job: subprocess.Popen) -> int:
    return int(job.stdout.readline())


def test_jobs_that_begin_together_get_one_each(start):
    jobs = [start("a", "b", "c", "d") for _ in range(4)]
    assert sorted(map(taken, jobs)) == [0, 1, 2, 3]


@pytest.mark.parametrize("end", ["kill", "done"])
def test_one_more_waits_for_the_first_to_end(start, end):
    first, second = start("a", "b"), start("a", "b")
    numbers = {job: taken(job) for job in (first, second)}
    third = start("a", "b")
    assert not select.select([third.stdout], [], [], 4 + 4 * PAUSE)[0]
    if end == "kill":
        second.kill()
    else:
        second.stdin.close()
    assert taken(third) == numbers[second]


def test_a_gpu_is_the_same_whoever_numbers_it(start):
    assert taken(start("b", "a")) == 0  # takes b
    assert taken(start("a", "b")) == 0  # takes a: both are taken now
    assert taken(start("a", "b", "c")) == 2


def test_two_share_one_if_asked_and_only_where_all_have_one(start):
    jobs = [start("a", "b", **{JOBS_PER_GPU: "2"}) for _ in range(2)]
    assert sorted(map(taken, jobs)) == [0, 1]
    jobs = [start("a", "b", **{JOBS_PER_GPU: "2"}) for _ in range(2)]
    assert Counter(map(taken, jobs)) == {0: 1, 1: 1}
