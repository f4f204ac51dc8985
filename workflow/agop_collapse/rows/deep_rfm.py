"""From the layers of a Deep RFM run to the rows of its tables."""

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pandas as pd
from torch import Tensor

from ..files.tables import frame
from ..machine.deep_rfm import Layer, Predictor
from ..metrics import collapse, gram, spectra

# Pixels a side of a drawn Gram matrix.
PICTURE_SIZE = 200


def measure(
    layers: Iterable[Layer], class_counts: list[int], class_names: Sequence[str] = ()
) -> dict[str, pd.DataFrame]:
    """The tables deep_rfm, gram, gram_picture, classes and agop_spectrum of one run.

    Stage X is X_l, MX is M_l^1/2 X_l, PhiMX is Phi_l(M_l^1/2 X_l). The Gram matrices of stage MX
    are numbered as in the paper's figures, by Xtilde_l = M_{l-1}^1/2 X_{l-1} with Xtilde_1 the
    input (D29), so that `applied_layer` is l - 1; there are pictures of X_l too (V1 Figure 2). Of
    each there is one whose pixels are pairs of points, and one of means over pairs.

    Parameters
    ----------
    layers : the run's layers in order, from the first
    class_counts : points of each class, in order
    class_names : their names; numbers if there are none
    """
    names = class_names or [str(number) for number in range(len(class_counts))]
    classes = [
        {"class": number, "name": name, "points": count, "drawn": drawn}
        for number, (name, count, drawn) in enumerate(
            zip(names, class_counts, gram.drawn_points(class_counts, PICTURE_SIZE), strict=True)
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

    for number, layer in enumerate(layers, start=1):
        keys = {"layer": number}
        projected = layer.project(layer.x)
        if number == 1:
            add_gram(layer.x, 0)
        add_gram(projected, number)
        add_picture(gram.centred_directions(layer.x), keys | {"stage": "X"})

        fit = dataclasses.asdict(layer.fit)
        fit |= dataclasses.asdict(spectra.measure(layer.eigenvalues))
        stages = {"X": layer.x, "MX": projected, "PhiMX": layer.features(projected)}
        for stage, points in stages.items():
            measured = dataclasses.asdict(collapse.measure(points, class_counts))
            collapse_rows.append(keys | {"stage": stage} | measured | fit)
        spectrum_rows += [
            keys | {"index": index, "eigenvalue": value}
            for index, value in enumerate(layer.eigenvalues.tolist(), start=1)
        ]
    return {
        "deep_rfm": frame("deep_rfm", collapse_rows),
        "gram": frame("gram", gram_rows),
        "gram_picture": pd.concat(pictures, ignore_index=True),
        "classes": frame("classes", classes),
        "agop_spectrum": frame("agop_spectrum", spectrum_rows),
    }


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
