"""The paper's theorems as tables: the recursion of 5.3, the objective of 5.4, Proposition A.1."""

import dataclasses
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from ..common.seeding import generator
from ..theory import objective, random_features, recursion

# The floor of the error is a power of lambda_k up to this part of lambda_map.
SMALL_RATIO = 0.01
# NC1 falls by the square of the error's rate, and so reaches rounding in half as many digits.
NC1_ROUNDING = recursion.ROUNDING**2
PRODUCTS = torch.linspace(-1, 1, 21, dtype=torch.float64)

Rows = list[dict[str, Any]]


@dataclass(frozen=True)
class Settings:
    """What the theorems are computed at; config.schema.yaml describes each, in the block theory."""

    classes: int
    per_class: int
    layers: int
    lambda_map: Sequence[float]
    ratios: Sequence[float]
    objective_classes: Sequence[int]
    objective_per_class: int
    ridges: Sequence[float]
    random_kernels: int
    descent_steps: int
    widths: Sequence[int]
    draws: int


def measure(settings: Settings, seed: int) -> dict[str, Rows]:
    """Rows of theory_recursion, theory_rate, theory_objective and theory_random_features."""
    states = list(_recursions(settings, seed))
    return {
        "theory_recursion": [
            place | {"layer": layer} | dataclasses.asdict(state)
            for place, found in states
            for layer, state in enumerate(found, start=1)
        ],
        "theory_rate": _rates(states, settings.per_class),
        "theory_objective": list(_objectives(settings, seed)),
        "theory_random_features": list(_random_features(settings, seed)),
    }


def _recursions(
    settings: Settings, seed: int
) -> Iterator[tuple[dict[str, Any], list[recursion.State]]]:
    """Each recursion with where it is: lambda_map, lambda_k, kappa; no state where kappa <= 0."""
    n = settings.per_class
    labels = recursion.one_hot(settings.classes, n)
    points = recursion.random_points(len(labels), seed)
    for lambda_map in settings.lambda_map:
        for ratio in settings.ratios:
            lambda_k = ratio * lambda_map
            for kind in recursion.KAPPAS:
                kappa = recursion.kappa(kind, lambda_k, lambda_map, n)
                place = {"lambda_map": lambda_map, "lambda_k": lambda_k}
                place |= {"kappa": kind, "kappa_value": kappa}
                given = (lambda_k, lambda_map, kappa, settings.layers)
                yield place, recursion.run(points, labels, *given) if kappa > 0 else []


def _rates(states: list[tuple[dict[str, Any], list[recursion.State]]], n: int) -> Rows:
    """Rate and floor of each recursion, beside what they are near its fixed point."""
    rows = []
    for place, found in states:
        row = place | dict.fromkeys(("rate", "rate_expected", "nc1_rate"), math.nan)
        row |= dict.fromkeys(("floor", "floor_expected"), math.nan)
        if found:
            lambdas = place["lambda_k"], place["lambda_map"], n
            g = recursion.fixed_point(*lambdas, place["kappa_value"])
            row["rate"] = recursion.measured_rate([each.error_rescaled for each in found])
            row["rate_expected"] = recursion.expected_rate(*lambdas, g)
            row["nc1_rate"] = recursion.measured_rate([each.nc1 for each in found], NC1_ROUNDING)
            row["floor"], row["floor_expected"] = found[-1].error, n * abs(g - 1)
        rows.append(row)
    return [row | {"floor_slope": _floor_slope(rows, row)} for row in rows]


def _floor_slope(rows: Rows, row: Mapping[str, Any]) -> float:
    """Of log floor against log lambda_k where this is small; nan of the exact kappa."""
    small = [
        (each["lambda_k"], each["floor"])
        for each in rows
        if (each["lambda_map"], each["kappa"]) == (row["lambda_map"], row["kappa"])
        and each["lambda_k"] <= SMALL_RATIO * each["lambda_map"] * (1 + 1e-9)
    ]
    if row["kappa"] == "exact" or len(small) < 2:
        return math.nan
    return recursion.slope(*zip(*small, strict=True))


def _objectives(settings: Settings, seed: int) -> Iterator[dict[str, Any]]:
    """The objective of kernels of many kinds, for every kind of labels and ridge."""
    n = settings.objective_per_class
    cases = [(kind, k) for k in settings.objective_classes for kind in ("one_hot", "plus_minus")]
    for kind, classes in [*cases, ("scalar", 2)]:
        labels = objective.labels_of(kind, classes, n)
        for ridge in settings.ridges:
            place = {"labels": kind, "classes": classes, "per_class": n, "ridge": ridge}
            for found in _kernels(kind, labels, classes, ridge, settings, seed):
                yield place | found


def _kernels(
    kind: str, labels: Tensor, classes: int, ridge: float, settings: Settings, seed: int
) -> Iterator[dict[str, Any]]:
    n = settings.objective_per_class
    collapsed = objective.two_level_kernel(classes, n, 0)
    least = objective.two_level_objective(kind, classes, n, ridge, 0)

    def row(source: str, kernel: Tensor, nonnegative: bool, number: int = 0) -> dict[str, Any]:
        value = float(objective.objective(kernel, labels, ridge))
        within, between = objective.levels(kernel, classes)
        return {
            **{"source": source, "nonnegative": nonnegative, "number": number},
            **{"objective": value, "excess": value / least - 1},
            **{"distance": float((kernel - collapsed).abs().max())},
            **{"within": within, "between": between},
        }

    yield row("collapsed", collapsed, True) | {"objective": least, "excess": 0.0}
    drawn = objective.random_kernels(
        classes, n, settings.random_kernels, generator(seed, "theory", kind, classes)
    )
    for number, (family, kernel) in enumerate(drawn):
        yield row(family, kernel, True, number)
    for nonnegative in (True, False):
        between = objective.best_between(kind, classes, n, ridge, nonnegative)
        yield row("best", objective.two_level_kernel(classes, n, between), nonnegative)
        steps = settings.descent_steps
        for found in objective.descend(labels, ridge, nonnegative, steps, seed):
            yield row("descent", found.kernel, nonnegative, found.step)


def _random_features(settings: Settings, seed: int) -> Iterator[dict[str, Any]]:
    for feature_map in random_features.MAPS:
        for width in settings.widths:
            found = random_features.simulate(feature_map, PRODUCTS, width, settings.draws, seed)
            place = {"feature_map": feature_map, "width": width, "draws": settings.draws}
            for index, product in enumerate(PRODUCTS.tolist()):
                values = {name: float(column[index]) for name, column in found.items()}
                yield place | {"product": product} | values
