"""Theorem 5.4 and the earlier version's Theorem 5.5: kernel ridge regression over all kernels.

With the best coefficients the objective (Problem 7) of a kernel matrix k is mu tr(Y (k + mu)^-1
Y^T), to be minimised over positive semidefinite, entry-wise non-negative k of unit diagonal. The
claim is that k* = Y^T Y of one-hot labels, 1 within classes and 0 between them, is the minimum.

The objective is convex in k and, like the constraints, the same for any order of the points of a
class and of the classes. So the average of k over all these orders is no worse than k, and the
minimum is among the kernels with one value within classes and one between them; the first is best
at 1. What is left is one number, `best_between`.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from ..common.seeding import generator
from .recursion import one_hot

# one_hot: as the theorem has them. plus_minus: 2 one_hot - 1, as the experiments do. scalar: one
# output, 1 for the first of two classes and -1 for the other, as the earlier version's theorem.
LABELS = ("one_hot", "plus_minus", "scalar")
# Families of feasible kernels; see `random_kernels`.
FAMILIES = ("gram", "gaussian", "near", "partition")
LEARNING_RATE = 0.2


def labels_of(kind: str, classes: int, n: int) -> Tensor:
    """Labels, (classes n, outputs) float64, n points of each class.

    Raises
    ------
    ValueError : on a kind that is not of LABELS, and on scalar labels of more than two classes.
    """
    one = one_hot(classes, n)
    match kind:
        case "one_hot":
            return one
        case "plus_minus":
            return 2 * one - 1
        case "scalar" if classes == 2:
            return 2 * one[:, :1] - 1
    raise ValueError(f"no labels {kind!r} of {classes} classes; known: {', '.join(LABELS)}")


def objective(kernel: Tensor, labels: Tensor, ridge: float) -> Tensor:
    """mu tr(Y (k + mu)^-1 Y^T): Problem 7 at the best coefficients for k.

    Parameters
    ----------
    kernel : (N, N) float64, positive semidefinite
    labels : (N, outputs); ridge : mu > 0
    """
    shifted = kernel + ridge * torch.eye(len(kernel), dtype=kernel.dtype)
    return ridge * (labels * torch.linalg.solve(shifted, labels)).sum()


def two_level_kernel(classes: int, n: int, between: float) -> Tensor:
    """1 within classes and `between` between them; k* for 0."""
    one = one_hot(classes, n)
    return between + (1 - between) * (one @ one.T)


def two_level_objective(kind: str, classes: int, n: int, ridge: float, between: float) -> float:
    """The objective of `two_level_kernel`, in closed form; mu K n / (n + mu) at k* and one-hot."""
    return ridge * two_level_square(kind, classes, n, ridge, between)


def two_level_square(kind: str, classes: int, n: float, ridge: float, between: float) -> float:
    """tr(Y (k + mu)^-1 Y^T) of `two_level_kernel`; without a ridge a squared RKHS norm.

    The kernel's eigenvalues are n (1 + (K - 1) between) on the constant vector and n (1 - between)
    on other combinations of classes; the labels' squared norm is `shared` n on the first, `apart` n
    on the others together. n is the points of a class, on average where that is no whole number.
    """
    shared, apart = _weights(kind, classes)
    common = n * (1 + (classes - 1) * between)
    return n * (shared / (common + ridge) + apart / (n * (1 - between) + ridge))


def best_between(kind: str, classes: int, n: float, ridge: float, nonnegative: bool) -> float:
    """The between-class entry of the best of all kernels, whose other entry is 1.

    Without the constraint of non-negativity it may go down to -1 / (K - 1). For one-hot labels it
    is 0, with or without; for +-1 labels and K > 4 it is (K - 4)(n + mu) / (n (3 K - 4)) > 0, since
    the constant direction then carries (K - 2)^2 and each other one 4.
    """
    shared, apart = _weights(kind, classes)
    lowest = 0.0 if nonnegative else -1 / (classes - 1)
    # Where the derivative vanishes, common + mu is `ratio` times n (1 - between) + mu.
    ratio = math.sqrt(shared * (classes - 1) / apart)
    best = (ratio - 1) * (n + ridge) / (n * (classes - 1 + ratio))
    return min(max(best, lowest), 1.0)


def _weights(kind: str, classes: int) -> tuple[float, float]:
    """Squared norm of a label's part along the constant vector, and of the rest, over outputs."""
    match kind:
        case "one_hot":
            return 1, classes - 1
        case "plus_minus":
            return (classes - 2) ** 2, 4 * (classes - 1)
        case "scalar":
            return 0, classes
    raise ValueError(f"unknown labels {kind!r}; known: {', '.join(LABELS)}")


def random_kernels(
    classes: int, n: int, count: int, source: torch.Generator
) -> Iterator[tuple[str, Tensor]]:
    """Feasible kernels, `count` of each family with its name.

    gram: of unit vectors with non-negative entries; gaussian: exp(-||x - z||^2) of points about
    class means, more or less spread; near: k* mixed with one of the others, k* weighing most;
    partition: k* of other classes of the same sizes.
    """
    size, collapsed = classes * n, two_level_kernel(classes, n, 0)
    labels = one_hot(classes, n)

    def normal(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=source, dtype=torch.float64)

    def uniform() -> float:
        return float(torch.rand(1, generator=source, dtype=torch.float64))

    for _ in range(count):
        rows = torch.nn.functional.normalize(normal(size, 1 + int(size * uniform())).abs())
        gram = rows @ rows.T
        yield "gram", gram
        points = 3 * uniform() * labels @ normal(classes, classes)
        points += uniform() ** 2 * normal(size, classes)
        gaussian = torch.exp(-torch.cdist(points, points).square())
        yield "gaussian", gaussian
        share = 10 ** (-4 * uniform())
        yield "near", (1 - share) * collapsed + share * (gram if uniform() < 0.5 else gaussian)
        order = torch.randperm(size, generator=source)
        yield "partition", collapsed[order][:, order]


@dataclass(frozen=True)
class Found:
    """A kernel that descent came by at a step; the last has the most steps."""

    step: int
    kernel: Tensor
    objective: float


def descend(labels: Tensor, ridge: float, nonnegative: bool, steps: int, seed: int) -> list[Found]:
    """Gradient descent (Adam) of the objective over k = V V^T with unit rows of V, square.

    With `nonnegative`, V has no negative entry, and k is completely positive: of more than four
    points that is a little less than positive semidefinite and non-negative, but holds k* and all
    kernels of two levels that are not negative.

    Returns
    -------
    About 50 kernels along the way, in order, the first and the last among them.
    """
    source = generator(seed, "theory", "descent")
    size = len(labels)
    weights = torch.randn(size, size, generator=source, dtype=torch.float64).requires_grad_()
    optimizer = torch.optim.Adam([weights], LEARNING_RATE)
    every = max(1, steps // 50)
    trace = []
    for step in range(steps + 1):
        entries = weights.square() if nonnegative else weights
        rows = torch.nn.functional.normalize(entries)
        kernel = rows @ rows.T
        loss = objective(kernel, labels, ridge)
        if step % every == 0 or step == steps:
            trace.append(Found(step, kernel.detach(), loss.item()))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return trace


def levels(kernel: Tensor, classes: int) -> tuple[float, float]:
    """Mean entry of a kernel matrix within classes, off the diagonal, and between classes."""
    n = len(kernel) // classes
    same = one_hot(classes, n) @ one_hot(classes, n).T
    between = float((kernel * (1 - same)).sum() / (1 - same).sum())
    if n == 1:
        return math.nan, between
    within = same - torch.eye(len(same), dtype=same.dtype)
    return float((kernel * within).sum() / within.sum()), between
