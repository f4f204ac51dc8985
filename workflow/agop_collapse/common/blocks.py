"""Large symmetric arrays, worked on by panels of rows so that no second one is ever needed."""

from itertools import pairwise

from torch import Tensor

# With sixteen panels a symmetric product costs 17/32 of a full one, with eight 9/16. Panels of less
# than 500 rows multiply more slowly, so there eight must do; of less than 128, slower still.
MOST, FEW = 16, 8
THIN, THINNEST = 500, 128


def panels(n: int, block_rows: int) -> list[slice]:
    """0 ... n in consecutive slices of nearly one size, at most `block_rows` (> 0) each."""
    fastest = max(-(-n // MOST), min(-(-n // FEW), THIN), THINNEST)
    at_most = max(1, min(block_rows, fastest))
    count = -(-n // at_most)
    edges = [n * panel // count for panel in range(count + 1)] if n else []
    return [slice(low, high) for low, high in pairwise(edges)]


def symmetric_product(a: Tensor) -> Tensor:
    """A^T A, exactly symmetric, of (m, w) to (w, w): half of its blocks are multiplied."""
    width = a.shape[1]
    product = a.new_empty(width, width)
    for columns in panels(width, width):
        below = slice(columns.start, width)
        block = a[:, below].T @ a[:, columns]
        product[below, columns] = block
        product[columns, below] = block.T
        corner = block[: columns.stop - columns.start]
        product[columns, columns] = (corner + corner.T) / 2
    return product


def class_slices(class_counts: list[int]) -> list[slice]:
    """The rows of each class, of points sorted by class."""
    slices, start = [], 0
    for count in class_counts:
        slices.append(slice(start, start + count))
        start += count
    return slices
