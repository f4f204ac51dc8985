"""The common look: summaries, labels, axes, footer, and files that come out the same twice."""

import math
import os
import subprocess
import sys

import matplotlib
import numpy as np
import pandas as pd
import pytest
from agop_collapse.plots import deep_rfm_curves, style
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.figure import Figure
from PIL import Image

ROW = {"dataset": "mnist", "kernel": "gaussian", "feature_map": "relu", "projection": "agop"}

values = st.floats(-1e6, 1e6, allow_subnormal=False)


@given(st.dictionaries(st.integers(0, 50), st.lists(values, min_size=1, max_size=4), min_size=1))
def test_summary_is_that_of_a_plain_loop(points):
    records = [
        {"x": x, "seed": seed, "y": y} for x, ys in points.items() for seed, y in enumerate(ys)
    ]
    summary = style.summarise(pd.DataFrame(records[::-1]), ["x"], "y")
    assert list(summary["x"]) == sorted(points)
    for x, mean, lower, upper in summary.itertuples(index=False):
        ys = np.array(points[x])
        sd = np.std(ys, ddof=1) if len(ys) > 1 else 0.0
        near = {"rtol": 1e-9, "atol": 1e-9 * np.abs(ys).max()}
        np.testing.assert_allclose(mean, np.mean(ys), **near)
        np.testing.assert_allclose(upper, np.mean(ys) + sd, **near)
        floor = 0.01 * np.mean(ys) if np.mean(ys) > 0 else -math.inf
        np.testing.assert_allclose(lower, max(np.mean(ys) - sd, floor), **near)
        assert lower <= mean <= upper
        assert lower > 0 or mean <= 0


def test_summary_of_undefined_value_is_undefined():
    frame = pd.DataFrame({"x": [1, 1, 2, 2], "y": [1.0, math.nan, 1.0, 3.0]})
    summary = style.summarise(frame, ["x"], "y")
    assert summary.loc[0, ["mean", "lower", "upper"]].isna().all()
    assert summary.loc[1, "mean"] == 2


def test_summary_by_two_columns():
    frame = pd.DataFrame({"a": [1, 1, 1], "b": [0, 1, 1], "y": [5.0, 1.0, 3.0]})
    summary = style.summarise(frame, ["a", "b"], "y")
    assert summary[["a", "b", "mean"]].to_numpy().tolist() == [[1, 0, 5], [1, 1, 2]]


def test_select_keeps_the_rows_of_one_run(deep_rfm):
    chosen = style.select(deep_rfm, ROW)
    assert len(chosen) == 3 * 20 * 3
    assert set(chosen["dataset"]) == {"mnist"}
    assert set(chosen["projection"]) == {"agop"}


def test_select_names_a_row_that_selects_nothing(deep_rfm):
    with pytest.raises(ValueError, match="nothing for the figure row.*'imagenet'.*svhn"):
        style.select(deep_rfm, {"dataset": "imagenet"})


def test_select_refuses_to_mix_runs(deep_rfm):
    row = {"dataset": "mnist", "feature_map": "relu"}
    with pytest.raises(ValueError, match="mixes several values of projection: .*agop.*identity"):
        style.select(deep_rfm, row)


@pytest.mark.parametrize(
    ("row", "label"),
    [
        ({"dataset": "digits", "kernel": "laplace"}, "digits, Laplace"),
        (ROW, "MNIST, Gaussian, ReLU"),
        ({"projection": "identity", "dataset": "svhn"}, "SVHN, $M = I$"),
        ({"dataset": "cifar10"}, "CIFAR-10"),
        ({"model": "mlp", "dataset": "mnist"}, "MNIST, MLP"),
        ({"model": "resnet18", "dataset": "cifar10"}, "CIFAR-10, ResNet18"),
        ({"model": "vgg11", "dataset": "svhn"}, "SVHN, VGG-11"),
        ({"model": "my_net", "dataset": "my images"}, "my images, my_net"),
    ],
)
def test_row_label(row, label):
    assert style.row_label(row) == label


def test_rows_have_letters_when_there_are_several():
    rows = [{"dataset": "mnist"}, ROW]
    assert style.row_heading(rows[:1], 0) == "MNIST"
    assert style.row_heading(rows, 0) == "$\\bf{A}$  MNIST"
    assert style.row_heading(rows, 1) == "$\\bf{B}$  MNIST\nGaussian, ReLU"


def test_first_doubtful_layer_is_of_any_seed(deep_rfm):
    run = style.select(deep_rfm, ROW).copy()
    assert style.first_doubtful_layer(run) == math.inf
    run.loc[(run["seed"] == 2) & (run["layer"] >= 9), "valid"] = False
    run.loc[(run["seed"] == 0) & (run["layer"] >= 12), "valid"] = False
    assert style.first_doubtful_layer(run) == 9


@pytest.mark.parametrize(
    ("losses", "unfitted"),
    [
        ([0.9, 0.05], False),
        ([0.01, 0.051], True),
        ([0.01, math.nan], True),
    ],
)
def test_unfitted_by_the_last_epoch_of_any_seed(losses, unfitted):
    good = {"dataset": "mnist", "model": "mlp", "seed": 0, "epoch": 30, "train_loss": 0.001}
    records = [good] + [
        good | {"seed": 1, "epoch": epoch, "train_loss": loss}
        for epoch, loss in zip((10, 20), losses, strict=True)
    ]
    row = {"dataset": "mnist", "model": "mlp"}
    found = style.unfitted_rows(pd.DataFrame(records[::-1]), [row])
    assert found == (["MNIST, MLP"] if unfitted else [])


@settings(max_examples=40, deadline=None)
@given(st.floats(-40, 5), st.floats(0, 40))
def test_log_axis_has_two_to_six_decades_around_the_data(low, span):
    ax = Figure().subplots()
    data = [10.0**low, 10.0 ** (low + span)]
    ax.plot(data)
    style.use_log_scale(ax)
    bottom, top = ax.get_ylim()
    assert bottom <= data[0] <= data[1] <= top
    shown = [tick for tick in ax.get_yticks() if bottom <= tick <= top]
    assert 2 <= len(shown) <= 6
    np.testing.assert_allclose(np.log10(shown), np.round(np.log10(shown)), atol=1e-9)
    between = [tick for tick in ax.get_yticks(minor=True) if bottom <= tick <= top]
    if span > 0.5:
        assert between
    assert not set(between) & set(shown)


def test_log_axis_without_positive_data_is_empty_not_an_error():
    ax = Figure().subplots()
    ax.plot([math.nan, 0.0])
    style.use_log_scale(ax)
    assert ax.get_yscale() == "log"
    assert ax.get_ylim() == (0.1, 1)


def test_log_axis_looks_at_all_that_share_it():
    first, second = Figure().subplots(1, 2, sharey=True)
    first.plot([math.nan])
    second.plot([1e-3, 1e-1])
    style.use_log_scale(first)
    bottom, top = first.get_ylim()
    assert 1e-4 < bottom <= 1e-3 < 1e-1 <= top < 1


@pytest.mark.parametrize(
    ("depth", "ticks"),
    [(1, [1]), (8, list(range(1, 9))), (12, [1, 5, 10]), (20, [1, 5, 10, 15, 20])],
)
def test_layer_ticks(depth, ticks):
    ax = Figure().subplots()
    style.use_layer_axis(ax, range(1, depth + 1))
    assert ax.get_xticks().tolist() == ticks


@pytest.mark.parametrize(
    ("last", "ticks"),
    [(0, [0]), (60, [0, 30, 60]), (300, [0, 150, 300]), (500, [0, 250, 500]), (7, [0, 4])],
)
def test_epoch_ticks(last, ticks):
    ax = Figure().subplots()
    style.use_epoch_axis(ax, [0, last])
    assert ax.get_xticks().tolist() == ticks


def test_drawing_leaves_no_settings_behind(deep_rfm, tmp_path):
    before = dict(matplotlib.rcParams)
    style.save(deep_rfm_curves.draw(deep_rfm, [ROW]), tmp_path / "a.pdf", tmp_path / "a.png")
    assert dict(matplotlib.rcParams) == before


@pytest.mark.parametrize("text", ["study demo", "a few words, 5 $ and {_ " * 20, "x" * 500])
def test_footer_is_below_all_else_and_inside(deep_rfm, text):
    fig = deep_rfm_curves.draw(deep_rfm, [ROW])
    fig.draw_without_rendering()
    panel = fig.axes[0].get_window_extent()
    style.add_footer(fig, text)
    fig.draw_without_rendering()
    footer = fig.texts[-1].get_window_extent()
    assert "".join(fig.texts[-1].get_text().split()) == "".join(text.split())
    assert 0 <= footer.x0 < footer.x1 <= fig.bbox.x1
    assert 0 <= footer.y0 < footer.y1 < min(ax.get_tightbbox().y0 for ax in fig.axes)
    assert panel.height == pytest.approx(fig.axes[0].get_window_extent().height, abs=1)


DRAW_AGAIN = """
import sys, matplotlib, pandas
matplotlib.rcParams.update({"font.size": 20, "axes.grid": True, "pdf.fonttype": 3})
from agop_collapse.plots import deep_rfm_curves, style
table, pdf, png = sys.argv[1:]
fig = deep_rfm_curves.draw(pandas.read_pickle(table), [%r])
style.add_footer(fig, "study demo")
style.save(fig, pdf, png)
assert "torch" not in sys.modules
"""


def test_files_are_the_same_in_another_process(deep_rfm, tmp_path):
    """One with another hash seed, and a user who likes other settings."""
    fig = deep_rfm_curves.draw(deep_rfm, [ROW])
    style.add_footer(fig, "study demo")
    style.save(fig, tmp_path / "here.pdf", tmp_path / "here.png")
    style.save(fig, tmp_path / "again.pdf", tmp_path / "again.png")

    table = tmp_path / "table.pickle"
    deep_rfm.to_pickle(table)
    there = tmp_path / "there.pdf", tmp_path / "there.png"
    subprocess.run(
        [sys.executable, "-c", DRAW_AGAIN % ROW, table, *there],
        env=os.environ | {"PYTHONHASHSEED": "7", "PYTHONPATH": os.pathsep.join(sys.path)},
        check=True,
    )
    for kind in ("pdf", "png"):
        content = (tmp_path / f"here.{kind}").read_bytes()
        assert content == (tmp_path / f"again.{kind}").read_bytes()
        assert content == (tmp_path / f"there.{kind}").read_bytes()
    assert len(list(tmp_path.iterdir())) == 7


def test_files_are_fit_for_print(deep_rfm, tmp_path):
    style.save(deep_rfm_curves.draw(deep_rfm, [ROW]), tmp_path / "a.pdf", tmp_path / "a.png")
    pdf = (tmp_path / "a.pdf").read_bytes()
    assert b"/FontFile2" in pdf
    assert b"/Type3" not in pdf
    assert b"CreationDate" not in pdf
    with Image.open(tmp_path / "a.png") as png:
        assert png.width == 5.5 * 200
        assert png.info["dpi"] == pytest.approx((200, 200), abs=0.1)


def test_failed_save_leaves_the_old_file_and_nothing_else(tmp_path):
    pdf, png = tmp_path / "a.pdf", tmp_path / "a.png"
    pdf.write_text("old")
    fig = Figure()
    fig.text(0, 0, r"$\frac{$")
    with pytest.raises(ValueError, match="frac"):
        style.save(fig, pdf, png)
    assert pdf.read_text() == "old"
    assert list(tmp_path.iterdir()) == [pdf]
