"""A walk through the layers of a Deep RFM: at each its Gram matrix, and how far it collapsed."""

import io
from collections.abc import Mapping
from dataclasses import dataclass

import matplotlib
import numpy as np
import pandas as pd
from PIL import Image

from ..plots import trust
from ..plots.gram import HIGHEST, LOWEST
from ..plots.select import select_part, select_run
from .curves import Panel, panel
from .embedded import data_address
from .plain import cosine, number, plain

# Lines of the panels, from the last stage to the first, so that X lies on top.
STAGES = {"PhiMX": "Φ(M^½ X)", "MX": "M^½ X", "X": "X"}


@dataclass(frozen=True)
class Step:
    """One layer of a walk.

    name : what the layer is called; says : its numbers in a sentence
    picture : its Gram matrix, as an address that holds the image itself; alternative : of it
    """

    name: str
    says: str
    picture: str
    alternative: str


@dataclass(frozen=True)
class Walk:
    """The layers of one run, and its curves, each with a mark for each step."""

    label: str
    steps: list[Step]
    panels: list[Panel]


def walk(label: str, run: dict, pictures: pd.DataFrame, tables: Mapping[str, pd.DataFrame]) -> Walk:
    """A walk through a run of one seed.

    Parameters
    ----------
    label : of the run, for readers
    run : study, dataset, run and the one seed, as figures select it
    pictures : the run's gram_picture; layer 1 is the input, layer l has gone through l - 1 of
        Deep RFM
    tables : deep_rfm, gram, predictor
    """
    points = select_run(tables, "deep_rfm", run)
    cosines = select_run(tables, "gram", run).set_index("layer")
    doubtful_from = trust.doubtful_from(tables, run)
    by_stage = {stage: select_part(points, "stage", stage).set_index("layer") for stage in STAGES}
    shown = pictures[(pictures["stage"] == "MX") & (pictures["pixel"] == "point")]
    steps, marked = [], []
    for layer, pixels in shown.groupby("layer"):
        applied = int(layer) - 1
        # The input data are X of layer 1; behind them come the M^1/2 X.
        measured = by_stage["MX"].loc[applied] if applied else by_stage["X"].loc[1]
        marked.append((max(applied, 1), measured))
        steps.append(_step(applied, pixels, cosines.loc[layer], measured, doubtful_from))
    panels = [
        panel(
            title,
            {name: by_stage[stage][measure] for stage, name in STAGES.items()},
            [(layer, measured[measure]) for layer, measured in marked],
            doubtful_from,
            logarithmic,
        )
        for measure, title, logarithmic in (("nc1", "NC1", True), ("nc2", "NC2", False))
    ]
    return Walk(plain(label), steps, panels)


def _step(
    applied: int,
    pixels: pd.DataFrame,
    cosines: pd.Series,
    measured: pd.Series,
    doubtful_from: float,
) -> Step:
    name = f"layer {applied}, M^½ X" if applied else "input data"
    within = f"{cosine(cosines['within_mean'])} ± {number(cosines['within_sd'])}"
    between = f"{number(cosines['between_mean'])} ± {number(cosines['between_sd'])}"
    told = f"cosines {within} within classes, {between} between (mean ± sd)"
    doubt = ". Not to be trusted: its solve is ill-conditioned" if applied >= doubtful_from else ""
    says = f"NC1 {number(measured['nc1'])}, NC2 {number(measured['nc2'])}; {told}{doubt}."
    matrix = pixels.pivot(index="i", columns="j", values="gram").to_numpy()
    alternative = f"Gram matrix of {'the ' * (not applied)}{name}, sorted by class: {told}."
    return Step(name, says, picture(matrix), alternative)


def picture(matrix: np.ndarray) -> str:
    """A matrix of cosines in the colours of the figures, as the address of a PNG within itself.

    (n, n) of floats; a pixel for each, in 256 colours.
    """
    scaled = (matrix - LOWEST) / (HIGHEST - LOWEST)
    image = Image.fromarray(np.round(255 * np.clip(scaled, 0, 1)).astype(np.uint8))
    image.putpalette(_palette())
    buffer = io.BytesIO()
    image.save(buffer, "PNG", optimize=True)
    return data_address("image/png", buffer.getvalue())


def _palette() -> list[int]:
    """256 colours of the figures' map, red, green and blue in turn."""
    colours = matplotlib.colormaps["viridis"](np.arange(256), bytes=True)
    return colours[:, :3].ravel().tolist()
