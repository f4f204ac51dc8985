"""What a person sees: progress in a line, failures in a few, near names for wrong ones."""

import os
import pty
import re
import select
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import yaml
from studies import TINY
from terminal import end_of_log, errors_in, nearest, stopped
from workflow_helpers import ROOT, Workplace, jobs_run

pytestmark = pytest.mark.slow

CONSOLE_SCRIPT = Path(sys.executable).with_name("snakemake")
# A kernel of the user's own that fails in the way that is asked for, once for all.
KERNELS = """
import os, signal
from agop_collapse.machine.kernels.laplace import kernel
from agop_collapse.machine.kernels.radial import RadialKernel

def values(distance, bandwidth):
    if os.path.exists("raise"):
        raise ZeroDivisionError("of the user's own")
    if os.path.exists("die"):
        os.kill(os.getpid(), signal.SIGKILL)
    if os.path.exists("wait"):
        open("waiting", "w").close()
        import time
        end = time.monotonic() + 60
        while os.path.exists("wait") and time.monotonic() < end:
            time.sleep(0.1)
    return kernel.values(distance, bandwidth)

own = RadialKernel(values, kernel.gradient_weights)
"""


@pytest.fixture
def own(tmp_path) -> Workplace:
    """One short run whose kernel fails if a file of some name is there."""
    study = {
        "seeds": [0],
        "device": "cpu",
        "datasets": {"digits": {"kind": "digits", "n": 40}},
        "deep_rfm": [{"kernel": "my_kernels:own", "depth": 1, "width": 8}],
        "figures": {"mine": {"plot": "deep_rfm_curves"}},
    }
    place = Workplace.make(tmp_path, {"tiny": study})
    (place.work / "my_kernels.py").write_text(KERNELS)
    return place


def said(text: str) -> list[str]:
    """What comes behind the table of jobs, or all."""
    return re.split(r"^total +\d+$", text, flags=re.MULTILINE)[-1].strip().splitlines()


def failure(lines: list[str]) -> list[str]:
    """From the job that failed to the end."""
    (start,) = (number for number, line in enumerate(lines) if line.startswith("FAILED: "))
    return lines[start:]


def test_a_failure_is_a_few_lines(tmp_path):
    np.savez(tmp_path / "a.npz", x=np.zeros((9, 4, 4), np.uint8), y=np.arange(9) % 3 + 1)
    place = Workplace.make(tmp_path, {})
    study = {"datasets": {"mine": {"kind": "npz", "n": 9, "path": str(tmp_path / "a.npz")}}}
    place.configure({"tiny": study})
    lines = failure(said(place.run("results/tiny/data/mine.safetensors", succeed=False).stdout))
    assert lines[0] == "FAILED: Preparing mine for the study tiny"
    assert lines[-3:] == [
        f"    prepare_data: studies.tiny.datasets.mine: {tmp_path}/a.npz: y numbers classes from 1 "
        "to 3; write y - 1",
        "    Its log: results/tiny/logs/prepare_data/mine.log",
        "1 job failed, 0 of 1 are done; the same command goes on from here.",
    ]
    assert len(lines) <= 10


def test_a_job_that_the_system_ended_says_so(own):
    (own.work / "die").touch()
    lines = failure(said(own.run("figures/", succeed=False).stdout))
    assert "    It was ended by SIGKILL, which the system sends where memory runs out." in lines
    assert len(lines) <= 10


def test_a_study_from_its_plan_to_its_figures(own):
    # The plan, and why.
    assert "Preparing digits for the study tiny\n    because it is missing" in own.run("-n").stdout

    # An error of the user's own, with the end of its log.
    (own.work / "raise").touch()
    lines = failure(said(own.run("all", succeed=False).stdout))
    assert lines[0] == "FAILED: Deep RFM on digits: own-relu-agop, seed 0"
    assert "    build_deep_rfm: ZeroDivisionError: of the user's own" in lines
    assert lines[-1].endswith("are done; the same command goes on from here.")
    assert len(lines) <= 10
    log = own.work / "results/tiny/deep_rfm/digits/own-relu-agop/seed0/logs/build_deep_rfm.log"
    assert "Traceback (most recent call last)" in log.read_text()
    (own.work / "raise").unlink()

    # Each job has a line, and the end says what is there.
    run = own.run("all", cores=1)
    warnings = [line for line in said(run.stdout) if line.startswith("build_deep_rfm: layer")]
    lines = [line for line in said(run.stdout) if line not in warnings]
    assert len(lines) == sum(jobs_run(run).values()) + 1
    for line in lines[:-1]:
        assert re.match(
            r"\[\d\d:\d\d:\d\d\] +\d+ of \d+ done(, less than a minute left)?  \S", line
        )
    assert re.fullmatch(r"All of the study tiny is there: \d+ jobs in \d+ s\.", lines[-1])
    noises = ("Select jobs", "Finished jobid", "Complete log", "Using shell", "containers: ignored")
    for noise in noises:
        assert noise not in run.stdout
        assert noise in run.log

    # Another setting.
    changed = yaml.safe_load(own.studies.read_text())["studies"]
    changed["tiny"]["deep_rfm"][0]["ridge"] = 0.5
    own.configure(changed)
    plan = own.run("-n").stdout
    assert "Preparing" not in plan
    assert re.search(
        r"^Deep RFM on digits: .*\n    because settings, data or code of it, or of what it is made "
        "from, have changed$",
        plan,
        re.MULTILINE,
    )
    assert plan.count("Job stats") == 1
    assert "provenance" not in plan


def test_a_run_that_is_interrupted_says_that_it_goes_on(own):
    """As by Ctrl-C: every process of the terminal gets the signal."""
    (own.work / "wait").touch()
    master, slave = pty.openpty()
    process = subprocess.Popen(
        own.command("figures/"),
        cwd=own.repository,
        env=own.environment(COLUMNS="100"),
        stdout=slave,
        stderr=slave,
        start_new_session=True,
    )
    os.close(slave)
    shown = b""
    interrupted = False
    while True:
        if not interrupted and (own.work / "waiting").exists():
            time.sleep(0.2)
            os.killpg(process.pid, signal.SIGINT)
            interrupted = True
        if not select.select([master], [], [], 0.05)[0]:
            continue
        try:
            part = os.read(master, 4096)
        except OSError:  # the other end is closed
            break
        if not part:
            break
        shown += part
    assert process.wait() == 1
    text = shown.decode().replace("\r\n", "\n")
    assert "Interrupted after 2 of " in text
    assert "What is done stays; the same command goes on from here." in text
    assert "Traceback" not in text
    assert "FAILED" not in text
    # The line of progress is written over itself, and fits.
    steps = [part.partition("\n")[0] for part in text.split("\r\033[K")]
    steps = [step for step in steps if " of " in step and "done" in step]
    assert len(steps) >= 3
    assert all(len(step) < 100 for step in steps)
    (own.work / "wait").unlink()
    own.run("figures/")


def test_a_run_that_is_asked_to_end_says_that_it_goes_on(own):
    """As by a batch system: Snakemake alone gets the signal, and waits for the job that runs."""
    (own.work / "wait").touch()
    process = subprocess.Popen(
        own.command("figures/"),
        cwd=own.repository,
        env=own.environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    while not (own.work / "waiting").exists():
        assert process.poll() is None
        time.sleep(0.1)
    process.terminate()
    time.sleep(1)
    (own.work / "wait").unlink()
    text, _ = process.communicate()
    assert process.returncode == 1
    lines = text.splitlines()
    assert "Asked to end by SIGTERM; jobs that run are waited for." in lines
    assert re.fullmatch(
        "Ended on request after [23] of [0-9]+ jobs. What is done stays; the same command goes on "
        "from here.",
        lines[-1],
    )


def test_quiet_has_no_banner(own):
    run = own.run("tables", "--quiet")
    assert "SNAKEMAKE" not in run.stdout
    assert "Host:" not in run.stdout


def test_without_a_stream_the_run_is_as_with_one(own):
    command = own.command("results/tiny/data/digits.safetensors")
    run = subprocess.run(
        ["bash", "-c", '"$@" 2>&-', "bash", *command],
        cwd=own.repository,
        env=own.environment(),
        stdout=subprocess.PIPE,
        text=True,
    )
    assert run.returncode == 0, run.stdout
    assert (own.work / "results/tiny/data/digits.safetensors").exists()


TARGETS = {
    "fig3.pdf": "figures/demo/fig03.pdf",
    "fig03": "figures/demo/fig03.pdf",
    "figures/demo": "figures/",
    "figures//": "figures/",
    "figurs/": "figures/",
    "figures/laptop": "figures/ --config study=laptop",
    "figures/demo/fig3.png": "(did you mean 'fig03'?)",
    "results/demo/tables/network_nf.parquet": "results/demo/tables/network_nfa.parquet",
    "tabels": "tables",
    "reprot": "report",
    "report.htm": "results/demo/report.html",
}


@pytest.mark.parametrize("target", TARGETS)
def test_a_misspelt_target_suggests_what_there_is(target, tmp_path):
    run = subprocess.run(
        [CONSOLE_SCRIPT, "--cores", "1", "--directory", tmp_path, "-n", target],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert run.returncode == 1
    assert TARGETS[target] in run.stdout
    assert len(run.stdout.splitlines()) <= 2


def test_a_mistake_in_the_configuration_is_all_that_is_said(own):
    own.configure({"tiny": {"datasets": {"digits": {"kind": "digits", "n": 1}}, "sedes": [1]}})
    lines = own.run("figures/", succeed=False).stdout.splitlines()
    assert lines[1:] == [
        "The configuration has a mistake.",
        "studies.tiny has the unknown key 'sedes' (did you mean 'seeds'?); allowed: description, "
        "seeds, class_weighting, torch_threads, device, keep, datasets, deep_rfm, "
        "networks, own_networks, theory_kernel, theory, features, figures",
        "studies.tiny.datasets.digits.n = 1 must be at least 2",
    ]


def test_names_that_are_like_nothing_suggest_nothing():
    targets = {"fig03": "figures/demo/fig03.pdf", "tables": "tables"}
    assert nearest("xyz", targets) == []
    assert nearest("fig3", targets) == ["figures/demo/fig03.pdf"]
    assert nearest("fig3", {}) == []


def test_the_end_of_a_log_is_what_was_seen_last(tmp_path):
    log = tmp_path / "a.log"
    assert end_of_log(log) == ["It has written no log."]
    log.write_text("")
    assert end_of_log(log) == ["Its log is empty."]
    bar = "\r".join(f"{done}%" for done in range(101))
    log.write_text("\n".join(f"line {number}" for number in range(9)) + f"\n\n{bar}\nend\n")
    assert end_of_log(log)[-2:] == ["100%", "end"]
    assert len(end_of_log(log)) == 6


# Of a job whose memory Slurm held to be too much.
SLURMS_LOG = """\
Job 0: Deep RFM on digits: laplace-relu-agop, seed 0
slurmstepd-vm: error: StepId=38.0 exceeded memory limit (407646208 > 314572800), being killed
srun: Job step aborted: Waiting up to 32 seconds for job step to finish.
slurmstepd-vm: error: StepId=38.0 exceeded memory limit (407646208 > 314572800), being killed
srun: error: vm: task 0: Killed
Error in rule build_deep_rfm:
"""


def test_what_a_cluster_says_of_errors(tmp_path):
    (tmp_path / "38.log").write_text(SLURMS_LOG)
    assert errors_in(tmp_path / "38.log") == [SLURMS_LOG.splitlines()[1]]
    assert errors_in(tmp_path / "39.log") == []


def test_of_a_group_that_failed_the_job_that_stopped_is_told(tmp_path):
    """Nothing is told of those that ended before, or did not begin."""
    logs = {
        "ended": "at work\n2026-11-30 21:41:02,340 took 0 s, and at most 183 MB of memory\n",
        "failed": "plot_figure: ValueError: took 3 s, by the user's own\n",
        "killed": "",
    }
    jobs = [{"log": [str(tmp_path / name)]} for name in (*logs, "not_begun")]
    assert stopped(jobs) == jobs
    for name, text in logs.items():
        (tmp_path / name).write_text(text)
    assert stopped(jobs) == jobs[1:3]


def test_all_is_said_where_all_is_asked_for(tmp_path):
    """--verbose leaves Snakemake's own words."""
    place = Workplace.make(tmp_path, {"tiny": TINY})
    run = place.run("results/tiny/data/digits.safetensors", "--verbose")
    assert "Finished jobid" in run.stdout
