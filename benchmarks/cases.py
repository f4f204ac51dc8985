"""What is compared: one piece of work, done by the library and by the plain baseline.

The baseline, tests/plain.py, is what a straightforward implementation does. Both sides get the same
points in the same precision, and hand back what was asked of them.
"""

from collections.abc import Callable
from dataclasses import dataclass

import papers
import plain
import torch
from agop_collapse.common.classes import unit_rows
from agop_collapse.data.dataset import one_hot_targets
from agop_collapse.machine import agop, deep_rfm
from agop_collapse.machine.agop import Gradients
from agop_collapse.machine.gram_system import Pairs
from agop_collapse.machine.random_features import relu_features
from agop_collapse.metrics import ansatz, collapse, head
from agop_collapse.networks import architecture as networks
from agop_collapse.networks.features import layer_points
from torch import Tensor

CLASSES = 10
BANDWIDTH, RIDGE, BLOCK_ROWS = papers.PAPER.bandwidth, papers.PAPER.ridge, papers.PAPER.block_rows
# Standard deviation of points about their class mean, whose norm is about 1, before the features.
SPREAD = 0.7


@dataclass(frozen=True)
class Case:
    """Work at one size: the two sides, and what the ratio of their times should be at least."""

    work: str
    n: int
    d: int
    precision: str
    fast: Callable[[], object]
    plain: Callable[[], object]
    target: float | None = None


@dataclass(frozen=True)
class Machine:
    """A layer's points, of a mixture of ten classes behind random ReLU features, and targets."""

    x: Tensor
    targets: Tensor
    counts: list[int]


def machine(n: int, d: int, precision: str, device: torch.device) -> Machine:
    """Points of unit norm, (n, d), sorted by class; the same for the same arguments."""
    generator = torch.Generator().manual_seed(n + d)
    counts = [n // CLASSES + (k < n % CLASSES) for k in range(CLASSES)]
    labels = torch.repeat_interleave(torch.arange(CLASSES), torch.tensor(counts))
    means = torch.randn(CLASSES, 100, generator=generator, dtype=torch.float64) / 10
    noise = torch.randn(n, 100, generator=generator, dtype=torch.float64) / 10
    features = relu_features(100, d, "gaussian", generator)
    x = unit_rows(features(means[labels] + SPREAD * noise))
    targets = one_hot_targets(labels, CLASSES, torch.float64)
    dtype = deep_rfm.PRECISIONS[precision]
    return Machine(x.to(device, dtype), targets.to(device), counts)


def agop_case(
    n: int, d: int, precision: str, device: torch.device, target: float | None = None
) -> Case:
    """Kernel, solve and AGOP of a Laplace machine: from points to what the root is taken of.

    That is M, (d, d), or on the Gram side, which never forms it, the factors of M = Q A Q^T. Both
    sides also give the outputs at the points, for the accuracy.
    """
    given = machine(n, d, precision, device)

    def fast() -> tuple[object, Tensor]:
        x = given.x.double()
        pairs = Pairs(x, given.counts, papers.PAPER.kernel, BANDWIDTH, BLOCK_ROWS)
        alpha = pairs.solve(given.targets, RIDGE)
        outputs = pairs.apply(alpha)
        gradients = Gradients.of(x, pairs.into_weights(), alpha, given.counts)
        if agop.cheapest_form(n, d, CLASSES, CLASSES) is agop.gram_side_root:
            return agop.gram_side(gradients, BLOCK_ROWS), outputs
        return agop.hadamard_form(gradients, BLOCK_ROWS), outputs

    def straightforward() -> tuple[Tensor, Tensor]:
        return plain.fit("laplace", given.x, given.targets.to(given.x.dtype), BANDWIDTH, RIDGE)

    return Case("kernel + solve + AGOP", n, d, precision, fast, straightforward, target)


def fast_layer(given: Machine, settings: deep_rfm.Settings) -> deep_rfm.Layer:
    """A layer of Deep RFM by the library, without test points."""
    features = relu_features(
        given.x.shape[1], settings.width, "uniform", torch.Generator().manual_seed(0)
    ).to(given.x.device, given.x.dtype)
    nobody = given.x[:0]
    labels = torch.zeros(0, dtype=torch.int64, device=given.x.device)
    problem = deep_rfm.Problem(given.x, given.targets, nobody, labels, given.counts)
    return deep_rfm.fit_layer(problem, settings, features)


def plain_layer(given: Machine) -> tuple[Tensor, Tensor]:
    """M^1/2 and the outputs at the layer's own points."""
    targets = given.targets.to(given.x.dtype)
    outer, outputs = plain.fit("laplace", given.x, targets, BANDWIDTH, RIDGE)
    # The authors' Deep RFM takes this root in float64, their networks' in float32.
    return plain.root_of(outer.double()).to(outer.dtype), outputs


def layer_case(n: int, d: int, precision: str, device: torch.device, target: float) -> Case:
    """A whole layer: kernel, solve, AGOP, root, features, and the collapse of its three stages."""
    given = machine(n, d, precision, device)
    settings = papers.settings(precision=precision)

    def fast() -> list[object]:
        layer = fast_layer(given, settings)
        projected = layer.project(given.x)
        stages = given.x, projected, layer.features(projected)
        return [collapse.measure(points, given.counts) for points in stages]

    def straightforward() -> list[object]:
        root, _ = plain_layer(given)
        projected = given.x @ root
        features = relu_features(d, 1024, "uniform", torch.Generator().manual_seed(0))
        mapped = features.to(given.x.device, given.x.dtype)(projected)
        return [plain.collapse(points, given.counts) for points in (given.x, projected, mapped)]

    return Case("whole layer", n, d, precision, fast, straightforward, target)


@torch.no_grad()
def fast_network(network: networks.Network, x: Tensor, counts: list[int]) -> list[float]:
    """The AGOP of each hidden layer, the collapse of its stages, and its NFA, which is returned."""
    for layer in layer_points(network, x, head.AT_A_TIME):
        for points in layer.values():
            collapse.measure(points, counts)
    return [ansatz.nfa(layer) for layer in head.measure_head(network, x, counts)]


def network_case(n: int, d: int, width: int, device: torch.device, target: float) -> Case:
    """One measurement of an MLP, in its float32: AGOP, NFA and collapse of five layers."""
    given = machine(n, d, "float32", device)
    network = networks.build(papers.mlp(width, 1.0), (1, 1, d), CLASSES, 0)
    network.to(device)
    weights = [layer.weight.detach() for layer in [*network.hidden, network.readout]]

    def fast() -> list[float]:
        return fast_network(network, given.x, given.counts)

    def straightforward() -> list[dict]:
        return plain.measure_head(weights, given.x, given.counts)

    return Case("network measurement", n, d, "float32", fast, straightforward, target)


def all_cases(device: torch.device, quick: bool) -> list[Callable[[], Case]]:
    """Functions that make the cases, one at a time: together their points would fill the memory."""
    if quick:
        return [
            lambda: agop_case(60, 20, "float64", device, 1),
            lambda: agop_case(60, 20, "float32", device),
            lambda: layer_case(40, 80, "float64", device, 1),
            lambda: network_case(50, 30, 16, device, 1),
        ]
    made = [
        lambda n=n, d=d, target=target: agop_case(n, d, "float64", device, target)
        for n, d, target in [
            (1000, 1024, None),
            (1000, 3072, 12),
            (2000, 1024, None),
            (4000, 1024, 5),
            (4000, 3072, 12),
            (8000, 1024, 3),
        ]
    ]
    made.append(lambda: agop_case(2000, 1024, "float32", device))
    made += [
        lambda n=n, d=d: layer_case(n, d, "float64", device, 4)
        for n, d in [(1000, 1024), (2000, 3072), (4000, 1024)]
    ]
    made += [
        lambda d=d, target=target: network_case(2000, d, 512, device, target)
        for d, target in [(784, 3.5), (3072, 8)]
    ]
    return made
