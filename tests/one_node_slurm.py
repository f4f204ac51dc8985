"""A Slurm cluster of one node, this machine, for tests: in a folder of its own, gone after them.

It kills what holds more memory than it asked for, and has one GPU, which is none: /dev/null.
"""

import os
import secrets
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

DAEMONS = ("munged", "slurmctld", "slurmd")
CONF = """
ClusterName=test
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={ports[0]}
SlurmdPort={ports[1]}
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
CredType=cred/munge
AuthInfo=socket={folder}/munge.socket
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
ProctrackType=proctrack/linuxproc
TaskPlugin=task/affinity
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=task=1
JobAcctGatherParams=OverMemoryKill
MpiDefault=none
SwitchType=switch/none
SchedulerParameters=sched_interval=1
GresTypes=gpu
NodeName={host} NodeAddr=127.0.0.1 CPUs={cpus} RealMemory={memory} Gres=gpu:1
PartitionName=main Nodes=ALL Default=YES MaxTime=INFINITE State=UP
PartitionName=with_gpus Nodes=ALL MaxTime=INFINITE State=UP
"""


def why_not() -> str:
    """Why no cluster can be started here, or nothing."""
    missing = [name for name in (*DAEMONS, "sbatch") if not shutil.which(name)]
    if missing:
        return f"needs {', '.join(missing)}: apt-get install slurmctld slurmd slurm-client munge"
    return "" if os.geteuid() == 0 else "needs root, as whom Slurm's daemons run"


@contextmanager
def cluster(folder: Path) -> Iterator[dict[str, str]]:
    """Start one in a folder; the environment variables of those who use it."""
    for name in ("state", "spool", "bin"):
        (folder / name).mkdir(parents=True)
    conf, key = folder / "slurm.conf", folder / "munge.key"
    key.touch(mode=0o600)
    key.write_bytes(secrets.token_bytes(1024))
    host = socket.gethostname().partition(".")[0]
    conf.write_text(
        CONF.format(
            host=host,
            folder=folder,
            ports=_free_ports(),
            cpus=os.cpu_count(),
            memory=os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") * 9 // 10 // 2**20,
        )
    )
    (folder / "gres.conf").write_text(f"NodeName={host} Name=gpu File=/dev/null\n")
    (folder / "cgroup.conf").write_text("CgroupPlugin=cgroup/v1\n")
    # The executor of Snakemake drops every SLURM_... variable before its inner srun.
    srun = folder / "bin" / "srun"
    srun.write_text(f'#!/bin/sh\nSLURM_CONF={conf} exec {shutil.which("srun")} "$@"\n')
    srun.chmod(0o755)
    variables = os.environ | {"SLURM_CONF": str(conf)}
    variables["PATH"] = f"{srun.parent}{os.pathsep}{os.environ['PATH']}"
    munged = ["munged", "--foreground", "--force", f"--key-file={key}"]
    munged += [f"--{name}={folder}/munge.{name}" for name in ("socket", "pid-file", "seed-file")]
    with ExitStack() as running:
        commands = (munged, ["slurmctld", "-D"], ["slurmd", "-D", "-N", host])
        for name, command in zip(DAEMONS, commands, strict=True):
            log = running.enter_context(open(folder / f"{name}.log", "w"))
            process = subprocess.Popen(command, env=variables, stdout=log, stderr=log)
            running.callback(process.wait)
            running.callback(process.terminate)
            _wait_for((folder / "munge.socket").exists if name == "munged" else None)
        _wait_for(lambda: _state(variables).startswith("idle"))
        yield variables


def _state(variables: dict[str, str]) -> str:
    command = ["sinfo", "--noheader", "--format=%T"]
    return subprocess.run(command, env=variables, capture_output=True, text=True).stdout


def _wait_for(condition, seconds: float = 30) -> None:
    end = time.monotonic() + seconds
    while condition and not condition():
        assert time.monotonic() < end, "the cluster does not start; its logs are in its folder"
        time.sleep(0.1)


def _free_ports() -> list[int]:
    with ExitStack() as opened:
        sockets = [opened.enter_context(socket.socket()) for _ in range(2)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]
