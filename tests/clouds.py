"""Random points sorted by class, for property tests: hypothesis draws shape and seed."""

from dataclasses import dataclass

import numpy as np
import torch
from hypothesis import strategies as st
from torch import Tensor

SEEDS = st.integers(0, 2**32 - 1)


@dataclass(frozen=True)
class Cloud:
    """Points x (n, d) sorted by class, points of each class, and coefficients (n, c)."""

    x: Tensor
    counts: list[int]
    coefficients: Tensor

    @property
    def n(self) -> int:
        return len(self.x)


def cloud(
    seed: int,
    counts: list[int],
    d: int,
    outputs: int = 2,
    spread: float = 1.0,
    duplicate: bool = False,
) -> Cloud:
    """Class means of norm about 1, points about them at distances of order `spread`."""
    random = np.random.default_rng(seed)
    means = random.normal(size=(len(counts), d)) / np.sqrt(d)
    x = np.repeat(means, counts, axis=0)
    x += spread * random.normal(size=x.shape) / np.sqrt(d)
    if duplicate:
        x[counts[0] - 1] = x[0]
    coefficients = random.normal(size=(len(x), outputs))
    return Cloud(torch.tensor(x), list(counts), torch.tensor(coefficients))


@st.composite
def clouds(draw, spreads=(1.0, 0.1, 1e-3, 1e-6), duplicates=True, min_points=1) -> Cloud:
    """Two to four classes, unbalanced, of any spread, with or without an exact duplicate."""
    counts = draw(st.lists(st.integers(min_points, 6), min_size=2, max_size=4))
    return cloud(
        draw(SEEDS),
        counts,
        draw(st.integers(1, 9)),
        draw(st.integers(1, 4)),
        draw(st.sampled_from(spreads)),
        duplicates and draw(st.booleans()),
    )


def rotation(seed: int, d: int) -> Tensor:
    """A random orthogonal matrix."""
    square = np.random.default_rng(seed).normal(size=(d, d))
    return torch.tensor(np.linalg.qr(square)[0])


def shuffle_within_classes(seed: int, counts: list[int]) -> Tensor:
    """An order of the points that leaves each in its class."""
    random = np.random.default_rng(seed)
    starts = np.cumsum([0, *counts[:-1]])
    blocks = [
        start + random.permutation(count) for start, count in zip(starts, counts, strict=True)
    ]
    return torch.tensor(np.concatenate(blocks))


def exact_etf(classes: int, counts: list[int], d: int) -> Tensor:
    """Every point of a class at one vertex of a regular simplex, turned and moved."""
    vertices = torch.eye(classes, d, dtype=torch.float64) - 1 / classes * (
        torch.arange(d) < classes
    )
    labels = np.repeat(np.arange(classes), counts)
    return 3 * vertices[labels] @ rotation(0, d) + 0.5
