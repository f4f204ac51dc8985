"""Tables of the page: what is read and what is downloaded."""

import base64
import io

import numpy as np
import pandas as pd
from agop_collapse.files.columns import OF_A_RUN, OF_A_STUDY
from agop_collapse.report import listing as module
from agop_collapse.report.listing import A_ROW_FOR, listing

FRAME = pd.DataFrame(
    {
        "run": pd.array(["a,b", None], dtype="string"),
        "seed": [0, 1],
        "nc1": [1.23456789e-7, np.nan],
        "valid": [True, False],
    }
)


def test_cells_have_four_digits_and_nothing_where_nothing_is():
    made = listing("deep_rfm", FRAME)
    assert made.columns == [("run", False), ("seed", True), ("nc1", True), ("valid", False)]
    assert made.rows == [["a,b", "0", "1.235e-07", "True"], ["", "1", "", "False"]]
    assert (made.length, made.a_row_for) == (2, "run, layer and stage")


def test_download_has_every_digit():
    kind, _, content = listing("deep_rfm", FRAME).csv.partition(",")
    assert kind == "data:text/csv;base64"
    read = pd.read_csv(io.BytesIO(base64.b64decode(content)))
    assert read["nc1"][0] == 1.23456789e-7
    assert read["run"][0] == "a,b"
    assert read.isna().sum().to_dict() == {"run": 1, "seed": 0, "nc1": 1, "valid": 0}
    assert list(read) == list(FRAME)


def test_large_table_stays_in_its_file(monkeypatch):
    monkeypatch.setattr(module, "MOST_CELLS", 7)
    made = listing("deep_rfm", FRAME)
    assert (made.rows, made.csv, made.length) == ([], "", 2)


def test_every_table_of_the_contract_is_described():
    tables = {table for of_kind in OF_A_RUN.values() for table in of_kind} | {*OF_A_STUDY}
    # Pictures are no table of a study, and claims have a section of their own.
    others = {"gram_picture", "claims", "claim_values"}
    assert {*A_ROW_FOR} == tables - others | {"runs"}
