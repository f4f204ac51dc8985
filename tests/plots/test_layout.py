"""No figure, of one row or three, cuts anything off or lays one thing over another."""

from itertools import combinations

import pandas as pd
import pytest
from agop_collapse.plots import ablation, ansatz, decomposition, deep_rfm_curves, gram, style

DATASETS = ("cifar10", "mnist", "svhn")
FOOTER = "study paper; CIFAR-10, MNIST and SVHN (n = 50,000); seeds 0, 1, 2; " * 3


def rows(count, **columns):
    return [{"dataset": dataset} | columns for dataset in DATASETS[:count]]


def draw_deep_rfm_curves(count, deep_rfm, pictures, networks):
    doubtful = deep_rfm.assign(valid=deep_rfm["layer"] < 15)
    return deep_rfm_curves.draw(doubtful, rows(count, feature_map="relu", projection="agop"))


def draw_ablation(count, deep_rfm, pictures, networks):
    frame = deep_rfm[deep_rfm["projection"] == "agop"].assign(valid=deep_rfm["layer"] < 15)
    both = pd.concat([frame, frame.assign(projection="identity")])
    return ablation.draw(both, rows(count, kernel="gaussian", feature_map="relu"))


def draw_gram(count, deep_rfm, pictures, networks):
    return gram.draw(pictures, rows(count, kernel="gaussian"), [1, 3, 7, 13, 19])


def draw_decomposition(count, deep_rfm, pictures, networks):
    unfitted = {"CIFAR-10, ResNet18"}
    return decomposition.draw(networks["network_nc"], rows(count, model="resnet18"), unfitted)


def draw_ansatz(count, deep_rfm, pictures, networks):
    training = networks["network_training"].assign(train_loss=1.0)
    tables = networks | {"network_training": training}
    return ansatz.draw(**tables, rows=rows(count, model="resnet18"))


@pytest.mark.parametrize("count", [1, 3])
@pytest.mark.parametrize(
    "draw",
    [draw_deep_rfm_curves, draw_ablation, draw_gram, draw_decomposition, draw_ansatz],
)
def test_nothing_overlaps_or_is_cut_off(draw, count, deep_rfm, pictures, networks):
    fig = draw(
        count, deep_rfm.assign(kernel="gaussian"), pictures.assign(kernel="gaussian"), networks
    )
    style.add_footer(fig, FOOTER)
    fig.draw_without_rendering()
    boxes = [ax.get_tightbbox() for ax in fig.axes]
    boxes += [legend.get_window_extent() for legend in fig.legends]
    boxes += [text.get_window_extent() for text in fig.texts]
    assert len(fig.texts) == 1
    for box in boxes:
        assert fig.bbox.x0 <= box.x0 < box.x1 <= fig.bbox.x1
        assert fig.bbox.y0 <= box.y0 < box.y1 <= fig.bbox.y1
    for one, other in combinations(boxes, 2):
        assert not one.overlaps(other)
    assert fig.get_figwidth() == 5.5
