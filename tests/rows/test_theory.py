"""Tables of the theory: complete, as the modules compute them, and the claims' verdicts."""

import dataclasses
import math

import pandas as pd
import pytest
from agop_collapse.files import columns, tables
from agop_collapse.rows import theory, theory_claims
from agop_collapse.theory import recursion

SETTINGS = theory.Settings(
    classes=3,
    per_class=6,
    layers=20,
    lambda_map=[0.5, 2.0],
    ratios=[1e-3, 1e-2, 0.1, 1.0],
    objective_classes=[3, 6],
    objective_per_class=3,
    ridges=[0.5],
    random_kernels=10,
    descent_steps=200,
    widths=[32, 128],
    draws=300,
)


@pytest.fixture(scope="module")
def found() -> dict[str, pd.DataFrame]:
    rows = theory.measure(SETTINGS, seed=0)
    named = {"study": "mine", "seed": 0}
    made = {
        name: tables.frame(name, [named | row for row in of_table])
        for name, of_table in rows.items()
    }
    claims = [named | row for row in theory_claims.claims(made, SETTINGS, 0)]
    return made | {"theory_claims": tables.frame("theory_claims", claims)}


def test_every_column_is_filled(found):
    assert set(found) == set(columns.THEORY)
    may_be_null = {"rate", "rate_expected", "nc1_rate", "floor", "floor_expected", "floor_slope"}
    for name, table in found.items():
        assert len(table) > 0
        assert set(table.columns[table.isna().any()]) <= may_be_null, name


def test_there_is_a_recursion_for_each_lambda_and_kappa_that_is_positive(found):
    rates, states = found["theory_rate"], found["theory_recursion"]
    assert len(rates) == 2 * 4 * 3
    assert (rates["kappa_value"] <= 0).any()
    assert (rates["floor"].isna() == (rates["kappa_value"] <= 0)).all()
    keys = ["lambda_map", "lambda_k", "kappa"]
    layers = states.groupby(keys)["layer"].agg(["min", "max", "count"])
    assert len(layers) == rates["floor"].notna().sum()
    assert layers.to_numpy().tolist() == [[1, 20, 20]] * len(layers)


def test_rates_are_those_of_the_recursions_rows(found):
    states, rates = found["theory_recursion"], found["theory_rate"]
    place = {"lambda_map": 2.0, "lambda_k": 0.2, "kappa": "first_order"}
    chosen, row = (
        table[(table[list(place)] == pd.Series(place)).all(axis=1)] for table in (states, rates)
    )
    assert row["floor"].item() == chosen["error"].iloc[-1]
    errors = [value for value in chosen["error_rescaled"] if value > recursion.ROUNDING]
    assert row["rate"].item() == errors[-1] / errors[-2]
    assert row["rate"].item() == pytest.approx(row["rate_expected"].item(), rel=0.02)


def test_slopes_are_of_the_small_lambdas(found):
    rates = found["theory_rate"]
    slopes = rates.groupby("kappa")["floor_slope"].agg(["min", "max"])
    assert slopes.loc["paper"].to_numpy() == pytest.approx(1, abs=0.05)
    assert slopes.loc["first_order"].to_numpy() == pytest.approx(2, abs=0.05)
    assert slopes.loc["exact"].isna().all()
    alone = dataclasses.replace(SETTINGS, ratios=[1e-2, 0.1])
    states = list(theory._recursions(alone, 0))
    assert all(math.isnan(row["floor_slope"]) for row in theory._rates(states, 6))


def test_objectives_are_over_that_of_the_collapsed_kernel(found):
    table = found["theory_objective"]
    for (_, classes), part in table.groupby(["labels", "classes"]):
        collapsed = part[part["source"] == "collapsed"]
        assert collapsed[["excess", "between", "distance"]].to_numpy().tolist() == [[0, 0, 0]]
        expected = part["objective"] / collapsed["objective"].item() - 1
        assert part["excess"].to_numpy() == pytest.approx(expected.to_numpy(), abs=1e-12)
        best = part[part["source"] == "best"].set_index("nonnegative")["objective"]
        assert best[False] <= best[True] <= part.loc[part["nonnegative"], "objective"].min() + 1e-9
        assert classes in (2, 3, 6)


# Whether the claim holds, and what is found where it is known.
VERDICTS = {
    "linear_kernel": (True, 0),
    "lemma_c2": (True, 0),
    "lemma_c2_use": (False, 1 / 6.5),
    "lemma_c2_use_corrected": (True, 1 / 6.5),
    "theorem_5_3_floor_printed": (False, 1),
    "theorem_5_3_floor_corrected": (True, 2),
    "theorem_5_3_exact": (True, 0),
    "theorem_5_3_rate": (True, 1),
    "theorem_5_3_nc1": (True, 1),
    "theorem_5_4": (True, 0),
    "theorem_5_4_free": (True, 0),
    "theorem_5_4_plus_minus": (False, None),
    "v1_theorem_5_5": (True, 0),
    # 2 n mu / (2 n + mu) over 2 n mu / (n + mu), for n = 3 and mu = 1/2.
    "v1_theorem_5_5_free": (False, 3.5 / 6.5 - 1),
    "theorem_5_4_optimum": (True, 1),
    "proposition_a1_mean_relu": (True, None),
    "proposition_a1_variance_relu": (True, None),
    "proposition_a1_mean_cos": (True, None),
    "proposition_a1_variance_cos": (True, None),
}


def test_verdicts(found):
    table = found["theory_claims"].set_index("claim")
    assert set(table.index) == set(VERDICTS)
    for claim, (holds, value) in VERDICTS.items():
        assert table.loc[claim, "holds"] == holds, claim
        if value is not None:
            assert table.loc[claim, "found"] == pytest.approx(value, abs=0.06), claim
    assert table.loc["theorem_5_4_plus_minus", "found"] < -0.01


def test_without_many_classes_there_is_no_verdict_on_them(found):
    few = found["theory_objective"]
    few = found | {"theory_objective": few[few["classes"] < 5]}
    names = {row["claim"] for row in theory_claims.claims(few, SETTINGS, 0)}
    assert set(VERDICTS) - names == {"theorem_5_4_plus_minus"}
