"""A study's tables beside its reference's: what differs is found, and named."""

import numpy as np
import pandas as pd
import pytest
from agop_collapse.files import tables
from agop_collapse.sharing import compare, keys
from sharing_tables import deep_rfm, network

AT = {"layer": 2, "stage": "MX"}


@pytest.fixture
def theirs() -> dict[str, pd.DataFrame]:
    return {"deep_rfm": deep_rfm([10.0, 4.0], seeds=(0, 1))}


def changed(theirs, column, value, seed=0) -> dict[str, pd.DataFrame]:
    """With one value, at layer 2 and stage MX, by hand."""
    frame = theirs["deep_rfm"].copy()
    place = (frame["seed"] == seed) & (frame["layer"] == 2) & (frame["stage"] == "MX")
    frame.loc[place, column] = value
    return {"deep_rfm": frame}


def test_the_same_is_the_same_to_the_last_bit(theirs):
    found = compare.compare(theirs, theirs, same_machine=True)
    assert found.differing == found.worst == found.missing == []
    assert found.compared == found.same_bits == 12 * (len(theirs["deep_rfm"].columns) - 9 + 0)
    assert compare.verdict(found).startswith("THE SAME: all that is compared, to the last bit")


@pytest.mark.parametrize(
    ("column", "value"),
    [("nc2", 0.6), ("nc1", 0.51), ("nc1", np.nan), ("test_accuracy", 0.4999), ("valid", False)],
)
def test_the_culprit_is_named(theirs, column, value):
    found = compare.compare(changed(theirs, column, value, seed=1), theirs, same_machine=False)
    (culprit,) = found.differing
    assert (culprit.table, culprit.column) == ("deep_rfm", column)
    assert culprit.row == "d r seed 1 layer 2 MX"
    said = "\n".join(compare.text(found))
    assert "DIFFERENT: 1 of them, in deep_rfm" in said
    assert culprit.row in said


def test_within_the_tolerance_is_the_same_but_not_on_the_same_machine(theirs):
    ours = changed(theirs, "nc2", 0.5 * (1 + 1e-9))
    found = compare.compare(ours, theirs, same_machine=False)
    assert not found.differing
    assert found.same_bits == found.compared - 1
    assert [each.column for each in found.worst] == ["nc2"]
    assert "within its tolerance" in compare.verdict(found)
    assert len(compare.compare(ours, theirs, same_machine=True).differing) == 1


def test_what_is_not_there_is_said_and_is_no_difference(theirs):
    ours = {"deep_rfm": theirs["deep_rfm"].query("seed == 0")}
    theirs = theirs | {"gram": theirs["deep_rfm"]}
    found = compare.compare(ours, theirs, same_machine=True)
    assert found.missing == ["the run d r, seed 1", "the table gram"]
    assert not found.differing
    assert "Not there, and not compared: the run d r, seed 1" in "\n".join(compare.text(found))


def test_a_data_set_that_is_another_one_is_not_compared(theirs):
    ours = changed(theirs, "nc2", 0.6)
    found = compare.compare(ours, theirs, same_machine=True, other_data={"d"})
    assert found.compared == 0
    assert found.worst == found.missing == []
    said = "\n".join(compare.text(found))
    assert "Of other data than the reference's, and not compared: d." in said


def test_what_comes_of_seeds_that_are_not_there_is_not_compared():
    """nfa_independent_trained, of the network of another seed, and the summary over all."""
    frame = network({0: [0.1, 0.1], 1: [0.7, 0.8]}).assign(nfa_independent_trained=0.2)
    summary = {"study": "a", "dataset": "d", "run": "mlp", "model": "mlp", "nfa_mean": 0.75}
    theirs = {"network_nfa": frame, "nfa_summary": tables.frame("nfa_summary", [summary])}
    ours = {
        "network_nfa": frame.query("seed == 0").assign(nfa_independent_trained=np.nan),
        "nfa_summary": theirs["nfa_summary"].assign(nfa_mean=0.7),
    }
    found = compare.compare(ours, theirs, same_machine=True)
    assert not found.differing
    assert found.missing[-1] == "the table nfa_summary over all seeds"
    whole = compare.compare(ours | {"network_nfa": frame}, theirs, same_machine=True)
    assert [each.column for each in whole.differing] == ["nfa_mean"]


def test_a_row_or_a_column_that_is_lost_differs(theirs):
    frame = theirs["deep_rfm"]
    found = compare.compare({"deep_rfm": frame.drop(index=3)}, theirs, same_machine=False)
    assert [(each.row, each.column) for each in found.differing] == [
        (keys.text(frame.loc[3, keys.of("deep_rfm", frame)]), "the row")
    ]
    found = compare.compare({"deep_rfm": frame.drop(columns="vci")}, theirs, same_machine=False)
    assert [each.column for each in found.differing] == ["the column vci"]


def test_what_is_no_result_is_not_compared():
    """The identity of the same numbers is another one after the code was put in other words."""
    run = {"study": "a", "dataset": "d", "run": "r", "seed": 0, "kind": "deep_rfm"}
    theirs = {"runs": pd.DataFrame([run | {"identity": "a1", "torch_threads": 1, "depth": 3}])}
    ours = {"runs": theirs["runs"].assign(identity="b2", torch_threads=2)}
    assert not compare.compare(ours, theirs, same_machine=True).differing
    ours = {"runs": theirs["runs"].assign(depth=4)}
    (culprit,) = compare.compare(ours, theirs, same_machine=False).differing
    assert (culprit.row, culprit.column) == ("d r seed 0", "depth")


def test_the_order_of_rows_says_nothing(theirs):
    shuffled = {"deep_rfm": theirs["deep_rfm"].iloc[::-1].reset_index(drop=True)}
    found = compare.compare(shuffled, theirs, same_machine=True)
    assert found.worst == []


def test_the_worst_comes_first_and_five_are_shown(theirs):
    frame = theirs["deep_rfm"].copy()
    frame["nc2"] += 0.01 * np.arange(1, len(frame) + 1)
    found = compare.compare({"deep_rfm": frame}, theirs, same_machine=False)
    assert len(found.differing) == len(frame)
    shares = [each.share for each in found.worst]
    assert shares == sorted(shares, reverse=True)
    lines = list(compare.text(found))
    assert sum(line.startswith("  ") for line in lines) == 1 + compare.SHOWN
