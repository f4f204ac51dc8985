"""Accuracy of Deep RFM's predictors over its layers, to the one behind the last."""

import pandas as pd
from matplotlib.figure import Figure

from . import trust
from .axes import Look, add_legend, draw_series, label_panels, make_panels, use_layer_axis
from .colours import COLOURS
from .save import use_style
from .select import only_run, select_part, select_run

LOOKS = {"train": Look(COLOURS["blue"], "--", "o"), "test": Look(COLOURS["orange"], "-", "s")}
NAMES = {"train": "training points", "test": "test points"}
MARGIN = 0.06  # of what the y axis spans

note = trust.note


@use_style()
def draw(tables: dict[str, pd.DataFrame], rows: list[dict]) -> Figure:
    """Share of points that the predictor f_l of each layer puts into their class, f_{L+1} the last.

    Layers from the first that is not valid in some seed on are drawn lighter. Where no run has test
    points, training points are drawn alone.

    Parameters
    ----------
    tables : deep_rfm and predictor
    rows : panels, each of one run, from left to right

    Raises
    ------
    ValueError : when a row is not one run, or a table lacks it.
    """
    fig, panels = make_panels(len(rows), height=2.0)
    drawn = pd.concat([_accuracies(tables, only_run(row)) for row in rows], keys=range(len(rows)))
    parts = [part for part in LOOKS if drawn[part].notna().any()]
    for index, (row, ax) in enumerate(zip(rows, panels, strict=True)):
        points, doubtful_from = drawn.loc[index], trust.doubtful_from(tables, only_run(row))
        for part in parts:
            if points[part].notna().any():
                draw_series(ax, points, "layer", part, LOOKS[part], doubtful_from)
    use_layer_axis(panels[0], drawn["layer"])
    least = min(ax.dataLim.y0 for ax in panels)
    room = MARGIN * max(1 - least, 0.01)
    panels[0].set_ylim(least - room, 1 + room)
    label_panels(panels, rows, "Layer $l$ of the predictor $f_l$", "Accuracy")
    add_legend(fig, {NAMES[part]: LOOKS[part] for part in parts}, trust.doubt(tables, rows))
    return fig


def _accuracies(tables: dict[str, pd.DataFrame], run: dict) -> pd.DataFrame:
    """Seed, layer, train and test of one run; behind its layers the predictor, as one more."""
    names = {f"{part}_accuracy": part for part in LOOKS}
    # Of the layer as a whole, so the same in the rows of each stage.
    layers = select_part(select_run(tables, "deep_rfm", run), "stage", "MX").rename(columns=names)
    final = {f"final_{column}": part for column, part in names.items()}
    last = select_run(tables, "predictor", run).rename(columns=final)
    last = last.assign(layer=layers["layer"].max() + 1)
    # Of no test points there are nothing but nulls, of no type.
    both = [
        part[["seed", "layer", *LOOKS]].astype(dict.fromkeys(LOOKS, float))
        for part in (layers, last)
    ]
    return pd.concat(both, ignore_index=True)
