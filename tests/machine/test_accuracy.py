"""The AGOP of twenty layers, as they collapse: never further off than plain float32.

The truth is the plain computation in float64 with distances as norms of differences; everyone gets
the same points, those of the layers in float32.
"""

import papers
import plain
import pytest
import torch
from agop_collapse.data.dataset import Dataset, one_hot_targets
from agop_collapse.data.prepare import prepare
from agop_collapse.data.readers import digits as digit_images
from agop_collapse.data.readers import mnist
from agop_collapse.machine import agop
from agop_collapse.machine.agop import Gradients
from agop_collapse.machine.deep_rfm import Settings, build
from agop_collapse.machine.gram_system import Pairs
from agop_collapse.metrics import collapse
from torch import Tensor

CPU = torch.device("cpu")
BANDWIDTH, BLOCK_ROWS = 2.0, 4096


def settings(kernel: str, ridge: float, width: int, precision: str = "float64") -> Settings:
    return papers.settings(kernel=kernel, ridge=ridge, width=width, precision=precision)


def library(form, x: Tensor, targets: Tensor, counts: list[int], kernel: str, ridge: float):
    pairs = Pairs(x, counts, papers.KERNELS[kernel], BANDWIDTH, BLOCK_ROWS)
    alpha = pairs.solve(targets, ridge)
    outer = form(Gradients.of(x, pairs.into_weights(), alpha, counts), BLOCK_ROWS)
    return outer / outer.max()


def baseline(x: Tensor, targets: Tensor, kernel: str, ridge: float, distances) -> Tensor:
    metric = torch.eye(x.shape[1], dtype=x.dtype)
    alpha = plain.solve(kernel, x, targets.to(x.dtype), BANDWIDTH, ridge, metric, distances)
    return plain.agop(kernel, x, alpha, BANDWIDTH, metric, distances).double()


def errors(x: Tensor, targets: Tensor, counts: list[int], kernel: str, ridge: float):
    """Relative errors: the library's by either form, and the baseline's in float32."""
    exact = baseline(x.double(), targets, kernel, ridge, plain.exact_distances)
    found = (
        library(agop.hadamard_form, x.double(), targets, counts, kernel, ridge),
        library(agop.direct_form, x.double(), targets, counts, kernel, ridge),
        baseline(x, targets, kernel, ridge, plain.metric_distances),
    )
    return [float((outer - exact).norm() / exact.norm()) for outer in found]


def check_layers(data: Dataset, kernel: str, ridge: float, width: int, every: int = 1) -> float:
    """Check each, or every so many, of twenty layers; the NC1 that the last has reached."""
    counts = data.class_counts
    targets = one_hot_targets(data.labels, data.classes, torch.float64)
    for number, layer in enumerate(build(data, settings(kernel, ridge, width), 0, CPU), start=1):
        assert layer.fit.valid
        if number % every:
            continue
        hadamard, direct, rough = errors(layer.x.float(), targets, counts, kernel, ridge)
        assert hadamard < 0.01 * rough
        assert direct < 0.01 * rough
    return collapse.measure(layer.project(layer.x), counts).nc1


@pytest.mark.parametrize(
    ("kernel", "ridge", "reached"), [("laplace", 0, 1e-7), ("gaussian", 1e-3, 1.5e-9)]
)
@pytest.mark.slow
def test_no_layer_of_the_digits_is_further_off_than_plain_float32(kernel, ridge, reached):
    data = prepare(digit_images.load(600, 0), 600, 0)
    assert check_layers(data, kernel, ridge, 512) < reached


@pytest.mark.slow
def test_nor_is_one_of_mnist(real_root):
    """Every fourth: the truth takes seconds a layer."""
    folder = real_root("mnist") / "mnist"
    data = prepare(mnist.load(1500, 0, folder), 1500, 0)
    assert check_layers(data, "laplace", 0, 512, every=4) < 1e-5


@pytest.mark.parametrize(("kernel", "ridge"), [("laplace", 0), ("gaussian", 1e-3)])
def test_a_run_in_float32_collapses_as_one_in_float64(kernel, ridge):
    """With plain distances NC2 climbs back to 0.1 at layers 11 to 16 (science.md, section 3)."""
    data = prepare(digit_images.load(900, 0), 900, 0)
    runs = [
        list(build(data, settings(kernel, ridge, 256, precision), 0, CPU))
        for precision in ("float64", "float32")
    ]
    for double, single in zip(*runs, strict=True):
        expected = collapse.measure(double.project(double.x), data.class_counts)
        found = collapse.measure(single.project(single.x), data.class_counts)
        assert found.nc1 == pytest.approx(expected.nc1, rel=0.25)
        assert found.nc2_mse == pytest.approx(expected.nc2_mse, rel=0.25)
