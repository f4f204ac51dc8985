"""Captions of figures of any measure: against a setting, or of several runs in one panel."""

from ...plots import trust
from ...plots.measures import STAGE_LABELS, short_name
from ...plots.select import only_run, select_measure
from ..plain import number, plain
from .caption import Caption, Row, Tables, by_row, caption, from_to, seeds_of


def sweep(
    tables: Tables,
    rows: list[Row],
    table: str,
    y: str,
    x_label: str,
    stage: str | None = None,
    layer: int | str = "last",
    epoch: int | str = "last",
) -> Caption:
    """The least and the largest value of a measure, of the points that are to be trusted."""
    points, doubtful = [], 0
    for row in rows:
        for run in row["runs"]:
            measured = select_measure(tables, table, run, y, stage, layer=layer, epoch=epoch)
            if (trust.layers_read(measured) >= trust.doubtful_from(tables, run)).any():
                doubtful += 1
                continue
            value = measured[y].mean(skipna=False)
            x = run["x"] if isinstance(run["x"], str | bool) else f"{run['x']:g}"
            named = [row["label"], run.get("line", ""), f"{x_label} {x}"]
            points.append((value, ", ".join(plain(part) for part in named if part)))
    points = [point for point in points if point[0] == point[0]]
    numbers = "No point is to be trusted"
    if points:
        (low, low_at), (high, high_at) = min(points), max(points)
        numbers = f"The least is {number(low)} ({low_at}), the largest {number(high)} ({high_at})"
        if doubtful:
            numbers += f", of the points that are to be trusted, all but {doubtful}"
    what = _measured(y, stage)
    return caption(
        f"{what} against {plain(x_label)}; {seeds_of(tables, table, rows)}",
        f"Panels of {what} against {plain(x_label)}, a line for each "
        "group of runs; hollow points are not to be trusted",
        numbers,
    )


def overlay(
    tables: Tables,
    rows: list[Row],
    table: str,
    y: str,
    x: str = "layer",
    stage: str | None = None,
    layer: int | str = "last",
    epoch: int | str = "last",
) -> Caption:
    """A measure at both ends of each line, as far as that is to be trusted."""
    places = {name: place for name, place in (("layer", layer), ("epoch", epoch)) if name != x}

    def tell(row: Row) -> str:
        run = only_run(row)
        points = select_measure(tables, table, run, y, stage, **places)
        doubtful_from = trust.doubtful_from(tables, run)
        sound = points[trust.layers_read(points) < doubtful_from]
        if sound.empty:
            return "not to be trusted"
        # Of an epoch that only some seeds have reached there is no mean over all.
        ends = [sound[x].min(), sound[x].max()]
        values = [sound.loc[sound[x] == end, y].mean(skipna=False) for end in ends]
        return f"{from_to(*values)} from {x} {ends[0]} to {ends[1]}"

    what = _measured(y, stage)
    return caption(
        f"{what} against the {x}; {seeds_of(tables, table, rows)}",
        f"One panel of {what} against the {x}, a line for each run",
        by_row(rows, tell),
    )


def _measured(y: str, stage: str | None) -> str:
    of = f" of {plain(STAGE_LABELS.get(stage, stage))}" if stage else ""
    return f"{plain(short_name(y))}{of}"
