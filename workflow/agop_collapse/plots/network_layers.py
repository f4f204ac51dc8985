"""Collapse and the neural feature ansatz at the named layers of any network."""

import pandas as pd
from matplotlib.figure import Figure

from . import trust
from .axes import (
    COLOURS,
    TEXT_WIDTH,
    Look,
    add_legend,
    draw_series,
    explain_if_empty,
    fold,
    line_look,
    use_layer_names,
    use_measure_axis,
)
from .measures import measure_label, short_name
from .overlay import shared_heading
from .save import use_style
from .select import only_run, select_part, select_run

PANEL_HEIGHT = 1.3  # inches
STAGED = {"nc1": True, "nc2": True, "nfa": False}
BASELINE = ("with an untrained network's AGOP", Look(COLOURS["grey"], ":", "None"))

note = trust.note


@use_style()
def draw(tables: dict[str, pd.DataFrame], rows: list[dict], stage: str = "right") -> Figure:
    """NC1, NC2 and the NFA, from top to bottom, against the layers by their names.

    A line for each row; networks with other layers have places of their own. The NFA stands beside
    what it is with the AGOP of the same layer of an untrained network. Networks of which a seed has
    not fitted its data are drawn lighter.

    Parameters
    ----------
    tables : network_layers
    rows : the lines, each of one run, in the legend's order
    stage : of NC1 and NC2: input, right or full

    Raises
    ------
    ValueError : when a row is not one run, or the table lacks it or its stage.
    """
    runs = [select_run(tables, "network_layers", only_run(row)) for row in rows]
    in_order = [run.sort_values("layer")["layer_name"] for run in runs]
    names = list(dict.fromkeys(name for each in in_order for name in each))
    fig = Figure(figsize=(TEXT_WIDTH, PANEL_HEIGHT * len(STAGED) + 0.3))
    panels = fig.subplots(len(STAGED), 1, sharex=True)
    for index, (row, run) in enumerate(zip(rows, runs, strict=True)):
        points = run.assign(place=run["layer_name"].map(names.index))
        of_stage = select_part(points, "stage", stage)
        of_layer = points.drop_duplicates(["seed", "layer"])
        doubtful_from = trust.doubtful_from(tables, only_run(row))
        _, grey = BASELINE
        draw_series(panels[-1], of_layer, "place", "nfa_independent", grey, doubtful_from)
        for ax, (measure, staged) in zip(panels, STAGED.items(), strict=True):
            drawn = of_stage if staged else of_layer
            draw_series(ax, drawn, "place", measure, line_look(index), doubtful_from)
    for ax, (measure, staged) in zip(panels, STAGED.items(), strict=True):
        use_measure_axis(ax, measure, pd.concat(runs)[measure])
        ax.set_ylabel(measure_label(measure, stage if staged else None))
        explain_if_empty([ax], short_name(measure), "layer")
    panels[-1].set_ylim(top=1.04)  # of a readout it is near 1
    use_layer_names(panels[-1], names)
    panels[-1].set_xlabel("Layer")
    fig.align_ylabels()
    heading, labels = shared_heading([row["label"] for row in rows])
    panels[0].set_title(fold(heading, TEXT_WIDTH - 0.6))
    looks = {label: line_look(index) for index, label in enumerate(labels) if label}
    add_legend(fig, looks | dict([BASELINE]), trust.doubt(tables, rows))
    return fig
