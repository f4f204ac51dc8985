"""The panels' common parts: headings, axes, ticks, looks, legend."""

import math

import numpy as np
import pytest
from agop_collapse.plots import axes
from agop_collapse.plots.save import use_style
from hypothesis import example, given, settings
from hypothesis import strategies as st
from matplotlib.figure import Figure


def test_rows_have_letters_when_there_are_several():
    rows = [{"label": "MNIST"}, {"label": "MNIST, Gaussian, ReLU"}, {"label": ""}]
    assert axes.row_heading(rows[:1], 0) == "MNIST"
    assert axes.row_heading(rows, 0) == "$\\bf{A}$  MNIST"
    assert axes.row_heading(rows, 1) == "$\\bf{B}$  MNIST, Gaussian, ReLU"
    assert axes.row_heading(rows, 2) == "$\\bf{C}$"


def test_headings_of_little_room_all_have_their_data_set_above():
    rows = [{"label": "MNIST, MLP"}, {"label": "CIFAR-10, my_models:residual, gain = 0.3"}]
    assert axes.row_heading(rows, 0, room=1.5) == "$\\bf{A}$  MNIST\nMLP"
    assert axes.row_heading(rows, 1, room=1.5) == (
        "$\\bf{B}$  CIFAR-10\nmy_models:residual,\ngain = 0.3"
    )


@settings(max_examples=40, deadline=None)
@given(st.text(st.sampled_from("abW, =._"), max_size=150), st.floats(1.5, 5))
@example("laplace-relu-agop,width=1024,ridge=1e-3", 1.5)
@use_style()
def test_folded_text_is_whole_and_no_wider_than_its_room(text, room):
    lines = axes.fold(text, room).split("\n")
    assert "".join("".join(lines).split()) == "".join(text.split())
    for line in lines:
        shown = Figure().text(0, 0, line, fontsize=8, parse_math=False)
        assert shown.get_window_extent().width <= 1.03 * room * shown.figure.dpi


def test_folded_text_keeps_its_mathematics_whole():
    label = r"Cosines: mean distance from $-1 / (K - 1)$, $R^2$"
    assert axes.fold(label, 0.9) == "Cosines: mean\ndistance from\n$-1 / (K - 1)$, $R^2$"
    ax = Figure().subplots()
    axes.set_y_label(ax, label + "\nlast layer", 1.4)
    assert ax.get_ylabel() == axes.fold(label, 0.9) + "\nlast layer"


@pytest.mark.parametrize("above", [False, True])
@use_style()
def test_heading_of_a_row_is_above_its_panels_titles(above):
    fig = Figure(figsize=(5.5, 2))
    panels = fig.subplots(1, 5)
    for ax in panels:
        ax.set_title("Layer" if above else "")
    fig.draw_without_rendering()
    widths = [ax.get_window_extent().width for ax in panels]
    axes.head_row(panels[0], "a long heading that is wider than a panel " * 2 + "\nb", above)
    assert fig.get_figheight() == pytest.approx(2 + axes.LINE_HEIGHT)
    fig.draw_without_rendering()
    (heading,) = panels[0].texts
    extent = heading.get_window_extent()
    assert extent.x0 == pytest.approx(panels[0].get_window_extent().x0, abs=3)
    assert extent.y1 <= fig.bbox.y1
    # A line's extent begins below its baseline.
    assert extent.y0 >= panels[0].get_window_extent().y1 - 0.02 * fig.dpi
    if above:
        titles = [ax.title.get_window_extent() for ax in panels]
        assert extent.y0 >= max(title.y1 for title in titles)
        assert len({round(title.y0) for title in titles}) == 1
    # The others keep their places.
    np.testing.assert_allclose([ax.get_window_extent().width for ax in panels], widths, rtol=0.01)


@pytest.mark.parametrize(
    ("values", "scale", "note"),
    [
        ([math.nan, math.nan], "linear", "no values"),
        ([math.nan, math.inf], "log", "no values"),
        ([0.0, 0.0], "log", "NC1 is 0\nat every layer"),
        ([0.0, math.nan, 0.0], "log", "NC1 is 0\nat every layer"),
        ([0.0, -1.0], "log", "NC1 is not positive\nat every layer"),
        ([0.0, 0.0], "linear", None),
        ([0.0, 1e-9], "log", None),
    ],
)
def test_empty_panel_says_why(values, scale, note):
    first, second = Figure().subplots(2, 1, sharey=True)
    first.plot(values)
    if scale == "log":
        axes.use_log_scale(first)
    axes.explain_if_empty([first], "NC1", "layer")
    assert [text.get_text() for text in first.texts] == [note] * bool(note)
    assert (len(first.get_yticks()) == 0) == bool(note)
    assert not second.texts


def test_empty_panel_keeps_the_ticks_that_it_shares():
    first, second = Figure().subplots(1, 2, sharey=True)
    first.plot([math.nan])
    second.plot([1, 2])
    axes.explain_if_empty([first, second], "NC1", "layer")
    assert (len(first.texts), len(second.texts)) == (1, 0)
    assert len(first.get_yticks()) > 2


@settings(max_examples=40, deadline=None)
@given(st.floats(-40, 5), st.floats(0, 40))
def test_log_axis_has_two_to_six_decades_around_the_data(low, span):
    ax = Figure().subplots()
    data = [10.0**low, 10.0 ** (low + span)]
    ax.plot(data)
    axes.use_log_scale(ax)
    bottom, top = ax.get_ylim()
    # So far from the edge that a marker is not cut.
    room = np.log10([data[0] / bottom, top / data[1]]) / np.log10(top / bottom)
    assert room.min() >= 0.03
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
    axes.use_log_scale(ax)
    assert ax.get_yscale() == "log"
    low, high = ax.get_ylim()
    assert 0 < low < high


def test_log_axis_looks_at_all_that_share_it():
    first, second = Figure().subplots(1, 2, sharey=True)
    first.plot([math.nan])
    second.plot([1e-3, 1e-1])
    axes.use_log_scale(first)
    bottom, top = first.get_ylim()
    assert 1e-4 < bottom <= 1e-3 < 1e-1 <= top < 1


@pytest.mark.parametrize(
    ("depth", "ticks"),
    [(1, [1]), (8, list(range(1, 9))), (12, [1, 5, 10]), (20, [1, 5, 10, 15, 20])],
)
def test_layer_ticks(depth, ticks):
    ax = Figure().subplots()
    axes.use_layer_axis(ax, range(1, depth + 1))
    assert ax.get_xticks().tolist() == ticks


@pytest.mark.parametrize(
    ("last", "ticks"),
    [(0, [0]), (60, [0, 30, 60]), (300, [0, 150, 300]), (500, [0, 250, 500]), (7, [0, 4])],
)
def test_epoch_ticks(last, ticks):
    ax = Figure().subplots()
    axes.use_epoch_axis(ax, [0, last])
    assert ax.get_xticks().tolist() == ticks


def test_epoch_ticks_of_a_wide_panel():
    ax = Figure().subplots()
    axes.use_epoch_axis(ax, [0, 60], intervals=6)
    assert ax.get_xticks().tolist() == [0, 10, 20, 30, 40, 50, 60]


@pytest.mark.parametrize(
    ("values", "scale", "labels"),
    [
        ([64, 256, 512], "linear", ["64", "256", "512"]),
        ([64, 256, 1024], "log", ["64", "256", "1024"]),
        ([0.1, 1.0], "log", ["0.1", "1"]),
        ([0.1, 0.9], "linear", ["0.1", "0.9"]),
        ([5], "linear", ["5"]),
        ([0, 0.5, 1], "linear", ["0", "0.5", "1"]),
        ([0, 1e-6, 1e-3], "symlog", ["0", "$10^{-6}$", "$10^{-3}$"]),
        ([3e-5, 1e-2], "log", [r"$3\times10^{-5}$", "$10^{-2}$"]),
        ([1, 1.01, 5], "linear", ["1", "", "5"]),
    ],
)
def test_swept_numbers(values, scale, labels):
    ax = Figure().subplots()
    ax.plot(values, np.ones(len(values)))
    axes.use_swept_axis(ax, values * 2)
    assert ax.get_xscale() == scale
    assert ax.get_xticks().tolist() == values
    assert [label.get_text() for label in ax.get_xticklabels()] == labels
    low, high = ax.get_xlim()
    assert low <= values[0] <= values[-1] <= high


def test_swept_numbers_in_order_on_the_axis():
    """Zero comes before the smallest positive value, and every decade is as wide."""
    ax = Figure().subplots()
    values = [0, 1e-6, 1e-5, 1e-4]
    ax.plot(values, np.ones(4))
    axes.use_swept_axis(ax, values)
    places = ax.transData.transform([(value, 1) for value in values])[:, 0]
    gaps = np.diff(places)
    assert (gaps > 0).all()
    np.testing.assert_allclose(gaps[1], gaps[2])


def test_many_swept_numbers_have_round_ticks():
    ax = Figure().subplots()
    values = [0.03 * step for step in range(1, 30)]
    ax.plot(values, values)
    axes.use_swept_axis(ax, values)
    assert len(ax.get_xticks()) < 12
    assert not set(ax.get_xticks()) & set(values[:2])


@pytest.mark.parametrize(("name", "slanted"), [("relu", False), ("a rather long name " * 2, True)])
def test_swept_words(name, slanted):
    fig = Figure()
    height = fig.get_figheight()
    panels = fig.subplots(1, 2, sharex=True)
    axes.use_category_axis(panels, [name, "b", "c", "d"])
    for ax in panels:
        assert ax.get_xticks().tolist() == [0, 1, 2, 3]
        first = ax.get_xticklabels()[0]
        assert first.get_text() == name
        assert (first.get_rotation() > 0) == slanted
    assert (fig.get_figheight() > height) == slanted


@pytest.mark.parametrize(
    ("measure", "values", "scale"),
    [
        ("nc1", [1e-3, 1], "log"),
        ("nc1_code", [0.1, 1], "log"),
        ("nc1", [0.11, 1], "linear"),
        ("trace_within", [1e-3, 1], "log"),
        ("test_loss", [1e-3, 1], "log"),
        ("eigenvalue", [1e-3, 1], "log"),
        ("nc2", [1e-3, 1], "linear"),
        ("train_accuracy", [0.01, 1], "linear"),
        ("nfa", [0.01, 0.9], "linear"),
        ("nc1", [math.nan, 1], "linear"),
        ("fuzziness", [1e-3, 1], "log"),
        ("nc1_test_own", [1e-3, 1], "log"),
        ("nc1_rate", [1e-3, 1], "linear"),
        ("nc1_rate_r2", [1e-3, 1], "linear"),
        ("fuzziness_rate_r2", [1e-3, 1], "linear"),
        ("log_nc1_change", [1e-3, 1], "linear"),
        ("nfa_scale", [1e-3, 10], "log"),
        ("fact_residual", [1e-3, 10], "log"),
        ("final_sensitivity", [1, 1e9], "log"),
        ("nc3_cos", [0.01, 0.9], "linear"),
        ("nc3_centred", [0.01, 0.9], "linear"),
        ("enfa", [0.01, 0.9], "linear"),
    ],
)
def test_scale_of_a_measure(measure, values, scale):
    ax = Figure().subplots()
    ax.plot(values)
    axes.use_measure_axis(ax, measure, values)
    assert ax.get_yscale() == scale
    if measure in ("nc2", "nc3_centred"):
        assert ax.get_ylim()[0] == 0
    if measure in ("nfa", "enfa", "nc3_cos"):
        assert ax.get_ylim() == (0, 1)


def test_looks_of_eight_lines_differ_without_colour_and_of_32_with_it():
    looks = [axes.line_look(index) for index in range(32)]
    assert len(set(looks)) == 32
    assert len({(look.linestyle, look.marker) for look in looks[:8]}) == 8
    assert len({look.colour for look in looks[:8]}) == 8
    assert len({look.marker for look in looks[:8]}) == 8


@pytest.mark.parametrize("count", [2, 4, 8, 20])
@use_style()
def test_long_legend_takes_the_lines_that_it_needs(count):
    """And makes the figure higher by them."""
    fig = Figure(figsize=(5.5, 3))
    fig.subplots()
    labels = [f"CIFAR-10, Gaussian, ReLU, {index:02}" for index in range(count)]
    axes.add_legend(fig, {label: axes.line_look(index) for index, label in enumerate(labels)})
    fig.draw_without_rendering()
    (legend,) = fig.legends
    assert [text.get_text() for text in legend.get_texts()] == labels
    assert legend.get_window_extent().width <= fig.bbox.width - 2 * axes.MARGIN * fig.dpi
    starts = [text.get_window_extent().x0 for text in legend.get_texts()]
    lines = sum(start < min(starts) + 10 for start in starts)  # in the first column
    assert lines == math.ceil(count / 2)
    assert fig.get_figheight() == pytest.approx(3 + (lines - 1) * 0.17, abs=0.02 * lines)
