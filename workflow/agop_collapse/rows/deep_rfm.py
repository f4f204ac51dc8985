"""From the layers of a Deep RFM run to the rows of its tables."""

import dataclasses
import itertools
from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd
from torch import Tensor

from ..data.dataset import Dataset
from ..files.tables import frame
from ..machine.deep_rfm import Layer, Predictor
from ..machine.features import layer_points
from ..metrics import attribution, gram, in_full, spectra
from ..metrics.collapse import Weighting
from . import rates, shares

# Pixels a side of a drawn Gram matrix.
PICTURE_SIZE = 200


def measure(
    layers: Iterable[Layer], data: Dataset, weighting: Weighting = "samples"
) -> dict[str, pd.DataFrame]:
    """The tables of one run that are read off its layers, by name.

    Stage X is X_l, MX is M_l^1/2 X_l, PhiMX is Phi_l(M_l^1/2 X_l). The Gram matrices of stage MX
    are numbered as in the paper's figures, by Xtilde_l = M_{l-1}^1/2 X_{l-1} with Xtilde_1 the
    input (D29), so that `applied_layer` is l - 1; there are pictures of X_l too (V1 Figure 2). Of
    each there is one whose pixels are pairs of points, and one of means over pairs.

    Parameters
    ----------
    layers : the run's layers in order, from the first
    data : what it was built on
    weighting : whether in S_W a class counts by its points or like any other
    """
    class_counts = data.class_counts
    drawn_points = gram.drawn_points(class_counts, PICTURE_SIZE)
    classes = [
        {"class": number, "name": name, "points": count, "drawn": drawn}
        for number, (name, count, drawn) in enumerate(
            zip(data.names, class_counts, drawn_points, strict=True)
        )
    ]
    collapse_rows: list[dict] = []
    gram_rows: list[dict] = []
    spectrum_rows: list[dict] = []
    pictures: list[pd.DataFrame] = []

    def add_gram(points: Tensor, applied_layer: int) -> None:
        directions = gram.centred_directions(points)
        statistics = dataclasses.asdict(gram.gram_statistics(directions, class_counts))
        # Of classes of one size the two centres are one.
        by_class = statistics
        if len(set(class_counts)) > 1:
            balanced = gram.centred_directions(points, class_counts)
            by_class = dataclasses.asdict(gram.gram_statistics(balanced, class_counts))
        statistics |= {f"{name}_mu_g": value for name, value in by_class.items()}
        keys = {"layer": applied_layer + 1}
        gram_rows.append(keys | {"applied_layer": applied_layer} | statistics)
        add_picture(directions, keys | {"stage": "MX"})

    def add_picture(directions: Tensor, keys: Mapping[str, Any]) -> None:
        some = gram.picture_of_points(directions, class_counts, PICTURE_SIZE)
        means = gram.picture_of_means(directions, PICTURE_SIZE)
        for pixel, picture in (("point", some), ("mean", means)):
            pictures.append(_pixels(picture, keys | {"pixel": pixel}))

    layers, again = itertools.tee(layers)
    both = zip(layers, layer_points(again, data.test_x), strict=True)
    for number, (layer, (stages, test_stages)) in enumerate(both, start=1):
        keys = {"layer": number}
        if number == 1:
            add_gram(stages["X"], 0)
        add_gram(stages["MX"], number)
        add_picture(gram.centred_directions(stages["X"]), keys | {"stage": "X"})

        fit = dataclasses.asdict(layer.fit)
        fit |= dataclasses.asdict(spectra.measure(layer.eigenvalues))
        for stage, x in stages.items():
            of_test = test_stages[stage], data.test_counts
            measured = in_full.measure(x, class_counts, *of_test, weighting)
            collapse_rows.append(keys | {"stage": stage} | measured | fit)
        spectrum_rows += [
            keys | {"index": index, "eigenvalue": value}
            for index, value in enumerate(layer.eigenvalues.tolist(), start=1)
        ]
    collapse_table = frame("deep_rfm", collapse_rows)
    valid = collapse_table[collapse_table["valid"]]
    return {
        "deep_rfm": collapse_table,
        "attribution": frame("attribution", _attribution(valid)),
        "rates": frame("rates", rates.measure(valid)),
        "gram": frame("gram", gram_rows),
        "gram_picture": pd.concat(pictures, ignore_index=True),
        "classes": frame("classes", classes),
        "agop_spectrum": frame("agop_spectrum", spectrum_rows),
    }


def _attribution(valid: pd.DataFrame) -> list[dict]:
    """Rows of attribution: NC1's change over each layer that is valid, by its parts."""
    nc1 = {stage: part["nc1"].tolist() for stage, part in valid.groupby("stage")}
    if not nc1:
        return []
    return shares.rows(*attribution.deep_rfm(nc1["X"], nc1["MX"], nc1["PhiMX"]))


def predictor_table(predictor: Predictor) -> pd.DataFrame:
    """The table predictor of one run: how the machine behind its last layer fits."""
    fit = dataclasses.asdict(predictor.fit)
    valid = {"valid": fit.pop("valid")}
    return frame("predictor", [{f"final_{name}": value for name, value in fit.items()} | valid])


def _pixels(picture: Tensor, keys: Mapping[str, Any]) -> pd.DataFrame:
    """A picture in long form, row by row; i and j count pixels from 0."""
    size = len(picture)
    positions = pd.MultiIndex.from_product([range(size), range(size)], names=["i", "j"])
    values = picture.flatten().float().cpu().numpy()
    return positions.to_frame(index=False).assign(**keys, gram=values)[[*keys, "i", "j", "gram"]]
