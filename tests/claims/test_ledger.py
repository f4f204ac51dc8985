"""The ledger's tables: a row a claim, a row a value, and what is said of them."""

import hand_made
import numpy as np
import pandas as pd
import pytest
from agop_collapse.claims import ledger
from agop_collapse.common.errors import UserError
from agop_collapse.files.tables import frame
from hand_made import changed

COS = {"dataset": "mnist", "run": "laplace-cos-agop", "layer": 10, "stage": "MX"}


def checked(tables: dict[str, pd.DataFrame]) -> list[ledger.Checked]:
    return [ledger.check(claim, tables) for claim in ledger.CLAIMS]


def claims(tables: dict[str, pd.DataFrame]) -> pd.DataFrame:
    return frame("claims", ledger.claim_rows("mine", checked(tables))).set_index("id")


def test_a_claim_is_a_row():
    found = claims(changed("deep_rfm", "nc1", 0.04, **COS, seed=1))
    assert list(found.index) == [claim.id for claim in ledger.CLAIMS]
    assert dict(found.loc["C1"]) == {
        "study": "mine",
        "source": "abstract, Section 4; Figures 1, 3 to 6",
        "printed": True,
        "claim": "Deep RFM reaches neural collapse within classes (NC1).",
        "predicate": "NC1 of M^½X at layer 10 over that of the input: at most 0.01",
        "paper": "",
        # Seven of 0.5^9 / 2, and one of 0.04 / 2.
        "measured": f"ratio {(7 * 0.5**10 + 0.02) / 8:.3g} (0.000977 to 0.02)",
        "tolerance": "ratio at most 0.01",
        "verdict": "not_reproduced",
        "why": "1 of 8 fail: mnist, laplace-cos-agop, seed 1: ratio 0.02, not at most 0.01",
    }
    assert found.loc["C10", "paper"] == "mean 0.74"
    assert found.loc["C10", "measured"] == "mean 0.76; sd 0.0293"
    assert not found.loc["T1-corrected", "printed"]


def test_a_value_is_a_row():
    found = frame("claim_values", ledger.value_rows("mine", checked(hand_made.tables())))
    assert not found.duplicated(["id", "dataset", "run", "seeds", "quantity"]).any()
    of_c3 = found[found["id"] == "C3"]
    # Two data sets, two runs, two seeds, three quantities.
    assert len(of_c3) == 24
    row = dict(of_c3.iloc[1])
    assert abs(row.pop("value")) < 1e-12
    assert row == {
        **{"study": "mine", "dataset": "mnist", "run": "laplace-relu-agop", "seeds": "0"},
        **{"id": "C3", "quantity": "between"},
        "words": "mean cosine between classes, plus 1/(K - 1)",
        **{"least": -0.01, "most": 0.01, "paper": 0.0, "verdict": "reproduced", "why": ""},
    }
    (mean, sd) = found[found["id"] == "C10"].to_dict("records")
    assert (mean["seeds"], mean["run"]) == ("0, 1, 2", "mlp")
    values = [0.7 + 0.02 * layer for layer in range(1, 6)] * 3
    assert [mean["value"], sd["value"]] == pytest.approx([np.mean(values), np.std(values, ddof=1)])
    of_theory = found[found["id"] == "T2"].iloc[0]
    assert of_theory[["dataset", "run"]].isna().all()
    assert of_theory["seeds"] == "0"
    # What could not be measured has no value, and a reason.
    assert found.loc[found["id"] == "C14", "value"].isna().all()
    assert found.loc[found["id"] == "C14", "why"].str.contains("A100").all()


def test_a_study_of_nothing_has_a_ledger():
    """Its table of runs has no row."""
    found = claims({"runs": hand_made.tables()["runs"].iloc[:0]})
    assert set(found["verdict"]) == {"not_measured"}
    assert (found["why"] != "").all()
    assert (
        ledger.summary(found.reset_index())
        == f"0 reproduced, 0 not reproduced, {len(found)} not measured"
    )


def test_many_runs_that_fail_or_are_not_measured_are_a_few_words():
    tables = changed("deep_rfm", "nc1", 1.0, layer=10, stage="MX")
    why = ledger.check(ledger.CLAIMS[0], tables).why
    assert why.startswith("8 of 8 fail: mnist, laplace-relu-agop, seed 0: ratio 0.5, not at most")
    assert why.endswith("; and 4 more")
    tables["deep_rfm"]["valid"] = tables["deep_rfm"]["layer"] < 5
    assert ledger.check(ledger.CLAIMS[0], tables).why == (
        "mnist, laplace-relu-agop, seed 0 and 7 more: of 10 layers 4 can be trusted (valid), and "
        "the claim needs 10"
    )


def test_strict_names_what_is_not_reproduced_and_nothing_else():
    found = claims(hand_made.tables()).reset_index()
    everything = found[found["id"] != "T5-growth"]
    ledger.expect_reproduced(everything)
    with pytest.raises(UserError) as failed:
        ledger.expect_reproduced(found)
    assert str(failed.value).splitlines() == [
        "strict_claims is set, and not reproduced are T5-growth.",
        "T5-growth (Appendix A): 1 of 1 fail: seed 0: share 0, not at least 0.5",
    ]
    many = found.assign(verdict="not_reproduced")
    with pytest.raises(UserError) as failed:
        ledger.expect_reproduced(many)
    lines = str(failed.value).splitlines()
    assert len(lines) == 6  # as many as the terminal shows of a log
    assert lines[-1] == f"and {len(many) - 4} more"
    assert f" {', '.join(many['id'])}." in lines[0]


def test_the_summary_names_what_is_not_reproduced():
    found = claims(hand_made.tables()).reset_index()
    count = len(found) - 2
    assert ledger.summary(found) == (
        f"{count} reproduced, 1 not reproduced (T5-growth), 1 not measured"
    )
