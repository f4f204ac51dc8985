"""The page that says what of the paper is here names nothing that is not."""

import re
from collections import Counter

import pytest
import yaml
from agop_collapse.claims.ledger import CLAIMS
from agop_collapse.files.columns import OF_A_RUN, OF_A_STUDY, THEORY
from agop_collapse.plan import settings
from agop_collapse.plan.figure_kinds import FIGURE_KINDS, PAPER_FIGURES
from agop_collapse.plan.registry import KERNELS
from workflow_helpers import ROOT

PAGE = (ROOT / "docs" / "coverage.md").read_text()
ROWS = [
    [cell.strip() for cell in line.strip("|").split(" | ")]
    for line in PAGE.splitlines()
    if line.startswith("| ") and not line.startswith("| item")
]
TABLES = {name: columns for kind in OF_A_RUN.values() for name, columns in kind.items()}
TABLES |= OF_A_STUDY | THEORY
STUDIES = yaml.safe_load((ROOT / "config.yaml").read_text())["studies"]
KNOWN = {
    "tables": set(TABLES),
    "columns": {column for columns in TABLES.values() for column in columns},
    "stages": {"input", "right", "full"},
    "settings": {
        name
        for block in (settings.DeepRFM, settings.Network, settings.StudySettings)
        for name in block.model_fields
    },
    "kernels": set(KERNELS),
    "figures": {*FIGURE_KINDS, *PAPER_FIGURES},
    "studies and their runs": {*STUDIES, "cos_code"},
    "in files of layers": {"root"},
    "targets": {"snakemake archive"},
}


def named() -> set[str]:
    return {name for row in ROWS for name in re.findall(r"`([^`]+)`", row[2])}


def test_each_item_is_there_or_says_why_not():
    states = Counter(row[1] for row in ROWS)
    assert set(states) == {"there", "in part", "not"}
    assert sum(states.values()) == 73
    said = re.search(
        r"Of (\d+) items (\d+) are there, (\d+) in part .*?, and (\d+) are not", PAGE, re.S
    )
    assert [int(number) for number in said.groups()] == [
        73,
        *(states[s] for s in ("there", "in part", "not")),
    ]
    assert all(row[2] for row in ROWS)


@pytest.mark.parametrize("name", sorted(named()))
def test_what_it_names_is_there(name):
    if "/" in name:
        assert (ROOT / "workflow" / "agop_collapse" / name).exists()
    else:
        assert any(name.partition(":")[0] in known for known in KNOWN.values())


def test_claims_are_of_the_ledger():
    named = set(re.findall(r"\b([CT]\d[\w-]*)\b", " ".join(row[2] for row in ROWS)))
    assert len(named) > 15
    assert named <= {claim.id for claim in CLAIMS}
