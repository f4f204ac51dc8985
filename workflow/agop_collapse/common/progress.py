"""Progress of long work, for lines of a log."""

import time

from tqdm import tqdm

FORM = "{n_fmt} of {total_fmt} {unit}s in {elapsed}, {remaining} left"


class Steps:
    """A count of steps; as text it says how many are done, in what time, and what time is left.

    Not a bar of tqdm's, which closes itself with what is left when a job ends in an error.

    Parameters
    ----------
    total : of all steps
    done : before this process began
    unit : what a step is, in the singular
    """

    def __init__(self, total: int, done: int, unit: str):
        self.total, self.before, self.done, self.unit = total, done, done, unit
        self._begin = time.monotonic()

    def update(self) -> None:
        """Another step is done."""
        self.done += 1

    def __str__(self) -> str:
        took = time.monotonic() - self._begin
        given = {"unit": self.unit, "bar_format": FORM, "initial": self.before}
        return tqdm.format_meter(self.done, self.total, took, **given)
