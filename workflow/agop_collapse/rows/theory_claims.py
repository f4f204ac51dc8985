"""What the paper states, claim by claim: the number that it says, and the number that is found."""

import math
from collections.abc import Callable

import pandas as pd
import torch

from ..theory import recursion
from .theory import Rows, Settings

# Errors of this size are rounding.
EXACT = 1e-10
# The error starts below the inverse of this.
ROOM = 1e-4
# A rate or slope may be off by this part of itself, as an asymptotic one is.
NEAR = 0.05
# Of a Monte Carlo mean, in standard errors: the largest of many.
Z = 4.0
# Of a variance estimated by Monte Carlo, relative.
VARIANCE = 0.5
# How far descent may end above the optimum, relative.
DESCENT = 0.01


def claims(tables: dict[str, pd.DataFrame], settings: Settings, seed: int) -> Rows:
    """Rows of theory_claims, from the other tables of theory.

    Each has claim (its name), source (where it is stated), printed (whether the paper says so;
    otherwise it is what holds instead), statement, stated and found (numbers), tolerance, and
    holds: whether found is no further than tolerance from stated.
    """
    rows: Rows = []

    def add(
        claim: str,
        source: str,
        printed: bool,
        statement: str,
        stated: float,
        found: float,
        tolerance: float,
    ) -> None:
        holds = abs(found - stated) <= tolerance
        rows.append(
            {"claim": claim, "source": source, "printed": printed, "statement": statement}
            | {"stated": stated, "found": float(found), "tolerance": tolerance, "holds": holds}
        )

    _of_recursion(add, tables["theory_rate"], settings, seed)
    _of_objective(add, tables["theory_objective"])
    _of_random_features(add, tables["theory_random_features"])
    return rows


Add = Callable[..., None]


def _of_recursion(add: Add, rates: pd.DataFrame, settings: Settings, seed: int) -> None:
    n, classes = settings.per_class, settings.classes
    labels = recursion.one_hot(classes, n)
    points = recursion.random_points(len(labels), seed)
    lambda_map = settings.lambda_map[0]
    linear = recursion.run(points, labels, 0, lambda_map, 1, 2)[1].error
    add("linear_kernel", "5.1", True, "a linear kernel collapses in one layer", 0, linear, EXACT)

    collapsed = labels @ labels.T
    lemma = recursion.inverse_at_collapse(classes, n, lambda_map)
    identity = torch.eye(len(labels), dtype=labels.dtype)
    error = float((lemma @ (collapsed + lambda_map * identity) - identity).abs().max())
    add("lemma_c2", "Lemma C.2", True, "(A*)^-1 = (I - Y^T Y / (lambda_map + n)) / lambda_map",
        0, error, EXACT)  # fmt: skip
    factor = float((collapsed @ lemma)[0, 0])
    add("lemma_c2_use", "proof of Theorem 5.3", True,
        "Y^T Y (A*)^-1 = (1 + 1 / lambda_map) Y^T Y, the factor", 1 + 1 / lambda_map, factor,
        EXACT)  # fmt: skip
    add("lemma_c2_use_corrected", "Lemma C.2", False,
        "Y^T Y (A*)^-1 = Y^T Y / (n + lambda_map), the factor", 1 / (n + lambda_map), factor,
        EXACT)  # fmt: skip

    by_kappa = dict(list(rates.groupby("kappa")))
    for kind, printed, name in (("paper", True, "printed"), ("first_order", False, "corrected")):
        slopes = by_kappa[kind]["floor_slope"].dropna()
        add(f"theorem_5_3_floor_{name}", "Theorem 5.3", printed,
            f"error down to O(lambda_k^2) with the {name} kappa: slope of the floor", 2,
            _furthest(slopes, 2), 2 * NEAR)  # fmt: skip
    exact = by_kappa["exact"]
    in_time = exact[exact["rate_expected"] ** settings.layers < EXACT * ROOM]
    add("theorem_5_3_exact", "Theorem 5.3", False,
        "with the exact kappa the error falls to rounding, where there are layers enough", 0,
        in_time["floor"].max(), EXACT)  # fmt: skip
    every = rates[rates["rate"].notna()]
    add("theorem_5_3_rate", "Theorem 5.3", False,
        "rate over g n lambda_k / ((lambda_map + lambda_k) (g n + lambda_map))", 1,
        _furthest(every["rate"] / every["rate_expected"], 1), NEAR)  # fmt: skip
    twice = rates[rates["nc1_rate"].notna()]
    add("theorem_5_3_nc1", "Theorem 5.3", False, "rate of NC1 over the square of the error's", 1,
        _furthest(twice["nc1_rate"] / twice["rate_expected"] ** 2, 1), 2 * NEAR)  # fmt: skip


def _of_objective(add: Add, table: pd.DataFrame) -> None:
    many = table["classes"] > 4
    cases = [
        ("theorem_5_4", "Theorem 5.4", "one_hot", True, table["labels"] == "one_hot"),
        ("theorem_5_4_free", "Theorem 5.4", "one_hot", False, table["labels"] == "one_hot"),
        ("theorem_5_4_plus_minus", "Appendix D", "+-1, K > 4", True,
         (table["labels"] == "plus_minus") & many),
        ("v1_theorem_5_5", "v1, Theorem 5.5", "scalar +-1", True, table["labels"] == "scalar"),
        ("v1_theorem_5_5_free", "v1, Problem 4", "scalar +-1", False, table["labels"] == "scalar"),
    ]  # fmt: skip
    for claim, source, labels, nonnegative, chosen in cases:
        # Without the constraint, those that fulfil it are feasible too.
        of_case = table[chosen & (table["nonnegative"] | (not nonnegative))]
        if of_case.empty:
            continue
        sign = "non-negative kernel" if nonnegative else "kernel of either sign"
        printed = claim != "theorem_5_4_free"
        add(claim, source, printed, f"{labels} labels: the least excess of a {sign} over k*", 0,
            of_case["excess"].min(), 1e-9)  # fmt: skip
    ends = table[table["source"] == "descent"]
    by = ["labels", "classes", "ridge", "nonnegative"]
    ends = ends.sort_values("number").groupby(by)["objective"].last()
    best = table[table["source"] == "best"].set_index(by)["objective"]
    add("theorem_5_4_optimum", "docs/theory.md", False,
        "descent's end over the closed optimum of two-level kernels", 1,
        _furthest(ends / best, 1), DESCENT)  # fmt: skip


def _of_random_features(add: Add, table: pd.DataFrame) -> None:
    for feature_map, printed in (("relu", True), ("cos", False)):
        part = table[table["feature_map"] == feature_map]
        # Where a product has hardly any spread, its error is rounding.
        spread = part[part["mean_se"] > EXACT]
        z = (spread["mean"] - spread["expected"]) / spread["mean_se"]
        add(f"proposition_a1_mean_{feature_map}", "Proposition A.1", printed,
            "mean product of features, standard errors from its formula", 0, _furthest(z, 0),
            Z)  # fmt: skip
        middle = spread[spread["product"].abs() < 0.95]
        by_width = middle.groupby("width")[["variance", "variance_expected"]].sum()
        ratio = by_width["variance"] / by_width["variance_expected"]
        add(f"proposition_a1_variance_{feature_map}", "Proposition A.1", printed,
            "its variance times D over the closed form, of the width furthest from it", 1,
            _furthest(ratio, 1), VARIANCE)  # fmt: skip


def _furthest(values: pd.Series, wanted: float) -> float:
    """Of several numbers the one that is furthest from what it should be; nan of none."""
    return values.loc[(values - wanted).abs().idxmax()] if len(values) else math.nan
