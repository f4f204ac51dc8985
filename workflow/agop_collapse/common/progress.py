"""Progress of long work, for lines of a log."""

import time


class Steps:
    """A count of steps; as text it says how many are done, in what time, and what time is left.

    Parameters
    ----------
    total : of all steps
    done : before this process began, in a time that nobody knows
    unit : what a step is, in the singular
    """

    def __init__(self, total: int, done: int, unit: str):
        self.total, self.before, self.done, self.unit = total, done, done, unit
        self._begin = time.monotonic()

    def update(self) -> None:
        """Another step is done."""
        self.done += 1

    def __str__(self) -> str:
        took, here = time.monotonic() - self._begin, self.done - self.before
        left = _clock(took / here * (self.total - self.done)) if here else "?"
        return f"{self.done} of {self.total} {self.unit}s in {_clock(took)}, {left} left"


def _clock(seconds: float) -> str:
    """As 02:05, or 1:02:05."""
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes:02d}:{rest:02d}"
