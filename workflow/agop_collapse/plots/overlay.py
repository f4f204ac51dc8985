"""A measure of several runs in one panel, against the layer or the epoch."""

import pandas as pd
from matplotlib.figure import Figure

from . import trust
from .axes import (
    TEXT_WIDTH,
    add_legend,
    draw_series,
    explain_if_empty,
    fold,
    line_look,
    set_y_label,
    use_epoch_axis,
    use_layer_axis,
    use_measure_axis,
)
from .measures import measure_label, short_name
from .save import use_style
from .select import only_run, select_measure

HEIGHT = 2.5  # inches

note = trust.note


@use_style()
def draw(
    tables: dict[str, pd.DataFrame],
    rows: list[dict],
    table: str,
    y: str,
    x: str = "layer",
    stage: str | None = None,
    layer: int | str = "last",
    epoch: int | str = "last",
) -> Figure:
    """One measure against layer or epoch, a line with its band for each row.

    What is not to be trusted is drawn lighter: layers of Deep RFM from the first that is not valid
    in some seed on, networks of which a seed has not fitted its data.

    Parameters
    ----------
    tables : `table`, and for the verdict network_training of networks, network_layers of
        one's own, deep_rfm of Deep RFM
    rows : the lines, each of one run, in the legend's order
    table : name of the table with the measure
    y : column of the measure
    x : "layer" or "epoch"
    stage : value of the column `stage`; None where the measure is the same at each stage
    layer : where to measure against the epoch; "last" is each run's own last
    epoch : when to measure against the layer; "last" is each seed's own last

    Raises
    ------
    ValueError : when a row is not one run, or there is no such run, measure, stage, layer or epoch.
    """
    places = {name: place for name, place in (("layer", layer), ("epoch", epoch)) if name != x}
    fig = Figure(figsize=(TEXT_WIDTH, HEIGHT))
    ax = fig.subplots()
    drawn = []
    for index, row in enumerate(rows):
        run = only_run(row)
        points = select_measure(tables, table, run, y, stage, **places)
        if x not in points:
            raise ValueError(f"the table {table} has no column {x}")
        doubtful_from = trust.doubtful_from(tables, run)
        if "applied_layer" in points:
            doubtful_from += 1  # layer l of the Gram matrices has the projections before l
        draw_series(ax, points, x, y, line_look(index), doubtful_from)
        drawn.append(points)
    points = pd.concat(drawn)
    if x == "layer":
        use_layer_axis(ax, points["layer"])
        ax.set_xlabel("Layer of Deep RFM" if "kernel" in points else "Layer")
    else:
        use_epoch_axis(ax, points["epoch"], intervals=6)
        ax.set_xlabel("Epoch")
    use_measure_axis(ax, y, points.groupby(["study", "dataset", "run", x])[y].mean())
    where = {name: place for name, place in places.items() if name in points}
    set_y_label(ax, measure_label(y, stage, **where), HEIGHT)
    explain_if_empty([ax], short_name(y), x)
    heading, names = shared_heading([row["label"] for row in rows])
    ax.set_title(fold(heading, TEXT_WIDTH - 0.6))
    add_legend(
        fig,
        {name: line_look(index) for index, name in enumerate(names) if name},
        trust.doubt(tables, rows),
    )
    return fig


def shared_heading(labels: list[str]) -> tuple[str, list[str]]:
    """What all labels share, such as the data set, and of each what it has besides.

    Of one label that is all of it, and nothing.
    """
    parts = [label.split(", ") for label in labels]
    shared = [part for part in parts[0] if all(part in other for other in parts)]
    rests = [", ".join(part for part in each if part not in shared) for each in parts]
    if len(set(rests)) < len(labels) or (len(labels) > 1 and not all(rests)):
        return "", labels
    return ", ".join(shared), rests
