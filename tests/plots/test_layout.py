"""No figure, of one row or several, cuts anything off or lays one thing over another."""

from itertools import combinations

import pandas as pd
import pytest
from agop_collapse.plots import (
    ablation,
    accuracy,
    ansatz,
    decomposition,
    deep_rfm_curves,
    gram,
    nc_full,
    network_layers,
    network_nc2,
    network_nc_full,
    network_spectrum,
    nfa_null,
    overlay,
    random_features,
    save,
    spectrum,
    sweep,
    theory_kernel,
    theory_layers,
    theory_objective,
    theory_rate,
    theory_recursion,
)
from agop_collapse.rows import theory as theorems

DATASETS = {"cifar10": "CIFAR-10", "mnist": "MNIST", "svhn": "SVHN"}
THEOREMS = theorems.Settings(
    classes=2,
    per_class=4,
    layers=25,
    lambda_map=[0.3, 1.0, 3.0],
    ratios=[1e-3, 3e-3, 1e-2, 3e-2, 0.1, 0.3, 1.0],
    objective_classes=[3, 10],
    objective_per_class=2,
    ridges=[1.0],
    random_kernels=5,
    descent_steps=20,
    widths=[8, 4096],
    draws=3,
)
FOOTER = "study paper; CIFAR-10, MNIST and SVHN (n = 50,000); seeds 0, 1, 2; " * 3


@pytest.fixture(scope="module")
def tables(
    deep_rfm, predictors, pictures, classes, spectra, networks, network_spectra, own_networks
):
    """All tables, with one run a data set, of which one is doubtful from layer 15 on."""
    doubtful = deep_rfm.assign(valid=deep_rfm["layer"] < 15)
    nfa = networks["network_nfa"].assign(
        nfa_offdiagonal=0.5, nfa_init=0.7, nfa_independent=0.3, nfa_independent_trained=0.1
    )
    theory = pd.DataFrame({"distance": [0.5, 1, 2]}).assign(
        mapped_mean=0.5, mapped_sd=0.01, mapped_theory=0.5
    )
    unfitted = own_networks["network_layers"].assign(fitted=False)
    return networks | {
        "network_layers": unfitted,
        "deep_rfm": doubtful[doubtful["run"].str.contains("relu")],
        "predictor": predictors,
        "gram_picture": pictures,
        "classes": classes,
        "agop_spectrum": spectra,
        "network_nfa": nfa,
        "network_spectrum": network_spectra,
        "network_training": networks["network_training"].assign(fitted=False),
        "theory_kernel": theory,
        "theory_layers": doubtful[doubtful["stage"] == "MX"]
        .assign(
            **{name: doubtful["nc1"] for series in theory_layers.PANELS.values() for name in series}
        )
        .drop(columns="rate"),
        **{name: pd.DataFrame(rows) for name, rows in theorems.measure(THEOREMS, 0).items()},
    }


def deep_rfm_name(dataset, feature_map="relu", role="agop"):
    return f"{'gaussian' if dataset == 'mnist' else 'laplace'}-{feature_map}-{role}"


@pytest.fixture(scope="module")
def rows_of(make_row):
    """Function for the first rows of the data sets, of Deep RFM or of networks."""

    def rows(count, name):
        return [
            make_row(f"{label}, {'ResNet18' if name else 'Gaussian, ReLU'}", dataset, run)
            for dataset, label in list(DATASETS.items())[:count]
            for run in [name or deep_rfm_name(dataset)]
        ]

    return rows


def draw_deep_rfm_curves(count, tables, rows_of):
    return deep_rfm_curves, rows_of(count, None), {}


def draw_ablation(count, tables, rows_of):
    rows = rows_of(count, None)
    for row in rows:
        (run,) = row["runs"]
        row["runs"] = [run | {"role": "agop"}, run | {"role": "identity"}]
    return ablation, rows, {}


def draw_accuracy(count, tables, rows_of):
    return accuracy, rows_of(count, None), {}


def draw_gram(count, tables, rows_of):
    rows = rows_of(count, None)
    for row in rows:
        (run,) = row["runs"]
        if run["dataset"] != "mnist":
            row["runs"] = [run | {"run": deep_rfm_name(run["dataset"], "cos")}]
    return gram, rows, {"layers": [1, 3, 7, 13, 19]}


def draw_decomposition(count, tables, rows_of):
    return decomposition, rows_of(count, "resnet18"), {}


def draw_network_nc2(count, tables, rows_of):
    return network_nc2, rows_of(count, "resnet18"), {}


def draw_network_layers(count, tables, rows_of):
    return network_layers, rows_of(count, "resnet18"), {}


def draw_epochs_of_network_layers(count, tables, rows_of):
    table = tables["network_layers"]
    at = [table.assign(epoch=epoch) for epoch in (0, 125, 250, 375, 500)]
    tables["network_layers"] = pd.concat(at)
    return network_layers, rows_of(1, "resnet18"), {"epochs": [0, 125, 250, 375, 500]}


def draw_ansatz(count, tables, rows_of):
    return ansatz, rows_of(count, "resnet18"), {}


def draw_nfa_null(count, tables, rows_of):
    return nfa_null, rows_of(count, "resnet18"), {}


def draw_nc_full(count, tables, rows_of):
    return nc_full, rows_of(count, None), {}


def draw_network_nc_full(count, tables, rows_of):
    return network_nc_full, rows_of(count, "resnet18"), {}


def draw_network_spectrum(count, tables, rows_of):
    return network_spectrum, rows_of(count, "resnet18"), {}


def draw_theory_kernel(count, tables, rows_of):
    return theory_kernel, [], {}


def draw_theory_recursion(count, tables, rows_of):
    return theory_recursion, [], {}


def draw_theory_layers(count, tables, rows_of):
    return theory_layers, rows_of(count, None), {}


def draw_theory_rate(count, tables, rows_of):
    return theory_rate, [], {}


def draw_theory_objective(count, tables, rows_of):
    return theory_objective, [], {}


def draw_random_features(count, tables, rows_of):
    return random_features, [], {}


def draw_overlay(count, tables, rows_of):
    """Of up to eight lines, with long labels."""
    rows = (rows_of(3, None) * 3)[: 3 * count - 1]
    named = [row | {"label": f"{row['label']}, {index}"} for index, row in enumerate(rows)]
    return overlay, named, {"table": "deep_rfm", "y": "nc1", "stage": "PhiMX"}


def draw_overlay_of_networks(count, tables, rows_of):
    options = {"table": "network_nc", "y": "nc1", "stage": "full", "x": "epoch"}
    return overlay, rows_of(count, "resnet18"), options


def draw_sweep(count, tables, rows_of):
    options = {"table": "deep_rfm", "y": "nc1", "stage": "MX", "x_label": "Width"}
    return sweep, [swept(row, (64, 1024, 4096)) for row in rows_of(count, None)], options


def draw_sweep_of_a_measure_of_a_long_name(count, tables, rows_of):
    options = {"table": "deep_rfm", "y": "nc1_test_own", "stage": "MX", "x_label": "Width"}
    return sweep, [swept(row, (64, 1024, 4096)) for row in rows_of(count, None)], options


def draw_sweep_of_small_numbers(count, tables, rows_of):
    options = {"table": "deep_rfm", "y": "nc2", "stage": "MX", "x_label": "Ridge"}
    rows = rows_of(count, None) * 2
    return sweep, [swept(row, (0, 3e-6, 4e-6)) for row in rows[: 2 * count - 1]], options


def draw_sweep_of_words(count, tables, rows_of):
    options = {"table": "deep_rfm", "y": "nc1", "stage": "MX", "x_label": "Kernel"}
    words = ("Laplace", "Gaussian", "an own kernel of a long name")
    return sweep, [swept(row, words) for row in rows_of(count, None)], options


def swept(row, values):
    """The run of a row at each value, in two lines."""
    (run,) = row["runs"]
    lines = ("without noise", "with label noise")
    return row | {"runs": [run | {"x": x, "line": line} for line in lines for x in values]}


def draw_spectrum(count, tables, rows_of):
    return spectrum, (rows_of(3, None) * 2)[: 2 * count - 1], {}


@pytest.mark.parametrize(("count", "title"), [(1, "A title of several words"), (3, "")])
@pytest.mark.parametrize(
    "kind",
    [
        draw_deep_rfm_curves,
        draw_ablation,
        draw_accuracy,
        draw_gram,
        draw_decomposition,
        draw_network_nc2,
        draw_network_layers,
        draw_epochs_of_network_layers,
        draw_ansatz,
        draw_nfa_null,
        draw_nc_full,
        draw_network_nc_full,
        draw_network_spectrum,
        draw_theory_kernel,
        draw_theory_recursion,
        draw_theory_rate,
        draw_theory_layers,
        draw_theory_objective,
        draw_random_features,
        draw_overlay,
        draw_overlay_of_networks,
        draw_sweep,
        draw_sweep_of_a_measure_of_a_long_name,
        draw_sweep_of_small_numbers,
        draw_sweep_of_words,
        draw_spectrum,
    ],
)
def test_nothing_overlaps_or_is_cut_off(kind, count, title, tables, rows_of, headings):
    tables = dict(tables)  # some kinds have a table of their own
    module, rows, options = kind(count, tables, rows_of)
    wanted = tables
    if module is gram:
        wanted = {name: tables[name] for name in ("gram_picture", "classes")}
    fig = module.draw(wanted, rows, **options)
    save.finish(fig, title, footer=FOOTER + module.note(wanted, rows))
    fig.draw_without_rendering()
    panels = [ax for ax in fig.axes if ax.get_visible()]
    boxes = [ax.get_tightbbox() for ax in panels]
    boxes += [legend.get_window_extent() for legend in fig.legends]
    boxes += [text.get_window_extent() for text in fig.texts]
    assert len(fig.texts) == (2 if title and not fig.legends else 1)
    for box in boxes:
        assert fig.bbox.x0 <= box.x0 < box.x1 <= fig.bbox.x1
        assert fig.bbox.y0 <= box.y0 < box.y1 <= fig.bbox.y1
    for one, other in combinations(boxes, 2):
        assert not one.overlaps(other)
    for heading in headings(fig):
        box = heading.get_window_extent()
        assert fig.bbox.x0 <= box.x0 < box.x1 <= fig.bbox.x1
        assert fig.bbox.y0 <= box.y0 < box.y1 <= fig.bbox.y1
        drawn = [*fig.legends, *fig.texts]
        for ax in panels:
            drawn += [ax.patch, ax.title, ax.xaxis.label, ax.yaxis.label, ax.get_legend()]
        extents = [other.get_window_extent() for other in drawn if other is not None]
        assert not any(box.overlaps(extent) for extent in extents if extent.width > 0)
    for ax in panels:
        names = [label.get_window_extent() for label in ax.get_xticklabels() if label.get_text()]
        if not any(label.get_rotation() for label in ax.get_xticklabels()):
            for one, other in combinations(names, 2):
                assert not one.overlaps(other)
        assert ax.yaxis.label.get_window_extent().height <= 1.1 * ax.get_window_extent().height
    assert fig.get_figwidth() == 5.5
