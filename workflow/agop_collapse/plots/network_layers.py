"""Collapse and the neural feature ansatz at the named layers of any network."""

from dataclasses import replace

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
from .select import only_run, select_last, select_part, select_run
from .shades import shades_of

PANEL_HEIGHT = 1.3  # inches
STAGED = {"nc1": True, "nc2": True, "nfa": False}
BASELINE = ("with an untrained network's AGOP", Look(COLOURS["grey"], ":", "None"))

note = trust.note


@use_style()
def draw(
    tables: dict[str, pd.DataFrame],
    rows: list[dict],
    stage: str = "right",
    epochs: list[int] | None = None,
) -> Figure:
    """NC1, NC2 and the NFA, from top to bottom, against the layers by their names.

    A line for each row, or for each of several epochs of one, in shades that grow darker; networks
    with other layers have places of their own. The NFA stands beside what it is, at the last of the
    epochs, with the AGOP of the same layer of an untrained network. Networks of which a seed has
    not fitted its data are drawn lighter.

    Parameters
    ----------
    tables : network_layers
    rows : each of one run, in the legend's order
    stage : of NC1 and NC2: input, right or full
    epochs : to show, in order, several of a single row only; None for each seed's last, and for the
        weights of networks that were trained elsewhere

    Raises
    ------
    ValueError : when a row is not one run, or the table lacks it, its stage or an epoch; on several
        rows and epochs at once.
    """
    if len(rows) > 1 and len(epochs or ()) > 1:
        raise ValueError(f"{len(rows)} rows at the epochs {epochs}: one of them must be one")
    runs = [select_run(tables, "network_layers", only_run(row)) for row in rows]
    in_order = [run.sort_values("layer")["layer_name"] for run in runs]
    names = list(dict.fromkeys(name for each in in_order for name in each))
    heading, labels = shared_heading([row["label"] for row in rows])
    looks = _looks(labels, epochs)
    fig = Figure(figsize=(TEXT_WIDTH, PANEL_HEIGHT * len(STAGED) + 0.3))
    panels = fig.subplots(len(STAGED), 1, sharex=True)
    drawn = []
    for row, run, of_epochs in zip(rows, runs, looks, strict=True):
        points = run.assign(place=run["layer_name"].map(names.index))
        doubtful_from = trust.doubtful_from(tables, only_run(row))
        at = {
            epoch: select_last(points, "epoch")
            if epoch is None
            else select_part(points, "epoch", epoch)
            for epoch in of_epochs
        }
        _, grey = BASELINE
        untrained = _of_layers(list(at.values())[-1])
        draw_series(panels[-1], untrained, "place", "nfa_independent", grey, doubtful_from)
        for epoch, (_, look) in of_epochs.items():
            of_stage = select_part(at[epoch], "stage", stage)
            for ax, (measure, staged) in zip(panels, STAGED.items(), strict=True):
                shown = of_stage if staged else _of_layers(at[epoch])
                draw_series(ax, shown, "place", measure, look, doubtful_from)
        drawn += at.values()
    for ax, (measure, staged) in zip(panels, STAGED.items(), strict=True):
        use_measure_axis(ax, measure, pd.concat(drawn)[measure])
        only = epochs[0] if len(epochs or ()) == 1 else None
        ax.set_ylabel(measure_label(measure, stage if staged else None, epoch=only))
        explain_if_empty([ax], short_name(measure), "layer")
    panels[-1].set_ylim(top=1.04)  # of a readout it is near 1
    use_layer_names(panels[-1], names)
    panels[-1].set_xlabel("Layer")
    fig.align_ylabels()
    panels[0].set_title(fold(heading, TEXT_WIDTH - 0.6))
    named = dict(look for of_epochs in looks for look in of_epochs.values() if look[0])
    add_legend(fig, named | dict([BASELINE]), trust.doubt(tables, rows))
    return fig


def _looks(labels: list[str], epochs: list[int] | None) -> list[dict[int | None, tuple[str, Look]]]:
    """Of each row, by epoch, what the legend calls its line, and how this is drawn."""
    if len(epochs or ()) < 2:
        (epoch,) = epochs or (None,)
        return [{epoch: (label, line_look(index))} for index, label in enumerate(labels)]
    shades = shades_of(epochs[::-1])
    looks = {
        epoch: (f"epoch {epoch}", replace(line_look(place), colour=shades[epoch]))
        for place, epoch in enumerate(epochs)
    }
    return [looks for _ in labels]


def _of_layers(points: pd.DataFrame) -> pd.DataFrame:
    """What is of a layer as a whole, once for each."""
    return points.drop_duplicates(["seed", "layer"])
