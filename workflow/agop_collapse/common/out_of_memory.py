"""What to do when a GPU's memory does not suffice: less at a time."""

import logging
from collections.abc import Callable
from typing import TypeVar

import torch

from .errors import UserError

logger = logging.getLogger(__name__)

Result = TypeVar("Result")

# No work gets much smaller by taking less than this at a time.
LEAST = 256


def with_less_at_a_time(
    work: Callable[[int], Result], at_a_time: int, setting: str, least: int = LEAST
) -> tuple[Result, int]:
    """work(at_a_time), with half of it again and again while a GPU runs out of memory.

    Parameters
    ----------
    work : takes how much to work on at a time, and gives the same result for any of it
    at_a_time : to begin with
    setting : what a user knows that number by
    least : that it is worth to try

    Returns
    -------
    The result, and the number that it took.

    Raises
    ------
    UserError : when the least does not fit either.
    """
    while True:
        try:
            return work(at_a_time), at_a_time
        except torch.OutOfMemoryError as error:
            if at_a_time <= least:
                raise UserError(
                    f"the GPU's memory does not suffice, not even with {setting} {at_a_time} "
                    f"({error}); lower n or the width, or set the study's device to cpu"
                ) from error
        # Outside of the handler, which holds on to what the failed work had.
        torch.cuda.empty_cache()
        at_a_time = max(least, at_a_time // 2)
        logger.warning("out of GPU memory: going on with %s %d", setting, at_a_time)
