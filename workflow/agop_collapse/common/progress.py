"""Progress of long work, for lines of a log."""

from io import StringIO

from tqdm import tqdm


def steps(total: int, done: int, unit: str) -> tqdm:
    """A count of steps; as text it says how many are done, in what time, and what time is left."""
    form = "{n_fmt} of {total_fmt} {unit}s in {elapsed}, {remaining} left"
    return tqdm(total=total, initial=done, unit=unit, bar_format=form, file=StringIO())
