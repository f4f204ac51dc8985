"""A measure against a setting: what is drawn is what the tables say."""

import math

import numpy as np
import pandas as pd
import pytest
from agop_collapse.plots import sweep
from agop_collapse.plots.colours import COLOURS
from matplotlib.colors import to_hex

WIDTHS = (64, 256, 1024)
MX = {"table": "deep_rfm", "y": "nc1", "x_label": "width", "stage": "MX"}


def points_of(name, study="paper", **wanted):
    return {"study": study, "dataset": "mnist", "run": name} | wanted


@pytest.fixture(scope="module")
def tables(deep_rfm, networks):
    """Runs of three widths, with and without the AGOP, and of three gains, of other values each."""
    deep, nfa, training = [], [], []
    for index, width in enumerate(WIDTHS):
        for role in ("agop", "identity"):
            run = deep_rfm[deep_rfm["run"] == f"gaussian-relu-{role}"].copy()
            run["run"] = f"{role},width={width}"
            run["nc1"] *= 10.0**-index
            deep.append(run)
    for index, gain in enumerate((0.1, 0.3, 1.0)):
        for parts, name in ((nfa, "network_nfa"), (training, "network_training")):
            run = networks[name][networks[name]["run"] == "mlp"].copy()
            run["run"] = f"mlp,gain={gain}"
            if name == "network_nfa":
                run["nfa"] -= 0.1 * index
            parts.append(run)
    return {
        "deep_rfm": pd.concat(deep, ignore_index=True),
        "network_nfa": pd.concat(nfa, ignore_index=True),
        "network_training": pd.concat(training, ignore_index=True),
    }


@pytest.fixture(scope="module")
def rows():
    """One panel, both projections; the runs are not in the order of their widths."""
    runs = [
        points_of(f"{role},width={width}", x=width, line=label)
        for role, label in (("agop", "with"), ("identity", "without"))
        for width in WIDTHS[::-1]
    ]
    return [{"label": "MNIST, Gaussian", "runs": runs}]


@pytest.fixture(scope="module")
def gains():
    runs = [points_of(f"mlp,gain={gain}", x=gain, line="") for gain in (0.1, 0.3, 1.0)]
    return [{"label": "", "runs": runs}]


def measured(table, row, line, **wanted):
    """Rows of the table with the runs of a line, and their x."""
    parts = []
    for run in row["runs"]:
        if run["line"] == line:
            wanted |= {key: run[key] for key in ("study", "dataset", "run")}
            kept = np.logical_and.reduce([table[key] == value for key, value in wanted.items()])
            parts.append(table[kept].assign(x=run["x"]))
    return pd.concat(parts)


def test_points_and_bands_are_the_seeds_means_and_deviations(tables, rows, assert_series):
    shuffled = tables["deep_rfm"].sample(frac=1, random_state=0)
    fig = sweep.draw(tables | {"deep_rfm": shuffled}, rows, **MX)
    (ax,) = fig.axes
    assert len(ax.lines) == 2
    for index, line in enumerate(("with", "without")):
        points = measured(tables["deep_rfm"], rows[0], line, stage="MX", layer=20)
        assert_series(ax, index, points, "x", "nc1")
    assert (ax.get_xscale(), ax.get_yscale()) == ("log", "log")
    assert ax.get_xticks().tolist() == [64, 256, 1024]
    assert [label.get_text() for label in ax.get_xticklabels()] == ["64", "256", "1024"]
    assert ax.get_xlabel() == "width"
    assert ax.get_ylabel() == ("NC1: tr$(\\Sigma_W)$ / tr$(\\Sigma_B)$\nof $M^{1/2}X$, last layer")
    assert ax.get_title() == "MNIST, Gaussian"
    assert [text.get_text() for text in fig.legends[0].get_texts()] == ["with", "without"]
    assert len({(line.get_linestyle(), line.get_marker()) for line in ax.lines}) == 2


def test_layer_that_is_not_the_last(tables, rows, assert_series):
    fig = sweep.draw(tables, rows, **MX, layer=3)
    points = measured(tables["deep_rfm"], rows[0], "with", stage="MX", layer=3)
    assert_series(fig.axes[0], 0, points, "x", "nc1")
    assert fig.axes[0].get_ylabel().endswith("layer 3")


def test_last_layer_is_each_runs_own(tables, rows, assert_series):
    deep = tables["deep_rfm"]
    short = deep[(deep["run"] != "agop,width=256") | (deep["layer"] <= 8)]
    fig = sweep.draw(tables | {"deep_rfm": short}, rows, **MX)
    points = measured(short, rows[0], "with", stage="MX")
    last = points[points["layer"] == np.where(points["x"] == 256, 8, 20)]
    assert_series(fig.axes[0], 0, last, "x", "nc1")


def test_epoch_of_a_network(tables, gains, assert_series):
    options = {"table": "network_nfa", "y": "nfa", "x_label": "gain", "layer": 2}
    for epoch, drawn in (("last", 500), (100, 100)):
        fig = sweep.draw(tables, gains, **options, epoch=epoch)
        points = measured(tables["network_nfa"], gains[0], "", layer=2, epoch=drawn)
        assert_series(fig.axes[0], 0, points, "x", "nfa")
        assert fig.axes[0].get_ylim() == (0, 1)
        assert not fig.legends
    assert fig.axes[0].get_ylabel() == "NFA correlation\nlayer 2, epoch 100"


def test_panels_share_their_axes(tables, rows, assert_series):
    runs = rows[0]["runs"]
    both = [
        {"label": "MNIST, with", "runs": runs[:3]},
        {"label": "MNIST, without", "runs": runs[3:5]},
    ]
    fig = sweep.draw(tables, both, **MX)
    left, right = fig.axes
    assert_series(
        left, 0, measured(tables["deep_rfm"], both[0], "with", stage="MX", layer=20), "x", "nc1"
    )
    assert_series(
        right, 0, measured(tables["deep_rfm"], both[1], "without", stage="MX", layer=20), "x", "nc1"
    )
    assert left.get_ylim() == right.get_ylim()
    assert left.get_xlim() == right.get_xlim()
    assert [ax.get_title() for ax in fig.axes] == [
        "$\\bf{A}$  MNIST, with",
        "$\\bf{B}$  MNIST, without",
    ]
    assert (bool(left.get_ylabel()), bool(right.get_ylabel())) == (True, False)
    # A line has the same look in every panel, and the second panel's is another.
    assert [ax.lines[0].get_color() for ax in fig.axes] == [COLOURS["blue"], COLOURS["orange"]]


def test_words_have_error_bars_side_by_side(tables, rows):
    words = {64: "narrow", 256: "middle", 1024: "wide"}
    runs = [run | {"x": words[run["x"]]} for run in rows[0]["runs"]]
    fig = sweep.draw(tables, [rows[0] | {"runs": runs}], **MX)
    (ax,) = fig.axes
    assert [label.get_text() for label in ax.get_xticklabels()] == ["wide", "middle", "narrow"]
    shifts = []
    for index, line in enumerate(("with", "without")):
        points = measured(tables["deep_rfm"], rows[0], line, stage="MX", layer=20)
        values = points.groupby("x")["nc1"]
        mean, sd = values.mean()[[1024, 256, 64]], values.std()[[1024, 256, 64]]
        drawn = ax.lines[index]
        np.testing.assert_allclose(drawn.get_ydata(), mean)
        shifts.append(drawn.get_xdata() - [0, 1, 2])
        assert np.ptp(shifts[-1]) < 1e-9
        assert drawn.get_linestyle() == "None"
        bars = np.array(ax.collections[index].get_segments())
        np.testing.assert_allclose(bars[:, :, 0].T, [drawn.get_xdata()] * 2)
        np.testing.assert_allclose(bars[:, 0, 1], np.maximum(mean - sd, 0.01 * mean))
        np.testing.assert_allclose(bars[:, 1, 1], mean + sd)
    assert -0.5 < shifts[0][0] < 0 < shifts[1][0] < 0.5
    assert {handle.get_linestyle() for handle in fig.legends[0].legend_handles} == {"None"}


def test_truth_values_are_words(tables, gains):
    runs = [run | {"x": run["x"] > 0.2} for run in gains[0]["runs"][:2]]
    fig = sweep.draw(
        tables, [{"label": "", "runs": runs}], table="network_nfa", y="nfa", x_label="keeps"
    )
    assert [label.get_text() for label in fig.axes[0].get_xticklabels()] == ["False", "True"]


def test_one_value_has_an_error_bar(tables, gains):
    row = {"label": "", "runs": gains[0]["runs"][1:2]}
    fig = sweep.draw(tables, [row], table="network_nfa", y="nfa", x_label="gain")
    (ax,) = fig.axes
    values = measured(tables["network_nfa"], row, "", layer=5, epoch=500)["nfa"]
    assert ax.lines[0].get_ydata() == pytest.approx([values.mean()])
    (segment,) = ax.collections[0].get_segments()
    np.testing.assert_allclose(
        segment, [[0.3, values.mean() - values.std()], [0.3, values.mean() + values.std()]]
    )


def test_doubtful_layers_are_hollow(tables, rows):
    """One seed of one run has a bad solve at layer 9: not seen at layer 8."""
    deep = tables["deep_rfm"].copy()
    bad = (deep["run"] == "agop,width=256") & (deep["seed"] == 1) & (deep["layer"] == 9)
    deep.loc[bad & (deep["study"] == "paper"), "valid"] = False
    doubtful = tables | {"deep_rfm": deep}
    fig = sweep.draw(doubtful, rows, **MX, layer=8)
    assert len(fig.axes[0].lines) == 2
    assert len(fig.legends[0].get_texts()) == 2

    fig = sweep.draw(doubtful, rows, **MX)
    strong, hollow, light, other = fig.axes[0].lines
    points = measured(deep, rows[0], "with", stage="MX", layer=20)
    means = points.groupby("x")["nc1"].mean()
    np.testing.assert_allclose(strong.get_ydata(), [means[64], math.nan, means[1024]])
    assert hollow.get_xdata().tolist() == [256]
    np.testing.assert_allclose(hollow.get_ydata(), means[[256]])
    assert to_hex(hollow.get_markerfacecolor()) == "#ffffff"
    assert hollow.get_markeredgecolor() == strong.get_color()
    np.testing.assert_allclose(light.get_ydata(), means)
    assert light.get_alpha() < 0.5
    assert np.isfinite(other.get_ydata()).all()
    assert fig.legends[0].get_texts()[-1].get_text() == "hollow: not to be trusted"
    assert sweep.note(doubtful, rows) == (
        ". Not to be trusted (ill-conditioned solve): MNIST, Gaussian, with at 256 from layer 9"
    )
    assert sweep.note(tables, rows) == ""


def test_networks_that_are_not_fitted_are_hollow(tables, gains):
    training = tables["network_training"].copy()
    unfitted = training["run"].isin(["mlp,gain=0.3", "mlp,gain=1.0"]) & (training["seed"] == 2)
    training.loc[unfitted, "fitted"] = False
    tables = tables | {"network_training": training}
    del tables["deep_rfm"]
    fig = sweep.draw(tables, gains, table="network_nfa", y="nfa", x_label="gain")
    strong, hollow, _ = fig.axes[0].lines
    assert np.isfinite(strong.get_ydata()).tolist() == [True, False, False]
    assert hollow.get_xdata().tolist() == [0.3, 1.0]
    assert [text.get_text() for text in fig.legends[0].get_texts()] == ["hollow: not fitted"]
    assert sweep.note(tables, gains) == ". Not fitted: at 0.3, 1"


def test_doubt_about_a_gram_matrix_is_that_of_the_projections_in_it(deep_rfm):
    """Layer l of the table gram has had l - 1 projections."""
    deep = deep_rfm.assign(valid=deep_rfm["layer"] < 3)
    gram = deep[deep["stage"] == "MX"].drop(columns=["stage", "valid"])
    gram = gram.assign(applied_layer=gram["layer"] - 1, within_mean=0.5)
    row = {"label": "", "runs": [points_of("gaussian-relu-agop", x=1)]}
    for layer, lines in ((3, 1), (4, 2)):
        fig = sweep.draw(
            {"deep_rfm": deep, "gram": gram}, [row], "gram", "within_mean", "x", layer=layer
        )
        assert len(fig.axes[0].lines) == lines


def test_undefined_values_leave_a_gap(tables, rows):
    deep = tables["deep_rfm"].copy()
    deep.loc[(deep["run"] == "agop,width=256") & (deep["seed"] == 0), "nc1"] = math.nan
    fig = sweep.draw(tables | {"deep_rfm": deep}, rows, **MX)
    fig.draw_without_rendering()
    assert np.isnan(fig.axes[0].lines[0].get_ydata()).tolist() == [False, True, False]
    none = deep.assign(nc1=math.nan)
    fig = sweep.draw(tables | {"deep_rfm": none}, rows, **MX)
    fig.draw_without_rendering()
    assert [text.get_text() for text in fig.axes[0].texts] == ["no values"]


def test_two_runs_at_one_point(tables, rows):
    runs = [run | {"line": ""} for run in rows[0]["runs"]]
    with pytest.raises(ValueError, match="agop,width=1024 and identity,width=1024 .*'MNIST, Gau"):
        sweep.draw(tables, [rows[0] | {"runs": runs}], **MX)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"y": "nc3"}, "no measure nc3"),
        ({"layer": 21}, "no layer 21"),
        ({"stage": None}, "nc1 of the table deep_rfm needs a stage"),
        ({"stage": "full"}, "no stage full"),
    ],
)
def test_what_is_not_there(tables, rows, change, message):
    with pytest.raises(ValueError, match=message):
        sweep.draw(tables, rows, **(MX | change))


def test_run_that_is_not_there(tables):
    row = {"label": "", "runs": [points_of("agop,width=512", x=512)]}
    with pytest.raises(ValueError, match="nothing of the run.*width=512"):
        sweep.draw(tables, [row], **MX)
