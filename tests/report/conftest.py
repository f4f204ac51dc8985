"""The small tables, and the page of them, of `small_report`."""

import pandas as pd
import pytest
from agop_collapse.report.page import Report
from small_report import make_report, make_tables


@pytest.fixture
def tables() -> dict[str, pd.DataFrame]:
    return make_tables()


@pytest.fixture
def report(tables, tmp_path) -> Report:
    return make_report(tables, tmp_path)
