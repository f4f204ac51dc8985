"""Each claim on tables written by hand: true, false by a little, missing, not to be trusted."""

import dataclasses

import hand_made
import numpy as np
import pandas as pd
import pytest
from agop_collapse.claims import experiments, ledger
from agop_collapse.claims.claim import Quantity, UpTo
from agop_collapse.claims.ledger import NOT_MEASURED, NOT_REPRODUCED, REPRODUCED
from agop_collapse.files.columns import OF_A_RUN, THEORY
from agop_collapse.plots import select
from hand_made import changed

BY_ID = {claim.id: claim for claim in ledger.CLAIMS}
OF_NO_RUN = [id for id, claim in BY_ID.items() if not claim.runs]
# What no table can show.
NEVER = {"C14"}

RELU = {"dataset": "mnist", "run": "laplace-relu-agop", "seed": 1}
COS = RELU | {"run": "laplace-cos-agop"}
IDENTITY = RELU | {"run": "laplace-relu-identity"}
END = {"epoch": 10, "seed": 2}


def verdict(id: str, tables: dict[str, pd.DataFrame]) -> str:
    return ledger.check(BY_ID[id], tables).verdict


# Which cannot be true where T5 is.
AGAINST_T5 = {"T5-growth"}


@pytest.mark.parametrize("id", BY_ID)
def test_claim_is_reproduced_where_all_is_true(id):
    checked = ledger.check(BY_ID[id], hand_made.tables())
    wanted = NOT_REPRODUCED if id in AGAINST_T5 else NOT_MEASURED if id in NEVER else REPRODUCED
    assert checked.verdict == wanted, checked.why


def times(factor: float):
    return lambda before: before * factor


def powers(factor: float):
    return lambda before: factor ** np.arange(len(before))


# One number of one seed of one run that is changed, to just within a bound and just beyond it.
BOUNDS = [
    ("C1", "deep_rfm", "nc1", RELU | {"layer": 10, "stage": "MX"}, 0.0199, 0.0201),
    ("C1", "deep_rfm", "nc1", COS | {"layer": 10, "stage": "MX"}, 0.0199, 0.0201),
    ("C2", "deep_rfm", "nc2_mse", RELU | {"layer": 10, "stage": "MX"}, 0.0049, 0.0051),
    ("C2", "deep_rfm", "nc2_mse", RELU | {"layer": 1, "stage": "X"}, 0.0051, 0.0049),
    ("C3", "gram", "within_mean", COS | {"applied_layer": 10}, 0.9901, 0.9899),
    ("C3", "gram", "between_mean", RELU | {"applied_layer": 10}, -0.1012, -0.1010),
    ("C3", "gram", "between_mean", RELU | {"applied_layer": 10}, -0.1210, -0.1212),
    ("C3", "gram", "between_sd", RELU | {"applied_layer": 10}, 0.0799, 0.0801),
    # An earlier layer says nothing.
    ("C3", "gram", "between_sd", RELU | {"applied_layer": 9}, 0.5, None),
    ("C4", "deep_rfm", "nc1", RELU | {"layer": 5, "stage": "X"}, 0.5**4 * 1.001, 0.5**4),
    ("C4", "attribution", "total_share_projection", COS, 1.0, 0.999),
    ("C5", "deep_rfm", "nc1", RELU | {"layer": 5, "stage": "PhiMX"}, 0.5**4 * 1.001, 0.5**4),
    ("C5", "deep_rfm", "nc1", RELU | {"stage": "PhiMX"}, times(1.33), times(1.34)),
    ("C5-cos", "deep_rfm", "nc1", COS | {"layer": 5, "stage": "PhiMX"}, 0.5**4 * 1.001, 0.5**4),
    ("C5-cos", "deep_rfm", "nc1", COS | {"stage": "PhiMX"}, times(100), times(0.5)),
    ("C6", "deep_rfm", "nc1", IDENTITY | {"layer": 3, "stage": "X"}, 1.81, 1.79),
    ("C7", "deep_rfm", "nc1", RELU | {"layer": 6, "stage": "MX"}, times(2.0), times(2.6)),
    ("C7", "deep_rfm", "nc1", RELU | {"stage": "MX"}, powers(0.99), powers(1.01)),
    # The first layer is not in the line, and cosine features are not in the claim.
    ("C7", "deep_rfm", "nc1", RELU | {"layer": 1, "stage": "MX"}, 100.0, None),
    ("C7", "deep_rfm", "nc1", COS | {"stage": "MX"}, 1.0, None),
    ("C16", "deep_rfm", "agop_effective_rank", RELU | {"layer": 4}, 8.0, 7.9),
    ("C16", "deep_rfm", "agop_effective_rank", RELU | {"layer": 9}, 13.0, 13.1),
    ("C16", "deep_rfm", "agop_effective_rank", RELU | {"layer": 3}, 60.0, None),
    ("C8", "network_attribution", "total_share_linear", END, 0.5, 0.499),
    ("C9", "network_ranks", "nc1_factor", END | {"layer": 4}, times(1.000009), times(1.000011)),
    ("C10", "network_nfa", "nfa", {"epoch": 10}, 0.591, 0.589),
    ("C10", "network_nfa", "nfa", {"epoch": 10}, 0.889, 0.891),
    # The paper's number is the mean over the seeds: one may be far from it.
    ("C10", "network_nfa", "nfa", END, 0.5, None),
    ("C10-any", "network_nfa", "nfa", {"epoch": 10}, 0.501, 0.499),
    ("C11", "network_nfa", "nfa_independent", END, times(1.2), times(1.5)),
    ("C11-arithmetic", "network_nfa", "nfa_chance", END | {"layer": 3}, times(1), times(1.0001)),
    ("C12", "network_nc", "nc2_mse", END | {"layer": 5, "stage": "full"}, 0.055, 0.057),
    ("C12", "network_nc", "nc2_mse", END | {"layer": 2, "stage": "full"}, 0.0201, 0.0199),
    ("C15", "runs", "batch_size", {"run": "mlp"}, 128, 64),
    ("C15", "runs", "measure_every", {"run": "mlp"}, 10, 5),
    ("C15", "runs", "loss", {"run": "mlp", "seed": 1}, "mse", "cross_entropy"),
    ("T5", "theory_kernel", "mapped_mean", {"distance": 1.0}, 0.85, 0.70),
    ("T5", "theory_kernel", "mapped_mean", {"distance": 0.5}, 0.5, 0.51),
    ("T5", "theory_kernel", "mapped_mean", {"distance": 2.0}, 1.40, 1.38),
]


def bounds_of_theory() -> list[tuple]:
    """The rows of theory_claims, with what may just be found and what not."""
    for row, inside, outside in (
        ("T1 theorem_5_3_floor_printed", 1.951, 1.949),
        ("T1-corrected theorem_5_3_floor_corrected", 2.049, 2.051),
        ("T1-exact theorem_5_3_exact", 0.99e-10, 1.01e-10),
        ("T1-rate theorem_5_3_rate", 0.901, 0.899),
        ("T2 theorem_5_4", -0.9e-9, -1.1e-9),
        ("T2-labels theorem_5_4_plus_minus", -0.9e-9, -1.1e-9),
        ("T3 proposition_a1_mean_relu", -2.99, -3.01),
        ("T3 proposition_a1_variance_relu", 1.49, 1.51),
        ("T4 lemma_c2", 0.99e-12, 1.01e-12),
        ("T4-use lemma_c2_use", 2.0, 0.05),
        ("T4-corrected lemma_c2_use_corrected", 0.05, 0.050001),
        ("T6 v1_theorem_5_5", -0.9e-9, -1.1e-9),
        ("T6-sign v1_theorem_5_5_free", -0.9e-9, -1.1e-9),
    ):
        id, claim = row.split()
        yield id, "theory_claims", "found", {"claim": claim}, inside, outside


@pytest.mark.parametrize(
    "case", [*BOUNDS, *bounds_of_theory()], ids=lambda case: " ".join(case[:3])
)
def test_claim_is_reproduced_up_to_its_bound_and_no_further(case):
    id, table, column, where, inside, outside = case
    assert verdict(id, changed(table, column, inside, **where)) == REPRODUCED
    if outside is not None:
        checked = ledger.check(BY_ID[id], changed(table, column, outside, **where))
        assert checked.verdict == NOT_REPRODUCED
        failed = [reading for reading in checked.measured if reading.fails(checked.claim)]
        assert len(failed) == 1
        assert failed[0].name in checked.why


def test_every_number_that_decides_has_a_bound_that_was_tried():
    tried = {case[0] for case in [*BOUNDS, *bounds_of_theory()]}
    assert set(BY_ID) - tried == NEVER | AGAINST_T5 | {"C13"}


def test_error_bars_are_those_that_figures_draw(monkeypatch):
    def without_floor(frame, by, value):
        found = select.summarise(frame, by, value)
        return found.assign(lower=found["lower"] - 1e-6)

    monkeypatch.setattr(experiments, "summarise", without_floor)
    assert verdict("C13", hand_made.tables()) == NOT_REPRODUCED


def test_a_coarse_simulation_says_nothing():
    """Of 16 draws whose factors have a standard deviation of 0.022."""
    tables = changed("theory_kernel", "mapped_sd", 0.044, distance=2.0)
    for id in ("T5", "T5-growth"):
        checked = ledger.check(BY_ID[id], tables)
        assert checked.verdict == NOT_MEASURED
        assert "a factor's standard error is 0.0055, and the claim needs 0.005" in checked.why


def test_distances_that_shrink_do_not_grow():
    grown = changed("theory_kernel", "mapped_mean", times(1.5))
    assert (verdict("T5-growth", grown), verdict("T5", grown)) == (REPRODUCED, NOT_REPRODUCED)


@pytest.mark.parametrize("id", [id for id in BY_ID if id not in OF_NO_RUN])
def test_without_such_a_run_nothing_is_measured(id):
    """The tables are there, with other runs alone."""
    tables = hand_made.tables()
    others = tables["runs"].assign(kernel="linear", projection="other", dataset_n=40, loss="other")
    if id == "C14":
        others["kind"] = "own_networks"
    checked = ledger.check(BY_ID[id], tables | {"runs": others})
    assert (checked.verdict, checked.readings) == (NOT_MEASURED, ())
    assert checked.why == f"the study has no {BY_ID[id].about} (no such run)"


@pytest.mark.parametrize("id", BY_ID)
def test_without_a_table_nothing_is_measured(id):
    for table in BY_ID[id].tables:
        tables = hand_made.tables()
        del tables[table]
        checked = ledger.check(BY_ID[id], tables)
        assert checked.verdict == NOT_MEASURED
        assert checked.why == f"the study has no {BY_ID[id].about} (no table {table})"


OF_DEEP_RFM = [id for id, claim in BY_ID.items() if "deep_rfm" in claim.tables]
OF_NETWORKS = [id for id, claim in BY_ID.items() if "network_training" in claim.tables]


@pytest.mark.parametrize("id", OF_DEEP_RFM)
def test_no_claim_is_read_from_a_layer_that_is_not_valid(id):
    """However false the numbers are there."""
    tables = hand_made.tables()
    tables["deep_rfm"]["valid"] = False
    checked = ledger.check(BY_ID[id], tables)
    assert checked.verdict == NOT_MEASURED
    assert "can be trusted (valid), and the claim needs" in checked.why
    tables = hand_made.tables()
    rows = tables["deep_rfm"]
    rows.loc[rows["layer"] == 10, ["valid", "nc1", "nc2_mse", "agop_effective_rank"]] = (
        False,
        *[np.nan] * 3,
    )
    found = verdict(id, tables)
    assert found == (NOT_MEASURED if id in ("C1", "C2", "C3") else REPRODUCED)


@pytest.mark.parametrize("id", OF_NETWORKS)
def test_no_claim_is_read_from_a_network_that_is_not_fitted(id):
    tables = changed("network_training", "fitted", False, epoch=10)
    checked = ledger.check(BY_ID[id], tables)
    assert checked.verdict == NOT_MEASURED
    assert "mnist, mlp, seed" in checked.why
    assert "has not fitted its points (train loss 0.001)" in checked.why


def test_a_seed_that_is_not_to_be_trusted_leaves_the_others():
    tables = changed("network_training", "fitted", False, epoch=10, seed=1)
    checked = ledger.check(BY_ID["C8"], tables)
    assert checked.verdict == REPRODUCED
    assert [reading.seeds for reading in checked.measured] == ["0", "2"]
    assert "not measured: mnist, mlp, seed 1: the network has not fitted" in checked.why
    # All seeds together are no more than the worst of them.
    assert verdict("C10", tables) == NOT_MEASURED


def test_a_number_that_is_not_defined_is_not_measured():
    tables = changed("network_attribution", "total_share_linear", np.nan, epoch=10)
    checked = ledger.check(BY_ID["C8"], tables)
    assert checked.verdict == NOT_MEASURED
    assert checked.why.endswith(": not defined here")


def test_a_number_that_is_told_only_need_not_be_defined():
    """Of one layer and seed there is no standard deviation."""
    tables = hand_made.tables()
    for table in ("runs", "network_training", "network_nfa"):
        rows = tables[table]
        one = (rows["run"] == "mlp") & (rows["seed"] == 0)
        tables[table] = rows[one & (rows["layer"] == 1)] if "layer" in rows else rows[one]
    checked = ledger.check(BY_ID["C10-any"], tables)
    assert checked.verdict == REPRODUCED
    assert np.isnan(checked.measured[0].values["sd"])


def test_where_nc1_does_not_fall_there_is_nothing_to_share_out():
    for id, table in (("C4", "attribution"), ("C8", "network_attribution")):
        assert verdict(id, changed(table, "total_log_nc1_change", 0.5)) == NOT_MEASURED


def test_collapse_must_be_seen_on_two_data_sets():
    tables = hand_made.tables()
    one = tables["runs"][tables["runs"]["dataset"] == "mnist"]
    checked = ledger.check(BY_ID["C1"], tables | {"runs": one})
    assert checked.verdict == NOT_MEASURED
    assert checked.why == "it holds on mnist, and must on 2 data sets to count"
    # One that fails counts alone.
    tables = changed("deep_rfm", "nc1", 1.0, **RELU, layer=10, stage="MX")
    assert verdict("C1", tables | {"runs": one}) == NOT_REPRODUCED


def test_runs_of_two_kinds_may_have_one_name():
    tables = hand_made.tables()
    for table, rows in tables.items():
        if "run" in rows:
            tables[table] = rows.replace({"run": {"mlp": "laplace-relu-agop"}})
    for id in ("C1", "C8", "C10", "C15"):
        assert verdict(id, tables) == REPRODUCED


def test_large_initialisation_is_not_in_the_claim_on_nc2():
    assert verdict("C12", changed("runs", "gain", 1.0, run="mlp")) == NOT_MEASURED
    assert 0.3 in UpTo(0.3)
    assert 0.31 not in UpTo(0.3)
    assert np.nan not in UpTo(0.3)


def test_claims_read_tables_that_there_are():
    there = {table for of_kind in OF_A_RUN.values() for table in of_kind} | set(THEORY)
    assert there | {"runs", "theory_kernel"} >= ledger.TABLES


def test_ids_are_their_own_and_every_claim_decides_something():
    assert len(BY_ID) == len(ledger.CLAIMS)
    wanted = [f"C{number}" for number in range(1, 17)] + [f"T{number}" for number in range(1, 7)]
    assert set(wanted) <= set(BY_ID)
    for claim in ledger.CLAIMS:
        names = [quantity.name for quantity in claim.quantities]
        assert len(names) == len(set(names))
        assert any(quantity.decides for quantity in claim.quantities)


@pytest.mark.parametrize(
    ("quantity", "inside", "outside", "words"),
    [
        (Quantity("a", "a", 1.0), [1, np.inf], [0.99, np.nan], "at least 1"),
        (Quantity("a", "a", None, 1.0), [1, -np.inf], [1.01, np.nan], "at most 1"),
        (Quantity("a", "a", 1.0, None, True), [1.01], [1, np.nan], "above 1"),
        (Quantity("a", "a", None, 1.0, True), [0.99], [1], "below 1"),
        (Quantity("a", "a", 0.59, 0.89), [0.59, 0.89], [0.58, 0.9, np.nan], "0.74 ± 0.15"),
        (Quantity("a", "a", 128, 128), [128], [127, 129], "128"),
    ],
)
def test_bounds(quantity, inside, outside, words):
    assert all(quantity.holds(value) for value in inside)
    assert not any(quantity.holds(value) for value in outside)
    assert quantity.bounds == words
    assert quantity.decides
    told = dataclasses.replace(quantity, least=None, most=None)
    assert not told.decides
    assert all(told.holds(value) for value in [*inside, *outside])
