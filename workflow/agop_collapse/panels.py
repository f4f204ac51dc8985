"""Large symmetric arrays, worked on by panels of rows so that no second one is ever needed."""

from itertools import pairwise

# With eight panels a symmetric product costs 9/16 of a full one; thinner ones multiply slowly.
PANELS = 8
THINNEST = 128


def panels(n: int, block_rows: int) -> list[slice]:
    """0 ... n in consecutive slices of nearly one size, at most `block_rows` (> 0) each."""
    at_most = max(1, min(block_rows, max(THINNEST, -(-n // PANELS))))
    count = -(-n // at_most)
    edges = [n * panel // count for panel in range(count + 1)] if n else []
    return [slice(low, high) for low, high in pairwise(edges)]


def class_slices(class_counts: list[int]) -> list[slice]:
    """The rows of each class, of points sorted by class."""
    slices, start = [], 0
    for count in class_counts:
        slices.append(slice(start, start + count))
        start += count
    return slices
