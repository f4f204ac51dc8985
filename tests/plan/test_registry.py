"""What a configuration may name, against the files that hold its code: none without the other."""

import importlib
import inspect
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path

import pytest
from agop_collapse.common.lookup import find_object
from agop_collapse.data.addresses import ARCHIVES
from agop_collapse.machine import agop, deep_rfm, random_features
from agop_collapse.machine.kernels.dot_product import DotProductKernel
from agop_collapse.machine.kernels.radial import RadialKernel
from agop_collapse.networks import training
from agop_collapse.networks.activations.activation import Activation
from agop_collapse.networks.architecture import Architecture
from agop_collapse.networks.losses.loss import Loss
from agop_collapse.plan.figure_kinds import FIGURE_KINDS, PAPER_FIGURES
from agop_collapse.plan.registry import (
    ACTIVATIONS,
    DATASET_LABELS,
    DOT_PRODUCT,
    FEATURE_MAPS,
    KERNELS,
    LOSSES,
    MODELS,
    OWN,
    PROJECTIONS,
    Entry,
    label_of,
    place_of,
    reader_of,
)
from agop_collapse.plan.schema import schema
from agop_collapse.plan.settings import DATASET_KINDS, RUN_KINDS, DeepRFM, applies
from configurations import study

Kernel = RadialKernel | DotProductKernel
LIBRARY = Path(__file__).parents[2] / "workflow" / "agop_collapse"
# A registry, the folder of its entries, what else lies there, the type of an entry.
ROOMS: dict[str, tuple[dict[str, Entry], str, set[str], type]] = {
    "kernels": (KERNELS, "machine/kernels", {"radial", "dot_product", "find"}, Kernel),
    "backbones": (MODELS, "networks/backbones", set(), Callable),
    "activations": (ACTIVATIONS, "networks/activations", {"activation"}, Activation),
    "losses": (LOSSES, "networks/losses", {"loss"}, Loss),
}
# What the modules of plots share.
SHARED = {"axes", "colours", "measures", "save", "select", "shades", "trust"}


def test_kernels_without_a_bandwidth_are_those_of_the_dot_product():
    """And a bandwidth given to them is a column of nothing, but counts with any other."""
    found = {
        name
        for name, entry in KERNELS.items()
        if isinstance(find_object(entry.place), DotProductKernel)
    }
    assert found == set(DOT_PRODUCT)
    for name in KERNELS:
        assert applies(DeepRFM(kernel=name), "bandwidth") is (name not in DOT_PRODUCT)
    assert applies(DeepRFM(kernel="my_kernels:cauchy"), "bandwidth")
    assert applies(DeepRFM(kernel="linear laplace"), "bandwidth")
    assert not applies(DeepRFM(kernel="linear relu_ntk linear"), "bandwidth")


def modules(folder: str) -> set[str]:
    return {file.stem for file in (LIBRARY / folder).glob("*.py")} - {"__init__"}


@pytest.mark.parametrize("room", ROOMS)
def test_every_entry_has_a_file_of_its_own_and_every_file_an_entry(room):
    entries, folder, others, _ = ROOMS[room]
    places = {name: entry.place.partition(":")[0] for name, entry in entries.items()}
    package = ".".join(["agop_collapse", *folder.split("/")])
    assert sorted(places.values()) == sorted(
        f"{package}.{module}" for module in modules(folder) - others
    )
    assert others <= modules(folder)


@pytest.mark.parametrize(
    ("place", "kind"),
    [
        pytest.param(entry.place, kind, id=entry.place)
        for entries, _, _, kind in ROOMS.values()
        for entry in entries.values()
    ],
)
def test_what_lies_at_a_place_is_of_the_right_type(place, kind):
    assert isinstance(find_object(place), kind)
    assert OWN.fullmatch(place)


def test_every_kind_of_data_set_has_a_reader_and_every_reader_a_kind():
    assert modules("data/readers") - {"parts", "from_torchvision"} == set(DATASET_KINDS)
    for kind in DATASET_KINDS:
        parameters = list(inspect.signature(find_object(reader_of(kind))).parameters)
        assert parameters[:3] == ["n", "n_test", "path"]


def test_labels_are_of_public_data_sets():
    assert set(DATASET_LABELS) == set(ARCHIVES)


@pytest.mark.parametrize(
    "registry", [KERNELS, MODELS, ACTIVATIONS, LOSSES, FEATURE_MAPS, PROJECTIONS]
)
def test_entries_have_labels_of_their_own_and_descriptions(registry):
    labels = [entry.label for entry in registry.values()]
    assert all(labels)
    assert len(set(labels)) == len(labels)
    assert all(entry.description for entry in registry.values())


def test_words_are_those_that_the_library_knows():
    """Of what has no file of its own."""
    words = {
        "feature_map": random_features.FEATURE_MAPS,
        "projection": deep_rfm.PROJECTIONS,
        "agop_norm": agop.NORMALISATIONS,
        "weight_dist": random_features.WEIGHT_DISTRIBUTIONS,
        "precision": sorted(deep_rfm.PRECISIONS, reverse=True),
    }
    properties = schema()["$defs"]["deep_rfm"]["properties"]
    for name, known in words.items():
        assert properties[name]["anyOf"][0]["enum"] == list(known)
    words = {
        "optimizer": training.OPTIMIZERS,
        "schedule": training.SCHEDULES,
        "arithmetic": training.ARITHMETICS,
    }
    properties = schema()["$defs"]["network"]["properties"]
    for name, known in words.items():
        assert properties[name]["anyOf"][0]["enum"] == list(known)
    assert list(FEATURE_MAPS) == list(random_features.FEATURE_MAPS)
    assert list(PROJECTIONS) == list(deep_rfm.PROJECTIONS)


def test_settings_are_those_that_the_library_takes():
    taken = {field.name for field in fields(deep_rfm.Settings)}
    assert taken == set(RUN_KINDS["deep_rfm"].model_fields)
    taken = {field.name for kind in (Architecture, training.Settings) for field in fields(kind)}
    assert taken == set(RUN_KINDS["networks"].model_fields)


def test_place_and_label_of_ones_own():
    assert place_of(KERNELS, "laplace") == "agop_collapse.machine.kernels.laplace:kernel"
    assert place_of(KERNELS, "my.kernels:cauchy") == "my.kernels:cauchy"
    laplace, own = place_of(KERNELS, "laplace my.kernels:cauchy").split(" ")
    assert (laplace, own) == (KERNELS["laplace"].place, "my.kernels:cauchy")
    assert label_of(KERNELS, "matern32") == "Matérn 3/2"
    assert label_of(KERNELS, "my.kernels:cauchy") == "cauchy"
    assert label_of(MODELS, "my_network") == "my_network"


@pytest.mark.parametrize("kind", FIGURE_KINDS)
def test_kind_of_figure_has_a_module_that_draws_it(kind):
    module = importlib.import_module(f"agop_collapse.plots.{kind}")
    assert list(inspect.signature(module.draw).parameters)[:2] == ["tables", "rows"]
    assert list(inspect.signature(module.note).parameters) == ["tables", "rows"]
    assert FIGURE_KINDS[kind].description


def test_every_module_of_plots_is_a_kind_or_shared():
    assert modules("plots") == set(FIGURE_KINDS) | SHARED


FIGURES = {name: {} for name in PAPER_FIGURES} | {
    "own_sweep": {"plot": "sweep", "x": "gain", "y": "nfa", "rows": [{"model": "mlp"}]},
    "own_overlay": {"plot": "overlay", "y": "nc1", "stage": "X"},
}


@pytest.mark.parametrize("name", FIGURES)
def test_options_are_those_that_the_module_takes(name):
    made = study(
        deep_rfm=[{}, {"feature_map": "cos"}, {"projection": "identity"}],
        networks=[{"model": "mlp", "gain": [0.1, 1]}, {"model": ["resnet18", "vgg11"]}],
        figures={name: FIGURES[name]},
        seeds=[0],
    )
    drawing = made.drawings[name]
    draw = importlib.import_module(f"agop_collapse.plots.{drawing.kind}").draw
    # As the script calls it.
    inspect.signature(draw).bind({}, drawing.rows, **drawing.options)


def test_papers_figures_are_of_known_kinds():
    assert {figure.kind for figure in PAPER_FIGURES.values()} <= set(FIGURE_KINDS)
    assert {f"fig{number:02}" for number in range(1, 13)} <= set(PAPER_FIGURES)
    assert {f"v1_fig{number:02}" for number in range(1, 9)} <= set(PAPER_FIGURES)
