"""The claims of a study as a user asks for them: the ledger, the summary, and strictness."""

import re

import pandas as pd
import pytest
from agop_collapse.claims import ledger
from agop_collapse.files import tables
from agop_collapse.files.stamp import read_identity
from workflow_helpers import Workplace, jobs_run

pytestmark = pytest.mark.slow

FILES = ("claims.parquet", "claim_values.parquet", "claims.html")


def table(place: Workplace, name: str, study: str = "tiny") -> pd.DataFrame:
    path = place.work / f"results/{study}/{name}.parquet"
    return tables.load(path, name, read_identity(path))


def test_the_ledger_is_there_and_of_one_identity(tiny):
    for study in ("tiny", "sweeps", "bare"):
        found = {read_identity(tiny.work / f"results/{study}/{name}") for name in FILES}
        assert len(found) == 1
        assert found != {None}
        claims = table(tiny, "claims", study).set_index("id")
        assert list(claims.index) == [claim.id for claim in ledger.CLAIMS]
        assert set(claims["study"]) == {study}


def test_what_a_study_has_no_runs_for_is_not_measured(tiny):
    bare = table(tiny, "claims", "bare")
    assert set(bare["verdict"]) == {"not_measured"}
    assert (bare["why"] != "").all()
    sweeps = table(tiny, "claims", "sweeps").set_index("id")
    assert sweeps.loc["C6", "why"] == (
        "the study has no Deep RFM without the AGOP (projection: identity) (no such run)"
    )
    assert "no figure of the theorems" in sweeps.loc["T1", "why"]
    # Of a depth of three layers nothing is said of the tenth.
    tiny_claims = table(tiny, "claims").set_index("id")
    assert "of 3 layers 3 can be trusted" in tiny_claims.loc["C1", "why"]
    # What can be measured is, and has the tables' own numbers.
    assert tiny_claims.loc["C6", "verdict"] == "reproduced"
    values = table(tiny, "claim_values").set_index(["id", "quantity", "run", "seeds"])["value"]
    folder = tiny.work / "results" / "tiny" / "tables"
    nc1 = pd.read_parquet(folder / "deep_rfm.parquet")
    nc1 = nc1[(nc1["run"] == "laplace-relu-identity") & (nc1["stage"] == "X") & (nc1["seed"] == 1)]
    nc1 = nc1.set_index("layer")["nc1"]
    expected = min(nc1[2], nc1[3]) / nc1[1]
    assert values["C6", "ratio", "laplace-relu-identity", "1"] == expected


def test_asked_for_again_it_is_told_again_and_not_made_again(spare):
    before = {name: (spare.work / "results/tiny" / name).stat().st_mtime_ns for name in FILES}
    run = spare.run("claims")
    assert jobs_run(run) == {"claims": 1}
    claims = table(spare, "claims")
    (line,) = [line for line in run.stdout.splitlines() if line.startswith("claims: ")]
    assert line == (f"claims: study tiny: {ledger.summary(claims)}; see results/tiny/claims.html")
    assert re.search("^The claims in the study tiny are checked: 1 job in", run.stdout, re.M)
    after = {name: (spare.work / "results/tiny" / name).stat().st_mtime_ns for name in FILES}
    assert after == before


def test_strict_fails_and_keeps_the_ledger(spare):
    for name in FILES:
        (spare.work / "results/tiny" / name).unlink()
    with open(spare.studies, "a") as config:
        config.write("strict_claims: true\n")
    run = spare.run("claims", succeed=False)
    lines = run.stdout.splitlines()
    start = lines.index("FAILED: claims")
    assert len(lines) - start <= 10
    failed = table(spare, "claims").query("verdict == 'not_reproduced'")["id"]
    assert {"T1", "T4-use"} <= set(failed)
    named = f"strict_claims is set, and not reproduced are {', '.join(failed)}."
    assert any(named in line for line in lines[start:])
    assert all((spare.work / "results/tiny" / name).is_file() for name in FILES)
    # Where nothing fails, it says so and no more.
    said = spare.run("claims", study="bare").stdout
    assert "0 reproduced, 0 not reproduced, " in said
