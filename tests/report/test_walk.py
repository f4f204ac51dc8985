"""The walk through the layers: pictures, numbers, and curves with their marks."""

import base64
import io
import math

import numpy as np
import pandas as pd
import pytest
from agop_collapse.report.curves import BOTTOM, HEIGHT, LEFT, RIGHT, TOP, WIDTH, panel
from agop_collapse.report.walk import picture, walk
from PIL import Image
from small_report import DEPTH, RUN, make_pictures

ONE = RUN | {"seeds": [0]}


def decoded(address: str) -> Image.Image:
    kind, _, content = address.partition(",")
    assert kind == "data:image/png;base64"
    return Image.open(io.BytesIO(base64.b64decode(content)))


def test_picture_has_the_colours_of_the_figures():
    matrix = np.array([[1.0, -0.2, 0.4], [5.0, -5.0, 0.4], [1.0, 1.0, 1.0]])
    pixels = np.asarray(decoded(picture(matrix)).convert("RGB"))
    # The ends and the middle of viridis, as matplotlib documents them.
    bright, dark, middle = (253, 231, 36), (68, 1, 84), (32, 144, 140)
    expected = [[bright, dark, middle], [bright, dark, middle], [bright] * 3]
    assert np.abs(pixels.astype(int) - expected).max() <= 1


def test_walk_has_a_step_for_the_input_and_each_layer(tables):
    walked = walk("mine", ONE, make_pictures(20), tables)
    assert [step.name for step in walked.steps] == [
        "input data",
        *(f"layer {layer}, M^½ X" for layer in (1, 2, 3)),
    ]
    # The input is X of layer 1; behind it come M^1/2 X of layers 1, 2, 3, of seed 0.
    nc1 = ["1", "0.5", "0.05", "0.005"]
    assert [step.says.partition(",")[0] for step in walked.steps] == [f"NC1 {one}" for one in nc1]
    assert walked.steps[0].says == (
        "NC1 1, NC2 2; cosines 0.5 ± 0.25 within classes, −0.2 ± 0.125 between (mean ± sd)."
    )
    assert "0.875 ± 0.25 within classes" in walked.steps[3].alternative
    image = decoded(walked.steps[1].picture)
    assert image.size == (20, 20)
    # Classes are blocks on the diagonal.
    assert image.getpixel((0, 0)) == image.getpixel((19, 19)) > image.getpixel((0, 19))


def test_label_is_plain_text(tables):
    assert walk("digits, $M = I$", ONE, make_pictures(), tables).label == "digits, M = I"


def test_doubtful_layers_are_told_and_shaded(tables):
    tables["deep_rfm"].loc[tables["deep_rfm"]["layer"] == 3, "valid"] = False
    walked = walk("mine", ONE, make_pictures(), tables)
    doubtful = ["Not to be trusted" in step.says for step in walked.steps]
    assert doubtful == [False, False, False, True]
    for each in walked.panels:
        at = each.x_ticks[2].at
        assert each.x_ticks[1].at < each.doubtful < at


def test_marks_lie_on_the_curves(tables):
    walked = walk("mine", ONE, make_pictures(), tables)
    for each in walked.panels:
        projected = each.lines["M^½ X"][0].split()
        untouched = each.lines["X"][0].split()
        marks = [f"{x},{y}" for x, y in each.marks]
        assert marks == [untouched[0], *projected]
        assert len(marks) == DEPTH + 1


# Curves


def series(*values: float) -> pd.Series:
    return pd.Series(values, index=range(1, len(values) + 1), dtype=float)


def points(piece: str) -> list[tuple[float, ...]]:
    return [tuple(map(float, point.split(","))) for point in piece.split()]


def test_logarithmic_axis_has_whole_decades():
    drawn = panel("NC1", {"a": series(0.5, 0.05, 0.005)}, [], math.inf, True)
    assert [tick.text for tick in drawn.y_ticks] == ["10⁰", "10⁻¹", "10⁻²", "10⁻³"]
    assert drawn.y_ticks[0].at == TOP
    assert drawn.y_ticks[-1].at == HEIGHT - BOTTOM
    (_, first), (_, second), (_, third) = points(drawn.lines["a"][0])
    decade = (HEIGHT - TOP - BOTTOM) / 3
    assert second - first == pytest.approx(decade, abs=0.11)
    assert third - second == pytest.approx(decade, abs=0.11)


def test_many_decades_have_few_ticks():
    drawn = panel("NC1", {"a": series(1e3, 1e-20)}, [], math.inf, True)
    assert 3 <= len(drawn.y_ticks) <= 5


@pytest.mark.parametrize("highest", [0.0, 1e-7, 0.09, 0.99, 1.0, 1.01, 3.0, 7.7, 12.0, 4e5])
def test_linear_axis_goes_from_0_to_above_all(highest):
    drawn = panel("NC2", {"a": series(highest, highest / 2)}, [], math.inf, False)
    assert drawn.y_ticks[0].text == "0"
    assert 2 <= len(drawn.y_ticks) <= 5
    ((_, top), _) = points(drawn.lines["a"][0])
    assert top >= TOP - 0.1
    values = [float(tick.text) for tick in drawn.y_ticks]
    assert np.ptp(np.diff(values)) <= 1e-9 * max(values)


def test_line_is_broken_where_a_value_lacks_and_stays_within():
    drawn = panel("NC1", {"a": series(1, 0.1, math.nan, 0.01, 0, 1e-3)}, [(3, math.nan)], 7, True)
    assert [len(points(piece)) for piece in drawn.lines["a"]] == [2, 1, 1]
    for x, y in points(" ".join(drawn.lines["a"])):
        assert LEFT <= x <= WIDTH - RIGHT
        assert TOP <= y <= HEIGHT - BOTTOM
    assert drawn.marks[0][1] is None
    assert drawn.doubtful is None


def test_nothing_but_missing_values_is_a_panel():
    for logarithmic in (True, False):
        drawn = panel("NC1", {"a": series(math.nan, math.nan)}, [], math.inf, logarithmic)
        assert drawn.lines["a"] == []
        assert len(drawn.y_ticks) >= 2
