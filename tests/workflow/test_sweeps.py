"""Sweeps and figures of one's own, from the configuration to the joined tables."""

import ast
import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from agop_collapse.files.stamp import read_identity
from agop_collapse.machine.checkpoints import load_layer
from PIL import Image
from studies import SWEEPS
from workflow_helpers import ROOT, Workplace

pytestmark = pytest.mark.slow

RUNS = ["study", "dataset", "run", "seed"]
# What tells the rows of one run apart.
INNER = {
    "runs": [],
    "deep_rfm": ["layer", "stage"],
    "gram": ["layer"],
    "classes": ["class"],
    "agop_spectrum": ["layer", "index"],
    "attribution": ["layer"],
    "rates": ["stage"],
    "predictor": [],
    "theory_layers": ["layer"],
    "network_nc": ["epoch", "layer", "stage"],
    "network_readout": ["epoch"],
    "network_attribution": ["epoch", "layer"],
    "network_rates": ["epoch", "stage"],
    "network_nfa": ["epoch", "layer"],
    "network_ansatz": ["epoch", "layer", "weights", "jacobians", "power"],
    "network_ranks": ["epoch", "layer"],
    "network_spectrum": ["epoch", "layer", "of", "index"],
    "network_training": ["epoch"],
}


def table(place: Workplace, name: str, *studies: str) -> pd.DataFrame:
    paths = [place.work / f"results/{study}/tables/{name}.parquet" for study in studies]
    return pd.concat(map(pd.read_parquet, paths), ignore_index=True)


def test_each_combination_of_listed_values_is_a_run_of_its_own_name(tiny):
    found = {
        kind: sorted(path.name for path in (tiny.work / f"results/sweeps/{kind}/digits").iterdir())
        for kind in ("deep_rfm", "networks")
    }
    assert found == {
        "deep_rfm": [
            f"{kernel}-relu-agop,width={width}"
            for kernel in ("laplace", "matern32")
            for width in (16, 32)
        ],
        "networks": ["mlp,gain=0.3", "mlp,gain=1"],
    }


def test_swept_settings_are_what_the_runs_were_made_with(tiny):
    """By what the numbers say, not the names."""
    spectrum = table(tiny, "agop_spectrum", "sweeps")
    widths = spectrum[spectrum["layer"] == 2].groupby("run")["index"].max()
    assert widths.to_dict() == {run: int(run.rpartition("=")[2]) for run in widths.index}
    nc = table(tiny, "network_nc", "sweeps").query("epoch == 0 and layer == 5 and stage == 'full'")
    scale = nc.set_index("run")["trace_total"]
    # Outputs of the same draws, times the fifth power of the gain, so the tenth of squares.
    assert scale["mlp,gain=1"] / scale["mlp,gain=0.3"] == pytest.approx(0.3**-10, rel=1e-3)
    deep = table(tiny, "deep_rfm", "sweeps").query("layer == 1 and stage == 'MX'")
    assert deep.groupby("kernel")["nc1"].nunique().to_dict() == {"laplace": 1, "matern32": 1}
    assert deep["nc1"].nunique() == 2


@pytest.mark.parametrize("name", INNER)
def test_tables_of_two_studies_tell_every_row_apart(tiny, name):
    both = table(tiny, name, "tiny", "sweeps")
    assert list(both)[:4] == RUNS
    assert set(both["study"]) == {"tiny", "sweeps"}
    assert not both.duplicated([*RUNS, *INNER[name]]).any()
    assert not both[RUNS].isna().any(axis=None)


@pytest.mark.parametrize("name", [name for name in INNER if name != "runs"])
def test_the_join_adds_each_runs_settings_and_neither_loses_nor_doubles_a_row(tiny, name):
    measured = table(tiny, name, "tiny", "sweeps")
    runs = table(tiny, "runs", "tiny", "sweeps")
    joined = measured.merge(runs)
    pd.testing.assert_frame_equal(joined[list(measured)], measured)
    sweeps = joined[joined["study"] == "sweeps"]
    assert set(sweeps["dataset_n"]) == {100}
    if name.startswith("network"):
        named = {"mlp,gain=0.3": 0.3, "mlp,gain=1": 1.0}
        assert (sweeps["gain"] == sweeps["run"].map(named)).all()
    else:
        named = sweeps["kernel"] + "-relu-agop,width=" + sweeps["width"].astype(int).astype(str)
        assert (sweeps["run"] == named).all()


def test_each_setting_is_a_typed_column_of_runs(tiny):
    types = table(tiny, "runs", "sweeps").dtypes.astype(str).to_dict()
    assert types["width"] == "int64"
    assert (types["gain"], types["ridge"]) == ("float64", "float64")
    assert types["recreate_optimizer"] in ("bool", "object")  # null in rows of Deep RFM
    assert types["seed"] == "int64"
    runs = table(tiny, "runs", "tiny", "sweeps")
    assert runs["gain"].notna().tolist() == (runs["kind"] == "networks").tolist()
    assert runs.groupby("study", sort=False).size().to_dict() == {"tiny": 8, "sweeps": 6}
    assert runs["identity"].nunique() == len(runs)


PYTHON = re.compile(r"^```python\n(.*?)^```$", flags=re.DOTALL | re.MULTILINE)


def last_value(page: str, blocks: int | None = None) -> Any:
    """What the last line of a page's Python gives, with studies that are built here in it.

    blocks : to stop behind, else all
    """
    text = "".join(PYTHON.findall((ROOT / page).read_text(encoding="utf-8"))[:blocks])
    *statements, last = ast.parse(text.replace("demo", "tiny").replace("narrow", "sweeps")).body
    names: dict = {}
    exec(compile(ast.Module(statements, type_ignores=[]), page, "exec"), names)
    return eval(compile(ast.Expression(last.value), page, "eval"), names)


def test_lines_of_the_readme_work_as_they_stand(tiny, monkeypatch):
    monkeypatch.chdir(tiny.work)
    found = last_value("README.md", blocks=2)
    assert list(found.index) == [1, 2, 3]
    assert list(found) == ["agop", "identity"]
    assert (found["agop"] < found["identity"]).all()  # collapse, and what it is without
    folder = Path("results/tiny/deep_rfm/digits/laplace-relu-agop/seed0/layers")
    layer = load_layer(folder, 1, read_identity(folder / "layer_01.safetensors"))
    found, expected = last_value("README.md", blocks=3), (layer.x @ layer.root).numpy()
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-14)  # two libraries' products


# Blocks of docs/tables.md that read tables; the one behind them reads points, of a path.
JOINING = len(PYTHON.findall((ROOT / "docs/tables.md").read_text(encoding="utf-8"))) - 1


def test_lines_of_docs_tables_work_as_they_stand(tiny, monkeypatch):
    monkeypatch.chdir(tiny.work)
    found = last_value("docs/tables.md", blocks=JOINING).reset_index()
    assert set(found["study"]) == {"tiny", "sweeps"}
    assert len(found) == 3 + 4  # runs, seeds aside
    assert (found["mean"] > 0).all()


def test_figures_of_ones_own_are_drawn(tiny):
    folder = tiny.work / "figures" / "sweeps"
    assert {path.stem for path in folder.iterdir()} == set(SWEEPS["figures"])
    for name in SWEEPS["figures"]:
        assert (folder / f"{name}.pdf").read_bytes().startswith(b"%PDF-")
        image = np.asarray(Image.open(folder / f"{name}.png").convert("RGB"), int)
        assert (image.max(axis=2) - image.min(axis=2) > 30).mean() > 0.001  # coloured


def test_a_figure_may_draw_another_studys_run(fresh):
    plan = fresh.plan("figures/sweeps/gains.pdf", study="sweeps")
    runs = {str(Path(path).parent) for path in plan if "networks" in path and "checkpo" not in path}
    assert runs == {
        "results/sweeps/networks/digits/mlp,gain=0.3/seed0",
        "results/sweeps/networks/digits/mlp,gain=1/seed0",
        "results/tiny/networks/digits/mlp/seed0",
        "results/tiny/networks/digits/mlp/seed1",
    }
