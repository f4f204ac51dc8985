"""Claims of the paper's theory, each with the number that `theory_claims` has found.

That table has the theorems' numbers (rows/theory_claims.py, docs/theory.md); here is which of them
make a claim of the paper, and how far they may be off.
"""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from .claim import Claim, Quantity
from .evidence import Evidence, NotMeasured

ABOUT = "figure of the theorems (theory_rate, or another of them), for which they are computed"
# Rounding, of an objective that is relative to its optimum.
ROUNDING = 1e-9
# Of a simulated factor of distances, a standard error; half of what T5 lets it be off.
NOISE = 0.005


def _found(name: str, row: str, words: str, **bounds: float) -> tuple[Quantity, str]:
    """A quantity, and the row of theory_claims that has it."""
    return Quantity(name, words, **bounds), row


def _theorem(
    id: str,
    source: str,
    sentence: str,
    figure: str,
    *found: tuple[Quantity, str],
    printed: bool = True,
    over_stated: bool = False,
) -> Claim:
    """A claim whose numbers are `found` of theory_claims, or that over `stated`."""

    def measure(theory: Evidence) -> Mapping[str, float]:
        rows = theory.rows("theory_claims").set_index("claim")
        missing = [row for _, row in found if row not in rows.index]
        if missing:
            raise NotMeasured(f"with its settings of theory, the study has no {missing[0]}")
        values = rows["found"] / rows["stated"] if over_stated else rows["found"]
        return {quantity.name: values[row] for quantity, row in found}

    quantities = tuple(quantity for quantity, _ in found)
    tables = ("theory_claims",)
    return Claim(
        id, source, sentence, ABOUT, tables, measure, quantities, figure=figure, printed=printed
    )


def _simulated(theory: Evidence) -> pd.DataFrame:
    """Rows of theory_kernel, by distance, unless the simulation is too coarse to tell."""
    rows = theory.rows("theory_kernel").sort_values("distance")
    error = (rows["mapped_sd"] / rows["draws"] ** 0.5 / rows["distance"]).max()
    if not error <= NOISE:
        raise NotMeasured(
            f"the simulation is too coarse: a factor's standard error is {error:.2g}, and the "
            f"claim needs {NOISE:g}; raise theory_kernel.draws or width"
        )
    return rows


def _relu_distances(theory: Evidence) -> Mapping[str, float]:
    rows = _simulated(theory)
    ratio = (rows["mapped_mean"] / rows["distance"]).to_numpy()
    return {"step": np.diff(ratio).max(), "least": ratio.min(), "most": ratio.max()}


def _distances_that_grow(theory: Evidence) -> Mapping[str, float]:
    rows = _simulated(theory)
    return {"share": (rows["mapped_mean"] > rows["distance"]).mean()}


_SLOPE = "slope of ln(error of the last layer) against ln λ_k, furthest from 2"
_EXCESS = "least of all kernels' objective over that of k*, less 1"
_KERNEL_ABOUT = "figure v1_fig04, for which the distances are simulated"

CLAIMS = (
    _theorem(
        "T1",
        "Theorem 5.3",
        "The error falls to O(λ_k²), with κ = 1 - 2 λ_k (1 + 1/λ_map).",
        "theory_rate",
        _found("slope", "theorem_5_3_floor_printed", _SLOPE, least=1.95, most=2.05, paper=2),
    ),
    _theorem(
        "T1-corrected",
        "Theorem 5.3, with the κ that Lemma C.2 gives",
        "The error falls to O(λ_k²), with κ = 1 - 2 λ_k / (n + λ_map).",
        "theory_rate",
        _found("slope", "theorem_5_3_floor_corrected", _SLOPE, least=1.95, most=2.05, paper=2),
        printed=False,
    ),
    _theorem(
        "T1-exact",
        "Theorem 5.3, with κ to all orders",
        "The error falls to 0, with κ = ((n + λ_map) / (n + λ_map + λ_k))².",
        "theory_recursion",
        _found("error", "theorem_5_3_exact", "error of the last layer", most=1e-10),
        printed=False,
    ),
    _theorem(
        "T1-rate",
        "Theorem 5.3; the closed form is docs/theory.md's",
        "Convergence is exponential, at a rate of about λ_k / λ_map.",
        "theory_rate",
        _found(
            "rate",
            "theorem_5_3_rate",
            "rate over g n λ_k / ((λ_map + λ_k) (g n + λ_map)), furthest from 1",
            least=0.9,
            most=1.1,
        ),
        printed=False,
    ),
    _theorem(
        "T2",
        "Theorem 5.4",
        "k*, collapsed and orthogonal, is the optimum for one-hot labels.",
        "theory_objective",
        _found("excess", "theorem_5_4", _EXCESS, least=-ROUNDING, paper=0),
    ),
    _theorem(
        "T2-labels",
        "Theorem 5.4 with the labels of Appendix D",
        "k* is the optimum for the labels ±1 of the experiments, of more than four classes.",
        "theory_objective",
        _found("excess", "theorem_5_4_plus_minus", _EXCESS, least=-ROUNDING, paper=0),
    ),
    _theorem(
        "T3",
        "Proposition A.1",
        "The product of ReLU features has a mean in closed form, and a variance of order 1/D.",
        "random_features",
        _found(
            "mean",
            "proposition_a1_mean_relu",
            "standard errors from the mean's formula, furthest from 0",
            least=-3,
            most=3,
            paper=0,
        ),
        _found(
            "variance",
            "proposition_a1_variance_relu",
            "D times the variance over its closed form, furthest from 1",
            least=0.5,
            most=1.5,
        ),
    ),
    _theorem(
        "T4",
        "Lemma C.2",
        "(YᵀY + λ_map I)⁻¹ = (I - YᵀY / (λ_map + n)) / λ_map.",
        "theory_recursion",
        _found("error", "lemma_c2", "largest error of an entry", most=1e-12, paper=0),
    ),
    _theorem(
        "T4-use",
        "proof of Theorem 5.3",
        "YᵀY (A*)⁻¹ = (1 + 1/λ_map) YᵀY, which the proof takes from Lemma C.2.",
        "theory_rate",
        _found(
            "factor",
            "lemma_c2_use",
            "factor over that of the paper",
            least=1 - ROUNDING,
            most=1 + ROUNDING,
            paper=1,
        ),
        over_stated=True,
    ),
    _theorem(
        "T4-corrected",
        "Lemma C.2",
        "YᵀY (A*)⁻¹ = YᵀY / (n + λ_map).",
        "theory_rate",
        _found(
            "factor",
            "lemma_c2_use_corrected",
            "factor over 1 / (n + λ_map)",
            least=1 - ROUNDING,
            most=1 + ROUNDING,
        ),
        printed=False,
        over_stated=True,
    ),
    Claim(
        "T5",
        "v1, Section 5.1 and Figure 4",
        "ReLU features shrink a distance by a factor that falls from 1 to 1/√2 as it grows.",
        _KERNEL_ABOUT,
        ("theory_kernel",),
        _relu_distances,
        (
            Quantity("step", "largest step of the factor from a distance to the next", most=1e-3),
            Quantity("least", "least factor", 2**-0.5 - 1e-2, paper=2**-0.5),
            Quantity("most", "largest factor", None, 1, paper=1),
        ),
        figure="theory_kernel",
    ),
    Claim(
        "T5-growth",
        "Appendix A",
        "ReLU features increase the distances between points.",
        _KERNEL_ABOUT,
        ("theory_kernel",),
        _distances_that_grow,
        (Quantity("share", "share of distances that grow", 0.5, paper=1),),
        figure="theory_kernel",
    ),
    _theorem(
        "T6",
        "v1, Theorem 5.5",
        "k* is the optimum of two classes with one output ±1, of kernels that are not negative.",
        "theory_objective",
        _found("excess", "v1_theorem_5_5", _EXCESS, least=-ROUNDING, paper=0),
    ),
    _theorem(
        "T6-sign",
        "v1, Problem 4 as it stands",
        "The same, of kernels of either sign.",
        "theory_objective",
        _found("excess", "v1_theorem_5_5_free", _EXCESS, least=-ROUNDING, paper=0),
    ),
)
