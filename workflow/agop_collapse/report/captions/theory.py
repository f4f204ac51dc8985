"""Captions of figures of the paper's theory, which show no runs."""

import pandas as pd

from ..plain import number, percent
from .caption import Caption, Row, Tables, caption

# Smaller ones are rounding.
ROUNDING = 1e-9
LABELS = {"one_hot": "one-hot labels", "plus_minus": "±1 labels", "scalar": "one output of ±1"}


def theory_kernel(tables: Tables, rows: list[Row]) -> Caption:
    """By what factor distances shrink, and how far the simulation is from theory."""
    table = tables["theory_kernel"].sort_values("distance")
    ratio = table["mapped_theory"] / table["distance"]
    off = ((table["mapped_mean"] - table["mapped_theory"]).abs() / table["mapped_theory"]).max()
    width, draws = int(table["width"].iloc[0]), int(table["draws"].iloc[0])
    return caption(
        f"Distance of two unit vectors behind {width:,} random ReLU features against their own, "
        f"over {draws} draws of the features",
        "Two panels against the distance of two unit vectors: their distance behind random ReLU "
        "features, and its ratio to the distance before; simulated points lie beside theory's line",
        f"The ratio falls from {number(ratio.iloc[0])} at distance "
        f"{number(table['distance'].iloc[0])} to {number(ratio.iloc[-1])} at "
        f"{number(table['distance'].iloc[-1])}, and the simulated mean is off by at most "
        f"{percent(off)}",
    )


def theory_recursion(tables: Tables, rows: list[Row]) -> Caption:
    """The error at the last layer with each kappa, at the middle lambda_map."""
    table = tables["theory_recursion"]
    values = sorted(table["lambda_map"].unique())
    lambda_map = values[len(values) // 2]
    table = table[table["lambda_map"] == lambda_map]
    last = table[table["layer"] == table["layer"].max()]
    names = {"exact": "exact", "first_order": "corrected", "paper": "printed"}
    ends = (
        f"{_between(last.loc[last['kappa'] == kappa, 'error'])} with the {name} κ"
        for kappa, name in names.items()
        if (last["kappa"] == kappa).any()
    )
    return caption(
        "Error and NC1 over the layers of Theorem 5.3's recursion, for three scales κ of its "
        f"kernel, at λ_map = {number(lambda_map)}",
        "Two lines of three panels, a κ each: error and NC1 on logarithmic axes against the "
        "layer, a line for each λ_k, with the theorem's bound dotted",
        f"Over the λ_k that are shown, the error at layer {table['layer'].max()} is "
        f"{', '.join(ends)}",
    )


def _between(values: pd.Series) -> str:
    low, high = number(values.min()), number(values.max())
    return low if low == high else f"{low} to {high}"


def theory_rate(tables: Tables, rows: list[Row]) -> Caption:
    """How far the rate is from its closed form, and the slopes of the floors."""
    table = tables["theory_rate"]
    exact = table[(table["kappa"] == "exact") & table["rate"].notna()]
    off = (exact["rate"] / exact["rate_expected"] - 1).abs().max()
    slopes = table.groupby("kappa")["floor_slope"].mean()
    return caption(
        "Theorem 5.3: by what factor the error falls a layer, with the exact κ, and what is left "
        "of it with the others",
        "Two panels with logarithmic axes: rate of the error against λ_k / λ_map, and error of the "
        "last layer against λ_k; markers lie on lines of closed forms",
        f"The rate is within {percent(off)} of its closed form, and the error's floor goes as "
        f"λ_k to the power {number(slopes['paper'])} with the printed κ and "
        f"{number(slopes['first_order'])} with the corrected one",
    )


def theory_objective(tables: Tables, rows: list[Row]) -> Caption:
    """The least objective beside that of k*, for each kind of labels."""
    table = tables["theory_objective"]
    table = table[table["ridge"] == table["ridge"].max()]
    parts = []
    for labels, name in LABELS.items():
        of_kind = table[table["labels"] == labels]
        of_kind = of_kind[of_kind["classes"] == of_kind["classes"].max()]
        feasible = of_kind[of_kind["nonnegative"]]
        if len(feasible):
            classes = int(feasible["classes"].iloc[0])
            parts.append(f"{_excess(feasible['excess'].min())} with {name} (K = {classes})")
    return caption(
        "Theorem 5.4: the objective of kernels beside that of the collapsed kernel k*, with "
        f"ridge {number(table['ridge'].iloc[0])}",
        "Three panels, a kind of labels each: objective over that of k*, less one, against a "
        "kernel's mean entry between classes, with the descent's path",
        f"The least objective of a non-negative kernel is {', '.join(parts)}",
    )


def _excess(value: float) -> str:
    if abs(value) < ROUNDING:
        return "that of k*"
    return f"{percent(abs(value))} {'below' if value < 0 else 'above'} that of k*"


def random_features(tables: Tables, rows: list[Row]) -> Caption:
    """How far the simulated mean and variance are from their closed forms."""
    table = tables["theory_random_features"]
    parts = []
    for feature_map, name in (("relu", "ReLU"), ("cos", "cosine")):
        part = table[table["feature_map"] == feature_map]
        # Where a product has hardly any spread, its error is rounding.
        spread = part[part["mean_se"] > ROUNDING]
        off = ((spread["mean"] - spread["expected"]).abs() / spread["mean_se"]).max()
        by_width = spread.groupby("width")[["variance", "variance_expected"]].mean()
        ratio = by_width["variance"] / by_width["variance_expected"]
        parts.append(
            f"of {name} features the mean is within {number(off)} standard errors of its closed "
            f"form, and the variance {_between(ratio)} times its own"
        )
    return caption(
        "Proposition A.1: inner products of the random features of two unit vectors, in the mean "
        "and in their variance",
        "Two panels: mean product of features against the vectors' product, and its variance "
        "against the number of features on logarithmic axes; points lie on lines of closed forms",
        "; ".join(parts)[:1].upper() + "; ".join(parts)[1:],
    )
