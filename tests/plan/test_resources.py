"""What jobs need: the sizes that it follows from are those of what is really made."""

import math

import pytest
import torch
from agop_collapse.data.dataset import Dataset
from agop_collapse.machine import deep_rfm
from agop_collapse.machine.checkpoints import save_layer, save_predictor
from agop_collapse.machine.kernels.find import find_kernel
from agop_collapse.networks.architecture import build
from agop_collapse.networks.from_settings import architecture_of
from agop_collapse.plan.data_shapes import DataShape
from agop_collapse.plan.forecast import size_mb
from agop_collapse.plan.registry import ACTIVATIONS, LOSSES, MODELS, place_of
from agop_collapse.plan.resources import GPU, Costs, table_rows
from agop_collapse.plan.settings import DeepRFM, Network, OwnNetwork, StudySettings
from agop_collapse.rows.deep_rfm import measure

CPU = torch.device("cpu")
ON_CPU = Costs(StudySettings(), on_gpu=False)
ON_GPU = Costs(StudySettings(), on_gpu=True)


def cloud(shape: DataShape) -> Dataset:
    source = torch.Generator().manual_seed(0)
    labels = torch.arange(shape.n) * shape.classes // shape.n
    test_labels = torch.arange(shape.n_test) * shape.classes // max(shape.n_test, 1)
    x, test_x = (
        torch.randn(n, shape.pixels, generator=source, dtype=torch.float64)
        for n in (shape.n, shape.n_test)
    )
    return Dataset(x, labels, test_x, test_labels, shape[2:5], shape.classes)


def built(run: DeepRFM, data: Dataset):
    kernel = find_kernel(place_of({}, f"agop_collapse.machine.kernels.{run.kernel}:kernel"), 2.0)
    settings = deep_rfm.Settings(**dict(run) | {"kernel": kernel})
    layers = list(deep_rfm.build(data, settings, 0, CPU))
    return layers, deep_rfm.fit_predictor(data, settings, CPU, layers)


@pytest.mark.parametrize(
    "settings",
    [
        {"width": 150},
        {"width": 150, "precision": "float32"},
        {"width": 90, "iterations": 2},
        {"feature_map": "cos", "n_features": 120},
        {"feature_map": "cos", "n_features": "input_dim"},
    ],
    ids=str,
)
def test_layers_take_the_disk_that_is_planned(tmp_path, settings):
    run = DeepRFM(depth=3, ridge=1e-3, **settings)
    shape = DataShape(500, 20, 3, 8, 8, 5)
    layers, predictor = built(run, cloud(shape))
    for number, layer in enumerate(layers, start=1):
        save_layer(tmp_path, number, layer, "identity")
    save_predictor(tmp_path, 4, predictor, "identity")
    planned = ON_CPU.build_deep_rfm(run, shape).disk_mb
    assert 0.99 * size_mb(tmp_path) <= planned <= 1.05 * size_mb(tmp_path) + 1


@pytest.mark.parametrize("feature_map", ["relu", "cos"])
def test_tables_have_the_rows_that_are_planned(feature_map):
    run = DeepRFM(depth=2, width=30, n_features=40, feature_map=feature_map)
    shape = DataShape(60, 0, 1, 4, 4, 3)
    tables = measure(built(run, cloud(shape))[0], cloud(shape))
    for name in ("gram_picture", "agop_spectrum"):
        assert table_rows(run, shape, name) == len(tables[name])


@pytest.mark.parametrize(
    "model", [pytest.param(name, marks=[pytest.mark.slow] * (name == "vgg11")) for name in MODELS]
)
@pytest.mark.parametrize("image", [(1, 28, 28), (3, 32, 32)], ids=["grey", "colour"])
def test_checkpoints_take_the_disk_that_is_planned(model, image):
    run = Network(model=model, width=40, hidden_layers=3, epochs=25, measure_every=10)
    shape = DataShape(100, 0, *image, 7)
    places = {"backbone": place_of(MODELS, model), "loss": place_of(LOSSES, "mse")}
    places["activation"] = place_of(ACTIVATIONS, "relu")
    network = build(architecture_of(dict(run) | places), image, 7, 0)
    weights = sum(value.numel() * value.element_size() for value in network.state_dict().values())
    planned = ON_CPU.train_network(run, shape).disk_mb
    checkpoints = 4  # after 0, 10, 20 and 25 epochs
    assert planned == pytest.approx(math.ceil(checkpoints * weights / 1e6), rel=0.02)


@pytest.mark.parametrize(
    ("optimizer", "buffers"),
    [
        ({"recreate_optimizer": False}, 0),
        ({"recreate_optimizer": False, "momentum": 0.9}, 1),
        ({"recreate_optimizer": True, "momentum": 0.9}, 0),
        ({"recreate_optimizer": False, "optimizer": "adam"}, 2),
    ],
)
def test_the_state_to_go_on_from_takes_the_disk_that_is_planned(optimizer, buffers):
    run = Network(model="mlp", width=2000, epochs=1, measure_every=1, **optimizer)
    shape = DataShape(10, 0, 1, 28, 28, 10)
    epochs = ON_CPU.train_network(run.model_copy(update={"recreate_optimizer": True}), shape)
    planned = ON_CPU.train_network(run, shape).disk_mb - epochs.disk_mb
    assert planned == pytest.approx(buffers * epochs.disk_mb / 2, abs=2)


def test_large_problems_grow_as_their_arrays_and_products_do():
    run = DeepRFM(depth=20)
    small, large = (DataShape(n, 0, 1, 28, 28, 10) for n in (50_000, 200_000))
    before, after = (ON_CPU.build_deep_rfm(run, shape) for shape in (small, large))
    # n x n float64, and not much more than as much again.
    assert 8 * 200_000**2 / 1e6 < after.mem_mb < 2 * 8 * 200_000**2 / 1e6
    assert after.mem_mb / before.mem_mb == pytest.approx(16, rel=0.2)
    assert 16 < after.seconds / before.seconds < 64  # between n^2 and n^3


def test_a_first_layer_of_many_pixels_counts():
    run = DeepRFM(depth=20, width=64)
    few, many = (DataShape(1000, 0, 3, side, side, 10) for side in (8, 64))
    before, after = (ON_CPU.build_deep_rfm(run, shape) for shape in (few, many))
    assert after.mem_mb > before.mem_mb + 8 * 4 * (3 * 64 * 64) ** 2 / 1e6
    assert after.seconds > before.seconds


def test_inner_iterations_take_their_time():
    shape = DataShape(20_000, 0, 1, 28, 28, 10)
    once, twice = (ON_CPU.build_deep_rfm(DeepRFM(iterations=k), shape) for k in (1, 2))
    assert twice.seconds > 1.8 * once.seconds


def test_with_a_gpu_the_host_holds_no_n_x_n_array():
    run, shape = DeepRFM(), DataShape(50_000, 0, 1, 28, 28, 10)
    on_cpu, on_gpu = (costs.build_deep_rfm(run, shape) for costs in (ON_CPU, ON_GPU))
    assert on_gpu.mem_mb < 8 * 50_000**2 / 1e6 / 2 < on_cpu.mem_mb
    assert on_gpu.seconds < on_cpu.seconds
    assert on_gpu.disk_mb == on_cpu.disk_mb
    assert on_gpu.seconds * 10 > 2 * 20 * 50_000**3 / GPU


def test_threads_of_a_study_make_it_faster():
    shape = DataShape(20_000, 0, 1, 28, 28, 10)
    eight = Costs(StudySettings(torch_threads=8), on_gpu=False)
    one, many = (costs.build_deep_rfm(DeepRFM(), shape).seconds for costs in (ON_CPU, eight))
    assert one / 8 < many < one / 4


def test_a_network_of_ones_own_needs_more_for_more_epochs():
    shape = DataShape(5000, 100, 3, 32, 32, 10)
    elsewhere, short, long, often = (
        OwnNetwork(network="mine:network", **given)
        for given in (
            {"checkpoint": "weights.pt"},
            {"epochs": 20, "measure_every": 10},
            {"epochs": 40, "measure_every": 20},
            {"epochs": 20, "measure_every": 1},
        )
    )
    train = [ON_CPU.train_own_network(run, shape) for run in (short, long, often)]
    assert train[0].seconds < train[1].seconds
    assert train[0].disk_mb == train[1].disk_mb == pytest.approx(train[2].disk_mb / 7, rel=0.01)
    measure = [ON_CPU.measure_own_network(run, shape).seconds for run in (elsewhere, short, often)]
    few, many = (seconds - measure[0] for seconds in measure[1:])
    assert many == pytest.approx(10 * few)  # of twenty epochs more, and of two
    assert few > 0
    rows = [table_rows(run, shape, "network_layers") for run in (elsewhere, short, often)]
    assert rows[2] == 7 * rows[1]
    large = OwnNetwork(network="mine:network", epochs=20, batch_size=2000)
    assert ON_CPU.train_own_network(large, shape).mem_mb > train[0].mem_mb
    assert ON_GPU.train_own_network(large, shape).mem_mb < train[0].mem_mb


@pytest.mark.parametrize("rule", ["train_network", "measure_network"])
@pytest.mark.parametrize(
    "more", [{"width": 2048}, {"hidden_layers": 50}, {"model": "vgg11"}, {"model": "mine"}], ids=str
)
def test_larger_networks_need_more(rule, more):
    if more.get("model") == "mine":
        more = more | {"backbone": "mine:backbone"}
    shape = DataShape(5000, 0, 3, 32, 32, 10)
    before, after = (
        getattr(ON_CPU, rule)(Network(**{"model": "mlp", "epochs": 20} | given), shape)
        for given in ({}, more)
    )
    assert after.mem_mb > before.mem_mb
    assert after.seconds > before.seconds
