"""The common look of the figures: rows and their labels, series with bands, axes, footer, files."""

import math
import textwrap
from collections.abc import Collection
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

import matplotlib.style
import numpy as np
import pandas as pd
import seaborn
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, MaxNLocator, NullFormatter

from ..files.atomic import atomic
from ..plan.catalogue import NAMES
from ..rows.nfa_summary import FITTED_LOSS

TEXT_WIDTH = 5.5  # inches
NC1_LABEL = r"tr$(\Sigma_W)$ / tr$(\Sigma_B)$"
NC2_LABEL = r"$\|\bar{\mu}^{\!\top}\!\bar{\mu} - \Sigma_{\mathrm{ETF}}\|$"

# A colour-blind-safe palette by the names of the paper's colours, but a yellow that shows on white.
_HUES = ("blue", "orange", "green", "red", "magenta")
COLOURS = dict(zip(_HUES, seaborn.color_palette("colorblind").as_hex(), strict=False))
COLOURS |= {"yellow": "#BFAE00", "grey": "#777777"}
RUN_COLUMNS = ("dataset", "model", "kernel", "feature_map", "projection")


@dataclass(frozen=True)
class Look:
    """How a series is drawn. Line style and marker tell it from the others without colour."""

    colour: str
    linestyle: str
    marker: str


def use_style() -> AbstractContextManager:
    """Context, and decorator, in which matplotlib has its defaults but for paper.mplstyle."""
    return matplotlib.style.context(Path(__file__).with_name("paper.mplstyle"), after_reset=True)


def select(frame: pd.DataFrame, row: dict) -> pd.DataFrame:
    """The part of a table whose columns have the values of `row`, which must be one run's.

    Raises
    ------
    ValueError : when there is none, or when it mixes data sets, models, kernels, feature maps or
        projections.
    """
    chosen = frame
    for column, value in row.items():
        chosen = chosen[chosen[column] == value]
    if chosen.empty:
        there = frame[list(row)].drop_duplicates().to_dict("records")
        raise ValueError(f"the table has nothing for the figure row {row}; it has {there}")
    for column in RUN_COLUMNS:
        if column in chosen and chosen[column].nunique() > 1:
            values = sorted(chosen[column].unique())
            raise ValueError(f"the figure row {row} mixes several values of {column}: {values}")
    return chosen


def row_label(row: dict) -> str:
    """Name of a figure row for readers, such as "MNIST, Gaussian, ReLU" or "CIFAR-10, ResNet18".

    Unknown names stay as they are; the AGOP projection, being the rule, is not mentioned.
    """
    parts = [row[column] for column in RUN_COLUMNS if row.get(column, "agop") != "agop"]
    return ", ".join(NAMES.get(part, part) for part in parts)


def row_heading(rows: list[dict], index: int) -> str:
    """Label of a figure row in two lines, with the paper's letter A, B, C if there are several."""
    letter = rf"$\bf{{{chr(ord('A') + index)}}}$  " if len(rows) > 1 else ""
    return letter + row_label(rows[index]).replace(", ", "\n", 1)


def summarise(frame: pd.DataFrame, by: list[str], value: str) -> pd.DataFrame:
    """Mean over seeds and the error band of the paper: one standard deviation (ddof = 1) each way.

    The lower end is no lower than 0.01 times the mean (Appendix D), so that it has a place on a
    logarithmic axis; a mean that is not positive leaves it as it is.

    Parameters
    ----------
    frame : long-form table, one row per seed and combination of `by`
    by : columns that tell the points of the curve apart
    value : column to summarise; a missing value makes its point missing

    Returns
    -------
    Table sorted by `by`, with columns `by`, mean, lower, upper. One seed has a band of no width.
    """
    groups = frame.groupby(by, sort=True)[value]
    mean = groups.mean(skipna=False)
    sd = groups.std(ddof=1).fillna(0)
    lower = (mean - sd).where(mean <= 0, np.maximum(mean - sd, 0.01 * mean))
    return pd.DataFrame({"mean": mean, "lower": lower, "upper": mean + sd}).reset_index()


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
    ax.fill_between(
        summary[x],
        summary["lower"],
        summary["upper"],
        facecolor=(look.colour, 0.1 * strength),
        edgecolor=(look.colour, 0.3 * strength),
        linewidth=0.3,
    )
    ax.plot(
        summary[x],
        summary["mean"],
        color=look.colour,
        linestyle=look.linestyle,
        marker=look.marker,
        markevery=1 if len(summary) <= 20 else len(summary) // 8,
        alpha=strength,
    )


def first_doubtful_layer(deep_rfm: pd.DataFrame) -> float:
    """First layer that is not valid in some seed; infinity when all are."""
    doubtful = deep_rfm.loc[~deep_rfm["valid"].astype(bool), "layer"]
    return doubtful.min() if len(doubtful) else math.inf


def unfitted_rows(network_training: pd.DataFrame, rows: list[dict]) -> list[str]:
    """Labels of the figure rows of which a seed ends with a train loss above 0.05, or undefined."""
    labels = []
    for row in rows:
        final = select(network_training, row).sort_values("epoch").groupby("seed").tail(1)
        if not (final["train_loss"] <= FITTED_LOSS).all():
            labels.append(row_label(row))
    return labels


def doubtful_note(deep_rfm: pd.DataFrame, rows: list[dict]) -> str:
    """End of a footer: from which layer each figure row is not to be trusted; empty if all are."""
    firsts = {}
    for row in rows:
        run = deep_rfm[(deep_rfm[list(row)] == pd.Series(row)).all(axis=1)]
        if (first := first_doubtful_layer(run)) < math.inf:
            firsts[row_label(row)] = first
    notes = "; ".join(f"{label} from layer {first}" for label, first in firsts.items())
    return f". Not to be trusted (ill-conditioned solve): {notes}" if notes else ""


def unfitted_legend(rows: list[dict], unfitted: Collection[str]) -> str:
    """What a legend says of the figure rows drawn lighter; empty if none of them is unfitted."""
    shown = {row_label(row) for row in rows}
    return f"train loss above {FITTED_LOSS}" if shown & set(unfitted) else ""


def unfitted_note(unfitted: Collection[str]) -> str:
    """End of a footer: the rows of `unfitted_rows` by name; empty if there are none."""
    if not unfitted:
        return ""
    return f". Not fitted (train loss above {FITTED_LOSS}): {'; '.join(unfitted)}"


def add_legend(fig: Figure, looks: dict[str, Look], doubt: str = "", lines: int = 1) -> None:
    """One legend for the whole figure, in one or more lines above the panels.

    Unless it is empty, `doubt` is what the legend says of what is drawn lighter.
    """
    handles = [
        Line2D([], [], color=look.colour, linestyle=look.linestyle, marker=look.marker, label=label)
        for label, look in looks.items()
    ]
    if doubt:
        handles.append(Line2D([], [], color=COLOURS["grey"], alpha=0.35, label=f"lighter: {doubt}"))
    columns = math.ceil(len(handles) / lines)
    fig.legend(handles=handles, loc="outside upper center", ncols=columns)


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
        low, high = math.floor(low), math.ceil(high)
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


def use_epoch_axis(ax: Axes, epochs: Collection[int]) -> None:
    """Tick two or three round epochs, such as 0, 250 and 500."""
    first, last = min(epochs), max(epochs)
    round_epochs = MaxNLocator(2, steps=[1, 1.25, 1.5, 2, 2.5, 3, 4, 5, 10], integer=True)
    ticks = round_epochs.tick_values(first, last)
    ax.set_xticks(ticks[(ticks >= first) & (ticks <= last)])


def add_footer(fig: Figure, text: str) -> None:
    """Put small grey text below everything else, in lines no wider than the figure.

    The figure grows by the height of the text; its panels keep their size. To be called once, last.
    """
    with use_style():
        margin = 0.04  # inches
        width, height = fig.get_size_inches()
        room = (width - 2 * margin) * fig.dpi
        footer = fig.text(
            margin / width,
            0,
            text,
            fontsize=6,
            color=COLOURS["grey"],
            va="bottom",
            in_layout=False,
            parse_math=False,
        )
        extent = footer.get_window_extent()
        characters = int(1.2 * len(text) * room / extent.width) + 1  # more than fit in a line
        while extent.width > room:
            characters -= 1
            footer.set_text(textwrap.fill(text, characters))
            extent = footer.get_window_extent()
        added = extent.height / fig.dpi + 2 * margin
        fig.set_size_inches(width, height + added)
        footer.set_y(margin / (height + added))
        bottom = added / (height + added)
        fig.get_layout_engine().set(rect=(0, bottom, 1, 1 - bottom))


def save(fig: Figure, pdf_path: Path, png_path: Path) -> None:
    """Write a figure as PDF and as PNG (200 dpi), with the same bytes each time."""
    outputs = (
        (pdf_path, "pdf", {"CreationDate": None, "Creator": None, "Producer": None}),
        (png_path, "png", {"Software": None}),
    )
    for path, kind, metadata in outputs:
        with atomic(path) as partial, use_style():
            fig.savefig(partial, format=kind, metadata=metadata)
