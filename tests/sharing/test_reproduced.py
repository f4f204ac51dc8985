"""Numbers in docs/reproduced.md and the README are those of the reference, which is small."""

import json

import pandas as pd
import pytest
from agop_collapse.sharing import reproduced


def test_the_numbers_of_the_page_are_the_references():
    """After a change: cd workflow && python -m agop_collapse.sharing.reproduced"""
    for file, blocks in ((reproduced.PAGE, 11), (reproduced.README, 1)):
        text = file.read_text(encoding="utf-8")
        assert reproduced.page(text) == text
        assert len(reproduced.BLOCK.findall(text)) == blocks


def test_a_number_that_rots_is_seen():
    text = reproduced.PAGE.read_text(encoding="utf-8")
    assert "0.774" in text
    assert reproduced.page(text.replace("0.774", "0.775")) == text


def values_at(path, column: str, **at) -> list[float]:
    """A column's values in the rows of a table that have some values elsewhere."""
    rows = pd.read_parquet(path).to_dict("records")
    return [row[column] for row in rows if all(row[name] == value for name, value in at.items())]


def test_the_tables_are_means_over_seeds():
    """Some cells, computed in another way."""
    folder = reproduced.ROOT / "reference" / "demo"
    at = {"dataset": "digits", "run": "gaussian-relu-agop", "stage": "MX", "layer": 2}
    values = values_at(folder / "deep_rfm.parquet", "nc1", **at)
    assert len(values) == 3
    text = reproduced.PAGE.read_text(encoding="utf-8")
    (line,) = (
        each for each in text.splitlines() if each.startswith("| `gaussian-relu-agop` | NC1")
    )
    assert float(line.split("|")[5]) == pytest.approx(sum(values) / 3, rel=5e-3)
    shares = pd.read_parquet(folder / "attribution.parquet")
    of_seeds = {
        (row.run, row.seed): row.total_share_projection
        for row in shares.itertuples()
        if row.dataset == "digits"
    }
    values = [value for (run, _), value in of_seeds.items() if run == "laplace-relu-agop"]
    lines = [each for each in text.splitlines() if each.startswith("| `laplace-relu-agop` | -")]
    assert float(lines[0].split("|")[3]) == pytest.approx(sum(values) / 3, rel=5e-3)


def test_the_laptops_tables_are_means_over_seeds():
    """Some cells, computed in another way."""
    folder = reproduced.ROOT / "reference" / "laptop"
    text = reproduced.PAGE.read_text(encoding="utf-8")
    at = {"dataset": "svhn", "run": "laplace-cos-agop", "stage": "MX", "layer": 5}
    values = values_at(folder / "deep_rfm.parquet", "nc2", **at)
    assert len(values) == 2
    lines = [each for each in text.splitlines() if each.startswith("| SVHN | `laplace-cos-agop`")]
    assert float(lines[1].split("|")[7]) == pytest.approx(sum(values) / 2, rel=5e-3)
    at = {"dataset": "cifar10", "run": "resnet18", "stage": "full", "epoch": 28, "layer": 5}
    values = values_at(folder / "network_nc.parquet", "nc1", **at)
    assert len(values) == 2
    (line,) = (each for each in text.splitlines() if each.startswith("| CIFAR-10 | `resnet18`"))
    assert float(line.split("|")[4]) == pytest.approx(sum(values) / 2, rel=5e-3)


def test_references_and_pictures_are_small():
    for folder in (reproduced.ROOT / "reference").iterdir():
        assert sum(file.stat().st_size for file in folder.iterdir()) < 1e6
        assert json.loads((folder / "reference.json").read_text())["study"] == folder.name
