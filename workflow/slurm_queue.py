"""Jobs in Slurm's queue that wait for what does not come: Slurm starts none of them, and ends none.

Snakemake waits for them without a word.
"""

import re
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path

SECONDS = 60  # between two looks
# Of the reasons in Slurm's page on squeue those that no other job's end and no hour changes.
FOR_EVER = re.compile(
    r"PartitionConfig|PartitionNodeLimit|PartitionTimeLimit|BadConstraints|"
    r"\w*PerJob\w*|\w*NotAllowed|Invalid\w+|JobHeld\w+"
)
# Of a job: its number, why it waits, what it is, its working folder, partition, CPUs, memory, time.
FORMAT = "%i|%r|%k|%Z|%P|%C|%m|%l"


def watch(say: Callable[[str], None], folder: Path) -> None:
    """Tell once of each job of a working folder that waits for ever, until this process ends."""

    def look() -> None:
        told: set[str] = set()
        while True:
            time.sleep(SECONDS)
            for number, text in waiting_for_ever(queue(), folder).items():
                if number not in told:
                    say(text)
                told.add(number)

    threading.Thread(target=look, daemon=True).start()


def queue() -> str:
    """The lines of what this user has waiting in the queue; none where Slurm does not answer."""
    command = ["squeue", "--me", "--states=PENDING", "--noheader", f"--format={FORMAT}"]
    return subprocess.run(command, capture_output=True, text=True).stdout


def waiting_for_ever(lines: str, folder: Path) -> dict[str, str]:
    """By a job's number a sentence on it, for each job of a folder that no waiting helps."""
    found = {}
    for line in lines.splitlines():
        number, reason, what, at, partition, cpus, memory, minutes = line.split("|")
        if Path(at) == folder and FOR_EVER.fullmatch(reason):
            found[number] = (
                f"Slurm's job {number} ({what}) will wait for ever: {reason}. It asks partition "
                f"{partition} for CPUs: {cpus}, memory: {memory}, time: {minutes}. End this run "
                'with Ctrl-C, mend the profile (docs/cluster.md, "Where it stops"), and start '
                "the same command again."
            )
    return found
