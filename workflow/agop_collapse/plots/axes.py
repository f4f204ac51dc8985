"""What the figures' panels share: colours, labels, series with bands, axes, legend."""

import math
import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib import rcParams
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.textpath import TextPath
from matplotlib.ticker import FixedLocator, MaxNLocator, NullFormatter, NullLocator

from .colours import COLOURS
from .measures import is_correlation, is_distance, is_logarithmic
from .select import summarise

TEXT_WIDTH = 5.5  # inches
MARGIN = 0.04  # inches that text keeps to the figure's edge
LINE_HEIGHT = 0.15  # inches of a line of a heading


@dataclass(frozen=True)
class Look:
    """How a series is drawn. Line style and marker tell it from the others without colour."""

    colour: str
    linestyle: str
    marker: str


_LINE_COLOURS = ("blue", "orange", "green", "red", "magenta", "brown", "sky", "grey")
_LINE_MARKERS = "os^Dv*Xp"


def line_look(index: int) -> Look:
    """Look of one line of many: no two of 32 are alike, no two of 8 in grey."""
    repeat, place = divmod(index, len(_LINE_COLOURS))
    linestyle = ("-", "--", ":", "-.")[(place + repeat) % 4]
    return Look(COLOURS[_LINE_COLOURS[place]], linestyle, _LINE_MARKERS[place])


def text_width(text: str, size: float) -> float:
    """Width of a line of text, in inches."""
    if not text.strip():
        return 0
    return TextPath((0, 0), text, size=size).get_extents().width / 72


def fold(text: str, room: float) -> str:
    """A label in lines no wider than so many inches, broken at spaces and after commas.

    Not within mathematics; of a long word there are parts that fit.
    """
    lines = [""]
    for word in re.findall(r"(?:\$[^$]*\$|[^,\s$]){1,20}[,\s]*|[,\s$]+", text):
        if text_width(lines[-1] + word, 8) <= room:
            lines[-1] += word
        else:
            lines.append(word)
    return "\n".join(line.strip() for line in lines).strip()


def set_y_label(ax: Axes, label: str, height: float) -> None:
    """Label the y axis of a panel that has so many inches with its heading, ticks and x label."""
    room = height - 0.5
    ax.set_ylabel("\n".join(fold(line, room) for line in label.split("\n")))


def row_heading(rows: list[dict], index: int, room: float = TEXT_WIDTH - 0.6) -> str:
    """Label of a figure row, with the paper's letter A, B, C if there are several.

    If a label is wider than `room` inches, each has its data set in a line of its own.
    """
    letter = rf"$\bf{{{chr(ord('A') + index)}}}$  " if len(rows) > 1 else ""
    label = rows[index]["label"]
    room -= 0.2 * bool(letter)
    if max(text_width(row["label"], 8) for row in rows) > room:
        label = "\n".join(fold(part, room) for part in label.split(", ", 1))
    return (letter + label).rstrip()


def grow(figure: Figure, lines: int) -> None:
    """Make a figure higher by some lines of headings."""
    figure.set_figheight(figure.get_figheight() + LINE_HEIGHT * lines)


def head_row(first: Axes, heading: str, above: bool = False) -> None:
    """Write a row's heading over its panels, from the left edge of the first.

    The figure grows by the lines that it has more than one.

    Parameters
    ----------
    above : whether the panels have titles or legends, a line high, which it has to stand above
    """
    grow(first.figure, heading.count("\n"))
    # A blank title makes the room: matplotlib makes some for a title's middle too, which of a long
    # one lies beside the panel. It has a fixed place, or the panel's own title would rise with it.
    first.set_title("\n".join([" "] * (heading.count("\n") + 1 + above)), loc="left", y=1)
    first.annotate(
        heading,
        (0, 1),
        (0, rcParams["axes.titlepad"] + above * LINE_HEIGHT * 72),
        xycoords="axes fraction",
        textcoords="offset points",
        va="baseline",
        in_layout=False,
    )


def explain_if_empty(panels: Iterable[Axes], name: str, place: str) -> None:
    """Write into panels that show no point why they are empty. To be called once they have a scale.

    Parameters
    ----------
    name : of the measure, such as "NC1"; place : what the x axis counts, such as "layer"
    """
    style = {"ha": "center", "va": "center", "color": COLOURS["grey"]}
    for ax in panels:
        if reason := _why_empty(ax, name, place):
            ax.text(0.5, 0.5, reason, transform=ax.transAxes, **style)
            sharing = ax.get_shared_y_axes().get_siblings(ax)
            if all(_why_empty(each, name, place) for each in sharing):
                ax.set_yticks([])
                ax.set_yticks([], minor=True)


def _why_empty(ax: Axes, name: str, place: str) -> str:
    values = np.concatenate([[], *(line.get_ydata() for line in ax.lines)])
    values = values[np.isfinite(values)]
    if not len(values):
        return "no values"
    if ax.get_yscale() == "log" and values.max() <= 0:
        return f"{name} is {'not positive' if values.any() else '0'}\nat every {place}"
    return ""


def make_panels(count: int, height: float) -> tuple[Figure, list[Axes]]:
    """A figure of panels side by side, up to three in a line, that share their axes.

    Parameters
    ----------
    count : of panels
    height : of a line of panels, in inches
    """
    columns = count if count < 4 else 2 if count == 4 else 3
    lines = math.ceil(count / columns)
    figure = Figure(figsize=(TEXT_WIDTH, height * lines + 0.3))
    grid = figure.subplots(lines, columns, sharex=True, sharey=True, squeeze=False)
    for index, ax in enumerate(grid.flat):
        ax.set_visible(index < count)
        if index + columns >= count:  # nothing below it
            ax.tick_params(labelbottom=True)
    return figure, list(grid.flat[:count])


def label_panels(panels: Sequence[Axes], rows: list[dict], x_label: str, y_label: str) -> None:
    """Title each panel of `make_panels` with its row, and label the axes at the edges."""
    grid = panels[0].get_gridspec()
    columns = grid.ncols
    height = panels[0].figure.get_figheight() / grid.nrows
    headings = [row_heading(rows, index, TEXT_WIDTH / columns - 0.4) for index in range(len(rows))]
    # Two lines have room as it is.
    grow(panels[0].figure, grid.nrows * max(0, max(each.count("\n") for each in headings) - 1))
    for index, (ax, heading) in enumerate(zip(panels, headings, strict=True)):
        ax.set_title(heading, linespacing=1)
        if index % columns == 0:
            set_y_label(ax, y_label, height)
        if index + columns >= len(panels):
            ax.set_xlabel(x_label)


def draw_series(
    ax: Axes,
    frame: pd.DataFrame,
    x: str,
    value: str,
    look: Look,
    doubtful_from: float = math.inf,
) -> None:
    """Draw the mean over seeds of `value` against `x`, with its band.

    Points at and after `doubtful_from` are drawn lighter, joined to the last one before.
    """
    summary = summarise(frame, [x], value)
    trusted = int((summary[x] < doubtful_from).sum())
    if trusted > 0:
        _draw_part(ax, summary[:trusted], x, look, strength=1.0)
    if trusted < len(summary):
        _draw_part(ax, summary[max(trusted - 1, 0) :], x, look, strength=0.35)


def _draw_part(ax: Axes, summary: pd.DataFrame, x: str, look: Look, strength: float) -> None:
    _draw_band(ax, summary, x, look, strength)
    ax.plot(
        summary[x],
        summary["mean"],
        color=look.colour,
        linestyle=look.linestyle,
        marker=look.marker,
        markevery=1 if len(summary) <= 20 else len(summary) // 8,
        alpha=strength,
    )


def _draw_band(ax: Axes, summary: pd.DataFrame, x: str, look: Look, strength: float) -> None:
    ax.fill_between(
        summary[x],
        summary["lower"],
        summary["upper"],
        facecolor=(look.colour, 0.1 * strength),
        edgecolor=(look.colour, 0.3 * strength),
        linewidth=0.3,
    )


def draw_points(ax: Axes, summary: pd.DataFrame, x: str, look: Look, joined: bool) -> None:
    """Draw points of `summarise` one by one, hollow where they are doubtful.

    Points that are joined lie on a line with a band, lighter next to doubtful ones; others have
    error bars.

    Parameters
    ----------
    summary : table with `x`, mean, lower, upper, doubtful (bool)
    """
    doubtful = summary["doubtful"]
    if joined:
        _draw_band(ax, summary, x, look, strength=1.0)
    else:
        ax.vlines(summary[x], summary["lower"], summary["upper"], color=look.colour, linewidth=0.8)
    style = {"color": look.colour, "linestyle": look.linestyle if joined else "None"}
    ax.plot(summary[x], summary["mean"].mask(doubtful), marker=look.marker, **style)
    if doubtful.any():
        ax.plot(
            summary.loc[doubtful, x],
            summary.loc[doubtful, "mean"],
            color=look.colour,
            linestyle="None",
            marker=look.marker,
            markerfacecolor="white",
            markeredgewidth=0.7,
        )
        if joined:
            ax.plot(summary[x], summary["mean"], **style, alpha=0.35, zorder=1.9)


def add_legend(
    figure: Figure, looks: dict[str, Look], doubt: str = "", lines: int = 1, hollow: bool = False
) -> None:
    """One legend for the whole figure, in one or more lines above the panels.

    The figure grows by the lines that it takes more than `lines`, if the labels are long.

    Parameters
    ----------
    doubt : what the legend says of what is drawn lighter, or hollow; nothing if empty
    """
    handles = _handles({fold(label, TEXT_WIDTH - 0.6): look for label, look in looks.items()})
    if doubt:
        word, mark = "lighter", {"alpha": 0.35}
        if hollow:
            word, mark = "hollow", {"linestyle": "None", "marker": "o", "markerfacecolor": "white"}
        handles.append(Line2D([], [], color=COLOURS["grey"], label=f"{word}: {doubt}", **mark))
    if handles:
        added = _add_fitting_legend(figure, handles, lines)
        figure.set_figheight(figure.get_figheight() + added)


def add_panel_legend(ax: Axes, looks: dict[str, Look]) -> None:
    """A legend of one panel alone, in a line above it."""
    ax.legend(
        handles=_handles(looks),
        loc="lower center",
        bbox_to_anchor=(0.5, 1),
        ncols=len(looks),
        fontsize=7,
        handlelength=1.2,
        handletextpad=0.3,
        columnspacing=0.7,
    )


def _handles(looks: dict[str, Look]) -> list[Line2D]:
    return [
        Line2D([], [], color=look.colour, linestyle=look.linestyle, marker=look.marker, label=label)
        for label, look in looks.items()
    ]


def add_legend_again(figure: Figure) -> None:
    """Arrange the legend of a figure anew, after a change of its width."""
    for legend in list(figure.legends):
        legend.remove()
        _add_fitting_legend(figure, legend.legend_handles, lines=1)


def _add_fitting_legend(figure: Figure, handles: list, lines: int) -> float:
    """A legend in so many lines or as many more as it needs; the height of these, in inches."""
    planned = None
    while True:
        columns = math.ceil(len(handles) / lines)
        legend = figure.legend(handles=handles, loc="outside upper center", ncols=columns)
        extent = legend.get_window_extent()
        planned = planned or extent.height
        if extent.width <= figure.bbox.width - 2 * MARGIN * figure.dpi or columns == 1:
            return (extent.height - planned) / figure.dpi
        legend.remove()
        lines += 1


def spans_decade(values: Iterable[float]) -> bool:
    """Whether the largest positive value is at least ten times the smallest."""
    positive = [value for value in values if value > 0 and math.isfinite(value)]
    return bool(positive) and max(positive) >= 10 * min(positive)


def use_measure_axis(ax: Axes, measure: str, values: Iterable[float]) -> None:
    """The y axis of a measure: logarithmic where it falls over decades, NC2 and NFA as the paper's.

    To be called once the data are drawn, on one of the axes that share a scale.

    Parameters
    ----------
    values : all that are drawn
    """
    if is_logarithmic(measure) and spans_decade(values):
        use_log_scale(ax)
    elif is_correlation(measure):
        sharing = ax.get_shared_y_axes().get_siblings(ax)
        ax.set_ylim(min(0, *(each.dataLim.y0 for each in sharing)), 1)
    elif is_distance(measure):
        ax.set_ylim(bottom=0)


def use_log_scale(ax: Axes) -> None:
    """Make the y axis logarithmic, with at least two and at most six labelled decades.

    To be called once the data are drawn, on one of the axes that share a scale.
    """
    sharing = ax.get_shared_y_axes().get_siblings(ax)
    if not any(math.isfinite(each.dataLim.minposy) for each in sharing):
        ax.set_ylim(0.1, 1)  # nothing positive to show, as after a run that diverged
    ax.set_yscale("log")
    low, high = np.log10(ax.get_ylim())
    if math.floor(high) - math.ceil(low) < 1:
        # A little more than whole decades, so that a marker on the last one is not cut.
        low, high = math.floor(low) - 0.06, math.ceil(high) + 0.06
        ax.set_ylim(10.0**low, 10.0**high)
    inside = range(math.ceil(low), math.floor(high) + 1)
    stride = math.ceil(len(inside) / 6)
    labelled = [power for power in inside if power % stride == 0]
    if stride == 1:
        powers = range(math.floor(low), math.ceil(high))
        minor = [step * 10.0**power for power in powers for step in range(2, 10)]
    else:
        minor = [10.0**power for power in inside if power not in labelled]
    ax.yaxis.set_major_locator(FixedLocator([10.0**power for power in labelled]))
    ax.yaxis.set_minor_locator(FixedLocator(minor))
    ax.yaxis.set_minor_formatter(NullFormatter())


def use_layer_axis(ax: Axes, layers: Collection[int]) -> None:
    """Tick every layer of a few, else 1, 5, 10, 15, ..."""
    depth = max(layers)
    ax.set_xticks(range(1, depth + 1) if depth <= 10 else [1, *range(5, depth + 1, 5)])


def use_epoch_axis(ax: Axes, epochs: Collection[int], intervals: int = 2) -> None:
    """Tick round epochs, such as 0, 250 and 500, with at most so many intervals between them."""
    first, last = min(epochs), max(epochs)
    round_epochs = MaxNLocator(intervals, steps=[1, 1.25, 1.5, 2, 2.5, 3, 4, 5, 10], integer=True)
    ticks = round_epochs.tick_values(first, last)
    ax.set_xticks(ticks[(ticks >= first) & (ticks <= last)])


def use_swept_axis(ax: Axes, values: Collection[float]) -> None:
    """The x axis of a swept number, ticked at its values if these are few.

    Logarithmic where positive values span a decade; zero then stands to the left of them. Of labels
    that would touch, the later one is left out. To be called once the data are drawn.
    """
    values = sorted(set(values))
    if spans_decade(values):
        least = min(value for value in values if value > 0)
        if values[0] > 0:
            ax.set_xscale("log")
        else:
            ax.set_xscale("symlog", linthresh=least)
    if len(values) > 8:
        return
    ax.set_xticks(values)
    ax.xaxis.set_minor_locator(NullLocator())
    labels = number_labels(values)
    places = (ax.transScale + ax.transLimits).transform([(value, 1) for value in values])[:, 0]
    room = TEXT_WIDTH / ax.get_gridspec().ncols - 0.6  # inches, about
    end = -math.inf
    for index, (place, label) in enumerate(zip(places * room, labels, strict=True)):
        width = text_width(label, 7)
        if place - width / 2 < end + 0.04:
            labels[index] = ""
        else:
            end = place + width / 2
    ax.set_xticklabels(labels)


def use_category_axis(panels: Sequence[Axes], names: Sequence[str]) -> None:
    """The x axis of a swept word, which the panels share: a place for each.

    Words that would touch are slanted, and the figure grows by their height.
    """
    first = panels[0]
    room = (TEXT_WIDTH / first.get_gridspec().ncols - 0.6) / len(names)
    widest = max(text_width(name, 7) for name in names)
    first.set_xticks(range(len(names)), names)
    first.set_xlim(-0.5, len(names) - 0.5)
    if widest > room:
        for label in (label for ax in panels for label in ax.get_xticklabels()):
            label.set(rotation=25, ha="right", rotation_mode="anchor")
        added = widest * math.sin(math.radians(25))
        first.figure.set_figheight(first.figure.get_figheight() + added)


def use_layer_names(ax: Axes, names: Sequence[str]) -> None:
    """The x axis of layers by their names; of many every second, third, ... has its name.

    Names that would touch are upright, and the figure grows by their height.
    """
    room, widest = TEXT_WIDTH - 0.8, max(text_width(name, 7) for name in names)
    every = math.ceil(0.12 * len(names) / room)
    upright = widest > room / len(names) - 0.1
    ax.set_xticks(range(0, len(names), every), names[::every], rotation=90 * upright)
    ax.set_xlim(-0.5, len(names) - 0.5)
    if upright:
        grow(ax.figure, math.ceil(widest / LINE_HEIGHT))


def number_labels(values: Collection[float]) -> list[str]:
    """Numbers as people write them; all with powers of ten if some are very small or large."""
    if all(value == 0 or 1e-3 <= abs(value) < 1e5 for value in values):
        return [f"{value:g}" for value in values]
    return [_scientific(value) if value else "0" for value in values]


def _scientific(value: float) -> str:
    digits, exponent = f"{value:.5e}".split("e")
    digits = f"{float(digits):g}"
    factor = "" if digits == "1" else rf"{digits}\times"
    return f"${factor}10^{{{int(exponent)}}}$"
