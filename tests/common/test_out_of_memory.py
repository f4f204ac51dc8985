"""Less at a time where a GPU's memory does not suffice."""

import logging

import pytest
import torch
from agop_collapse.common.errors import UserError
from agop_collapse.common.out_of_memory import with_less_at_a_time


def work_within(limit: int):
    """Work that has memory for so much at a time, and how much it was asked for."""
    asked = []

    def work(at_a_time: int) -> str:
        asked.append(at_a_time)
        if at_a_time > limit:
            raise torch.OutOfMemoryError(f"no {at_a_time} rows")
        return "done"

    return work, asked


@pytest.mark.parametrize(
    ("limit", "sizes"),
    [
        (5000, [4096]),
        (1100, [4096, 2048, 1024]),
        (300, [4096, 2048, 1024, 512, 256]),
    ],
)
def test_it_is_halved_until_it_fits(limit, sizes, caplog):
    work, asked = work_within(limit)
    with caplog.at_level(logging.WARNING):
        assert with_less_at_a_time(work, 4096, "block_rows") == ("done", sizes[-1])
    assert asked == sizes
    steps = [f"out of GPU memory: going on with block_rows {size}" for size in sizes[1:]]
    assert caplog.messages == steps


def test_what_is_worth_to_try_may_be_less():
    work, asked = work_within(3)
    assert with_less_at_a_time(work, 64, "images at a time:", least=1) == ("done", 2)
    assert asked == [64, 32, 16, 8, 4, 2]
    work, asked = work_within(0)
    with pytest.raises(UserError, match="not even with images at a time: 1 "):
        with_less_at_a_time(work, 3, "images at a time:", least=1)
    assert asked == [3, 1]


def test_the_least_is_tried_and_then_the_error_says_what_to_do():
    work, asked = work_within(100)
    with pytest.raises(UserError, match="block_rows 256 .no 256 rows.; lower n.*device to cpu"):
        with_less_at_a_time(work, 700, "block_rows")
    assert asked == [700, 350, 256]


def test_other_errors_are_not_taken_for_it():
    def work(_: int) -> None:
        raise RuntimeError("something else")

    with pytest.raises(RuntimeError, match="something else"):
        with_less_at_a_time(work, 4096, "block_rows")
