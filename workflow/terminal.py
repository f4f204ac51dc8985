"""What a person sees of a run: one line of progress, failures in a few lines, no more.

Snakemake's own log, in .snakemake/log, stays as it is. The records' attributes are not part of
Snakemake's documented interface; tests/workflow/test_terminal.py holds what is used of them.
"""

import difflib
import logging
import re
import shutil
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping
from pathlib import Path
from statistics import fmean
from typing import Any

from snakemake.logging import DefaultFormatter, logger
from snakemake.settings.enums import Quietness

# Said by Snakemake at every start and end, and nothing that a user has asked for.
NOISE = re.compile(
    "Using shell|Config file |Select jobs to execute|Shutting down, this might|Exiting because|"
    "Terminating processes on user|Conda environments: ignored|Singularity containers: ignored|"
    "Building DAG of jobs|Assuming unrestricted shared|Complete log|Elapsed time|"
    "This was a dry-run|Reasons:|At least one job did not|"
    "WorkflowError:\nAt least one job did not|Will exit after finishing|"
    "Some jobs were triggered by provenance|Rules with provenance triggered|"
    r"SLURM run ID|MinJobAge|Job \S+ has been submitted with SLURM|Cleaning up SLURM log|"
    "Submitted (group )?job|"
    "Both 'sacctmgr' and 'sshare' returned empty|Removing output files of failed job"
)
# A rule whose message is all there is to it.
SPEAKING = "plan"
EVENTS_OF_NOISE = ("job_started", "group_info", "resources_info", "shellcmd")
# Why Snakemake runs a job, by how it begins to say so; the first that is found is told.
REASONS = {
    "Missing output files": "it is missing",
    "Incomplete output files": "it is half-made",
    "Params have changed": "settings, data or code of it, or of what it is made from, have changed",
    "Input files updated by another job": "what it is made from is made anew",
}
LINES_OF_A_LOG = 6
# What the plan refuses, among the places in Snakemake and in the rules where it was asked.
REFUSED = re.compile(
    r"Error:\n  WorkflowError:\n    (.+)\nWildcards:|"
    r"(The configuration has a mistake\..+?)(?=\n  File )|"
    r'WorkflowError in file "[^"]+/workflow/rules/\w+\.smk", line \d+:\n(.+?)(?=\n  File )',
    re.DOTALL,
)


def install(targets: Callable[[], Mapping[str, str]]) -> None:
    """Put `Terminal` in the place of Snakemake's own handler of the terminal, if that is in use.

    Not where the user wants all (--verbose), has chosen a logger plugin, or has closed the stream.

    targets : from what may be asked for to what is to be written, for what there is not
    """
    if logger.isEnabledFor(logging.DEBUG):
        return
    for handler in list(logger.handlers):
        if handler.name == "DefaultStreamHandler" and handler.stream is not None:
            logger.removeHandler(handler)
            logger.addHandler(Terminal(handler, targets))


class Terminal(logging.Handler):
    """Snakemake's records as few lines.

    On a terminal the line of progress is written anew each time; elsewhere, as in a file, each job
    that begins has a line.
    """

    def __init__(self, before: logging.StreamHandler, targets: Callable[[], Mapping[str, str]]):
        super().__init__(before.level)
        self.name = before.name
        for each in before.filters:
            self.addFilter(each)
        self._stream = before.stream
        self._in_place = self._stream.isatty()
        self._plain: logging.Formatter = before.formatter or DefaultFormatter()
        self._dry = any(getattr(each, "dryrun", False) for each in before.filters)
        self._targets = targets
        self._start = time.monotonic()
        self._total = self._done = 0
        self._failed: set[int] = set()  # jobs, but those that succeeded when they came again
        self._waiting: Counter[str] = Counter()  # jobs to come of each rule
        self._seconds: dict[str, list[float]] = defaultdict(list)
        self._running: dict[int, tuple[str, str, float]] = {}  # rule, what it does, since when
        self._target = ""  # what the rule that was asked for says of itself
        self._signal = ""
        self._interrupted = self._asked_to_end = False

    def emit(self, record: logging.LogRecord) -> None:
        try:
            text = self._text(record)
            if text:
                self._write(text)
            if self._in_place and self._running and not self._interrupted:
                self._stream.write(f"\r\033[K{self._fitting(self._progress())}")
            self._stream.flush()
        except BrokenPipeError:
            raise
        except Exception:
            self.handleError(record)

    def _write(self, text: str) -> None:
        before = "\r\033[K" if self._in_place else ""
        self._stream.write(f"{before}{text}\n")

    def _text(self, record: logging.LogRecord) -> str:
        """What a record says, or nothing."""
        event = str(getattr(record, "event", None) or "")
        # The banner, which --quiet brings back as it replaces the profile's `quiet`.
        if event in EVENTS_OF_NOISE or getattr(record, "quietness", None) == Quietness.HOST:
            return ""
        match event:
            case "job_info":
                return self._planned(record) if self._dry else self._began(record)
            case "job_finished":
                return self._finished(record.job_id)
            case "progress":
                self._done, self._total = record.done, record.total
                return self._end() if self._done == self._total else ""
            case "job_error" | "group_error":
                # Of a group Snakemake tells first as one, then, indented, of all that are in it.
                told = self._interrupted or getattr(record, "indent", False)
                return "" if told else self._error(record, event)
            case "run_info":
                told, self._waiting = bool(self._waiting), Counter(record.stats)
                self._total = self._waiting.pop("total", 0)
                told |= [*self._waiting] == [SPEAKING]
                return "" if told else self._plain.format(record).rstrip()
            case "error":
                return self._exception(record)
        text = self._plain.format(record)
        if "user request" in text:
            return self._interrupt()
        if text.startswith("Trying to restart job"):
            return "    It comes again."
        if text.startswith("Will exit after finishing"):  # SIGTERM, to Snakemake alone
            return self._ask_to_end()
        return "" if NOISE.match(text) else text

    # Jobs

    def _planned(self, record: logging.LogRecord) -> str:
        """A job of a dry run, and why it would run."""
        if not record.output:  # a target
            return record.rule_msg if record.rule_name == SPEAKING else ""
        what = record.rule_msg or f"rule {record.rule_name}"
        return f"{what}\n    because {_because(record.reason)}" if record.reason else what

    def _began(self, record: logging.LogRecord) -> str:
        if not record.output:  # a target
            if record.rule_name == SPEAKING:
                return record.rule_msg
            self._target = record.rule_msg or ""
            if self._in_place:  # what a target says itself begins a line
                self._stream.write("\r\033[K")
            return ""
        what = (record.rule_msg or record.rule_name).splitlines()[0]
        self._running[record.jobid] = (record.rule_name, what, time.monotonic())
        return "" if self._in_place else f"{self._counted()}  {what}"

    def _finished(self, jobid: int) -> str:
        self._failed.discard(jobid)
        if jobid in self._running:
            rule, _, since = self._running.pop(jobid)
            self._seconds[rule].append(time.monotonic() - since)
            self._waiting[rule] -= 1
        return ""

    def _counted(self) -> str:
        left = self._left()
        width = len(str(self._total))
        about = f", {left} left" if left else ""
        return f"[{time.strftime('%H:%M:%S')}] {self._done:{width}} of {self._total} done{about}"

    def _progress(self) -> str:
        """The line of progress: done and all, time left, what runs now."""
        running = [what.partition(" (at most")[0] for _, what, _ in self._running.values()]
        return f"{self._counted()}: {'; '.join(running)}"

    def _left(self) -> str:
        """An estimate of the time left, by what jobs of the same rules took."""
        if not self._seconds or not self._running:
            return ""
        mean = fmean(seconds for of_rule in self._seconds.values() for seconds in of_rule)
        of_rule = {rule: fmean(seconds) for rule, seconds in self._seconds.items()}
        seconds = sum(max(0, n) * of_rule.get(rule, mean) for rule, n in self._waiting.items())
        minutes = seconds / len(self._running) / 60
        if minutes < 1:
            return "less than a minute"
        return f"about {minutes:.0f} min" if minutes < 90 else f"about {minutes / 60:.1f} h"

    def _fitting(self, line: str) -> str:
        width = shutil.get_terminal_size().columns - 1
        return line if len(line) <= width else f"{line[: width - 3]}..."

    def _end(self) -> str:
        self._running.clear()
        if [*self._waiting] == [SPEAKING]:
            return ""
        seconds = time.monotonic() - self._start
        jobs = "1 job" if self._total == 1 else f"{self._total} jobs"
        return f"{self._target}{': ' * bool(self._target)}{jobs} in {_duration(seconds)}."

    # What goes wrong

    def _error(self, record: logging.LogRecord, event: str) -> str:
        """A job that failed: what, the end of its log, what a cluster says, and where that is."""
        refused = False
        if event == "group_error":
            jobs, clusters = stopped(record.job_error_info), record.aux_logs
            refused = not clusters  # Snakemake drops what is said of a group
            for info in record.job_error_info:
                self._failed.add(info["jobid"])
        else:
            jobs, clusters = [vars(record)], record.log[1:]
            self._failed.add(record.jobid)
        lines = []
        for job in jobs:
            _, what, _ = self._running.get(job["jobid"], ("", job["rule_name"], 0.0))
            lines.append(f"FAILED: {what.partition(' (at most')[0]}")
            for log in job["log"][:1] if not refused else ():
                lines += [f"    {line}" for line in end_of_log(Path(log))]
                lines.append(f"    Its log: {log}")
        if self._signal:
            lines.insert(-1, f"    It was ended by {self._signal}.")
        if event == "job_error" and (record.rule_msg or "").startswith("SLURM"):
            lines.append(f"    {record.rule_msg.splitlines()[0].partition(' Detailed')[0]}")
        if refused:
            lines.append("    The cluster did not take it; it says why of jobs that have no group.")
        for log in clusters:
            lines += [f"    {line}" for line in errors_in(Path(log))]
            lines.append(f"    The cluster's log: {log}")
        for jobid in self._failed:
            self._running.pop(jobid, None)
        self._signal = ""
        return "\n".join(lines)

    def _interrupt(self) -> str:
        if self._interrupted:
            return ""
        self._interrupted = True
        return (
            f"Interrupted after {self._done} of {self._total} jobs. What is done stays; the same "
            "command goes on from here."
        )

    def _ask_to_end(self) -> str:
        if self._asked_to_end:
            return ""
        self._asked_to_end = True
        return "Asked to end by SIGTERM; jobs that run are waited for." if self._running else ""

    def _exception(self, record: logging.LogRecord) -> str:
        """An error of Snakemake's; that a job failed is said where the job is."""
        text = record.getMessage()
        if "user request" in text or self._interrupted:
            return ""
        if self._failed and "At least one job did not complete" in text:
            failed = len(self._failed)
            jobs = "1 job failed" if failed == 1 else f"{failed} jobs failed"
            done = f"{self._done} of {self._total} are done"
            return f"{jobs}, {done}; the same command goes on from here."
        if self._asked_to_end and "At least one job did not complete" in text:
            return (
                f"Ended on request after {self._done} of {self._total} jobs. What is done stays; "
                "the same command goes on from here."
            )
        if "CalledProcessError" in text:
            if found := re.search(r"died with <Signals\.(SIG\w+)", text):
                if found[1] == "SIGINT":  # a job may end before Snakemake has heard of it itself
                    return self._interrupt()
                self._signal = found[1]
                if self._signal == "SIGKILL":
                    self._signal += ", which the system sends where memory runs out"
            return ""
        if record.exception == "MissingRuleException":
            return self._no_target(text)
        refused = REFUSED.search(text)
        return next(filter(None, refused.groups())) if refused else text

    def _no_target(self, text: str) -> str:
        """A target that there is not, and such as may have been meant."""
        found = re.search(r"No rule to produce (.+?)(?: \(if you use|$)", text, re.MULTILINE)
        if not found:
            return text
        near = nearest(found[1], self._targets())
        hint = f" Did you mean {' or '.join(near)}?" if near else ""
        return (
            f"There is nothing called {found[1]} to make.{hint} Targets are figures/, tables, "
            "claims, report, all, plan, compare, manifest, archive, download, and each figure, "
            "table and other result by its path."
        )


def end_of_log(log: Path) -> list[str]:
    """The last lines of a log that say something, as many as fit on a terminal."""
    try:
        lines = log.read_text(errors="replace").splitlines()
    except OSError:
        return ["It has written no log."]
    # A progress bar writes its states behind one another.
    lines = [line.rpartition("\r")[2].rstrip() for line in lines if line.strip()]
    return lines[-LINES_OF_A_LOG:] or ["Its log is empty."]


def errors_in(log: Path) -> list[str]:
    """What a cluster's log of a job, in which much is Snakemake's, says of errors."""
    try:
        lines = log.read_text(errors="replace").splitlines()
    except OSError:
        return []
    errors = (line for line in lines if re.match(r"(?!srun)\S+ error: ", line))
    return list(dict.fromkeys(errors))[-LINES_OF_A_LOG:]


def stopped(jobs: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Of a group that failed those that began and did not end, by their logs; all, if none did."""

    def ended(log: str) -> bool:
        return re.search(r"\d took \d+ s, ", end_of_log(Path(log))[-1]) is not None

    began = [job for job in jobs if any(Path(log).exists() for log in job["log"])]
    return [job for job in began if not any(map(ended, job["log"]))] or jobs


def nearest(wanted: str, targets: Mapping[str, str]) -> list[str]:
    """Up to three targets that are called much like a wanted one, the most like first.

    targets : from what they may be called to what is to be written
    """
    likeness = {
        name: difflib.SequenceMatcher(None, wanted.strip("/").lower(), name.lower()).ratio()
        for name in targets
    }
    best = max(likeness.values(), default=0)
    names = [name for name, ratio in likeness.items() if ratio >= max(0.6, best - 0.03)]
    names.sort(key=likeness.__getitem__, reverse=True)
    return list(dict.fromkeys(targets[name] for name in names))[:3]


def _because(reason: str) -> str:
    """Snakemake's reason to run a job, without its lists of files and digests."""
    for beginning, meaning in REASONS.items():
        if beginning in reason:
            return meaning
    return f"{reason[:1].lower()}{reason[1:]}"


def _duration(seconds: float) -> str:
    if seconds < 60:
        return f"{seconds:.0f} s"
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02} min" if hours else f"{minutes} min {seconds:02} s"
