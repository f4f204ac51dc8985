"""A measure against a setting, over the runs of a sweep."""

from dataclasses import replace

import pandas as pd
from matplotlib.figure import Figure

from . import trust
from .axes import (
    add_legend,
    draw_points,
    explain_if_empty,
    label_panels,
    line_look,
    make_panels,
    use_category_axis,
    use_measure_axis,
    use_swept_axis,
)
from .measures import measure_label, short_name
from .save import use_style
from .select import select_measure, summarise

PANEL_HEIGHTS = {1: 2.1, 2: 1.7, 3: 1.5}  # inches, by the number of panels side by side


@use_style()
def draw(
    tables: dict[str, pd.DataFrame],
    rows: list[dict],
    table: str,
    y: str,
    x_label: str,
    stage: str | None = None,
    layer: int | str = "last",
    epoch: int | str = "last",
) -> Figure:
    """One measure against one setting: a panel for each row, a point for each run.

    A number gives a line with a band, on a logarithmic axis if its positive values span a decade; a
    word gives points with error bars. Hollow points are not to be trusted.

    Parameters
    ----------
    tables : `table`, and for the verdict network_training of networks, network_layers of
        one's own, deep_rfm of Deep RFM
    rows : panels, from left to right; the runs of each carry `x`, the value of the setting (number
        or text), and `line`, the name of the line that they are points of
    table : name of the table with the measure
    y : column of the measure
    x_label : what the setting is called
    stage : value of the column `stage`; None where the measure is the same at each stage
    layer, epoch : where to measure; "last" is each run's own last

    Raises
    ------
    ValueError : when there is no such run, measure, stage, layer or epoch, or when two runs would
        be the same point.
    """
    points = _measure(tables, rows, table, y, {"stage": stage, "layer": layer, "epoch": epoch})
    names = None
    if not pd.api.types.is_numeric_dtype(points["x"]):
        names = list(points["x"].unique())
        points["x"] = points["x"].map(names.index)
    lines = list(points["line"].unique())
    looks = {line: line_look(index) for index, line in enumerate(lines)}
    if names is not None:
        looks = {line: replace(look, linestyle="None") for line, look in looks.items()}
    fig, panels = make_panels(len(rows), PANEL_HEIGHTS[min(len(rows), 3)])
    for (index, line), part in points.groupby(["row", "line"], sort=False):
        summary = summarise(part, ["x"], y)
        summary["doubtful"] = part.groupby("x")["doubtful"].any().to_numpy()
        if names is not None:
            summary["x"] += _shift(line, list(points.loc[points["row"] == index, "line"].unique()))
        joined = names is None and len(summary) > 1
        draw_points(panels[index], summary, "x", looks[line], joined)
    if names is None:
        use_swept_axis(panels[0], points["x"])
    else:
        use_category_axis(panels, names)
    use_measure_axis(panels[0], y, points.groupby(["row", "line", "x"])[y].mean())
    explain_if_empty(panels, short_name(y), "point")
    places = {"layer": layer, "epoch": epoch}
    where = {name: place for name, place in places.items() if name in tables[table]}
    label_panels(panels, rows, x_label, measure_label(y, stage, **where))
    doubt = trust.doubt(tables, rows) if points["doubtful"].any() else ""
    named = {line: look for line, look in looks.items() if line}
    add_legend(fig, named, doubt, hollow=True)
    return fig


def _shift(line: str, lines: list[str]) -> float:
    """Where beside its word a line's point goes, so that no two points hide each other."""
    return min(0.15, 0.6 / len(lines)) * (lines.index(line) - (len(lines) - 1) / 2)


def _measure(
    tables: dict[str, pd.DataFrame], rows: list[dict], table: str, y: str, places: dict
) -> pd.DataFrame:
    """All points of the figure: row (its number), line, x, seed, doubtful, and the measure."""
    parts = []
    seen = {}
    words = any(_is_word(run["x"]) for row in rows for run in row["runs"])
    for index, row in enumerate(rows):
        for run in row["runs"]:
            point = (index, run.get("line", ""), str(run["x"]) if words else run["x"])
            if point in seen:
                raise ValueError(
                    f"the runs {seen[point]} and {run['run']} of the figure row {row['label']!r} "
                    f"are both the point {run['x']} of the line {point[1]!r}"
                )
            seen[point] = run["run"]
            measured = select_measure(tables, table, run, y, **places)
            doubtful_from = trust.doubtful_from(tables, run)
            parts.append(
                measured[["seed", y]].assign(
                    **dict(zip(("row", "line", "x"), point, strict=True)),
                    doubtful=trust.layers_read(measured) >= doubtful_from,
                )
            )
    return pd.concat(parts, ignore_index=True)


def note(tables: dict[str, pd.DataFrame], rows: list[dict]) -> str:
    """End of a footer: which runs of the sweep are not to be trusted, by line and value."""
    groups: dict[tuple, dict] = {}
    for row in rows:
        for run in row["runs"]:
            first = trust.doubtful_from(tables, run)
            name = ", ".join(filter(None, [row["label"], run.get("line", "")]))
            group = groups.setdefault((name, first), {"label": name, "runs": [], "values": []})
            group["runs"].append(run)
            group["values"].append(run["x"])
    for group in groups.values():
        values = group["values"]
        words = any(_is_word(value) for value in values)
        labels = map(str, values) if words else [f"{value:g}" for value in values]
        group["label"] = f"{group['label']} at {', '.join(labels)}".lstrip()
    return trust.note(tables, list(groups.values()))


def _is_word(value: object) -> bool:
    return isinstance(value, bool) or not isinstance(value, int | float)
