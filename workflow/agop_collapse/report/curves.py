"""Curves as plain numbers for an SVG that a page can colour: lines, ticks, marks in its units."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from .plain import SUPERSCRIPTS

# Of a panel, in units of its SVG.
WIDTH, HEIGHT = 360, 190
LEFT, RIGHT, TOP, BOTTOM = 46, 10, 14, 34
MOST_TICKS = 5


@dataclass(frozen=True)
class Tick:
    """A number on an axis, and where it stands."""

    at: float
    text: str


@dataclass(frozen=True)
class Panel:
    """One panel of curves.

    lines : by name, the pieces of a line as points of an SVG polyline; broken where a value lacks
    x_ticks, y_ticks : on the axes
    doubtful : x from which on nothing is to be trusted; None if all is
    marks : (x, y) of each place that can be marked; y is None where there is no value
    """

    title: str
    lines: dict[str, list[str]]
    x_ticks: list[Tick]
    y_ticks: list[Tick]
    doubtful: float | None
    marks: list[tuple[float, float | None]]

    width, height = WIDTH, HEIGHT
    left, right, top, bottom = LEFT, WIDTH - RIGHT, TOP, HEIGHT - BOTTOM


def panel(
    title: str,
    series: Mapping[str, pd.Series],
    marked: Sequence[tuple[int, float]],
    doubtful_from: float,
    logarithmic: bool,
) -> Panel:
    """A panel of values against layers.

    Parameters
    ----------
    series : by name, a value for each layer (the index); what is not finite, or on a logarithmic
        axis not positive, is left out
    marked : layer and value of each mark
    doubtful_from : the first layer that is not to be trusted; infinity if all are
    logarithmic : whether the y axis is; a linear one begins at 0
    """
    layers = sorted(set().union(*(one.index for one in series.values())))
    values = [value for one in series.values() for value in one if _is_shown(value, logarithmic)]
    low, high, ticks = (_decades if logarithmic else _from_zero)(values)
    first, last = layers[0] - 0.5, layers[-1] + 0.5

    def x(layer: float) -> float:
        return round(LEFT + (layer - first) / (last - first) * (WIDTH - LEFT - RIGHT), 1)

    def y(value: float) -> float:
        scaled = math.log10(value) if logarithmic else value
        share = (scaled - low) / (high - low)
        return round(HEIGHT - BOTTOM - share * (HEIGHT - TOP - BOTTOM), 1)

    lines = {}
    for name, one in series.items():
        pieces: list[list[str]] = [[]]
        for layer, value in one.sort_index().items():
            if _is_shown(value, logarithmic):
                pieces[-1].append(f"{x(layer)},{y(value)}")
            elif pieces[-1]:
                pieces.append([])
        lines[name] = [" ".join(piece) for piece in pieces if piece]
    stride = math.ceil(len(layers) / 10)
    return Panel(
        title,
        lines,
        [Tick(x(layer), str(layer)) for layer in layers[::stride]],
        [Tick(y(value), text) for value, text in ticks],
        x(max(doubtful_from - 0.5, first)) if doubtful_from <= layers[-1] else None,
        [
            (x(layer), y(value) if _is_shown(value, logarithmic) else None)
            for layer, value in marked
        ],
    )


def _is_shown(value: float, logarithmic: bool) -> bool:
    return math.isfinite(value) and (value > 0 or not logarithmic)


def _decades(values: Sequence[float]) -> tuple[float, float, list[tuple[float, str]]]:
    """Whole decades around positive values: their exponents, and some powers of ten."""
    low = math.floor(math.log10(min(values, default=0.1)))
    high = max(math.ceil(math.log10(max(values, default=1.0))), low + 1)
    stride = math.ceil((high - low) / (MOST_TICKS - 1))
    ticks = [
        (10.0**exponent, f"10{str(exponent).translate(SUPERSCRIPTS)}")
        for exponent in range(high, low - 1, -stride)
    ]
    return low, high, ticks


def _from_zero(values: Sequence[float]) -> tuple[float, float, list[tuple[float, str]]]:
    """From 0 to a round number above all values, and round numbers between."""
    highest = max([*values, 0]) or 1.0
    power = 10 ** math.floor(math.log10(highest))
    step = next(
        factor * power
        for factor in (0.2, 0.25, 0.5, 1, 2, 5)
        if factor * power * (MOST_TICKS - 1) >= highest
    )
    count = math.ceil(highest / step - 1e-9)
    ticks = [(index * step, f"{index * step:g}") for index in range(count + 1)]
    return 0, count * step, ticks
