"""Folders of a user's own: gone through whole, each once, and nothing opened that is no file."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

Seen = dict[tuple[int, int], str]


def walk(folder: Path, seen: Seen | None = None) -> Iterator[tuple[str, list[str], list[str]]]:
    """As os.walk through links, which takes a link to a folder above for ever more folders.

    Parameters
    ----------
    seen : folders that were gone through before, to which this one's are added

    Raises
    ------
    OSError : when a folder cannot be read, or is come to a second time.
    """
    seen = {} if seen is None else seen
    for place, folders, files in os.walk(folder, followlinks=True, onerror=_raise):
        facts = os.stat(place)
        other = seen.setdefault((facts.st_dev, facts.st_ino), place)
        if other != place:
            raise OSError(
                f"{place} is the same folder as {other}, so its files would count twice; remove "
                "the link that leads there"
            )
        yield place, folders, files


def _raise(error: OSError) -> None:
    raise error


def expect_regular(file: Path | str, facts: os.stat_result) -> None:
    """Raise OSError on a pipe, which may be waited on for ever, a socket or a device."""
    if not stat.S_ISREG(facts.st_mode):
        raise OSError(f"{file} is no regular file, but a pipe, socket or device; take it away")
