"""Deep Recursive Feature Machines (Algorithm 1).

Each layer normalises its points, fits a kernel machine to the targets, takes the machine's AGOP M,
maps the points by M^1/2 and then by random features. Test points are carried along. One more
kernel machine, fitted behind the last layer, is the network's predictor.
"""

import dataclasses
import logging
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from ..common.blocks import panels
from ..common.classes import unit_rows
from ..common.errors import UserError
from ..common.out_of_memory import with_less_at_a_time
from ..common.seeding import generator
from ..data.dataset import Dataset, one_hot_targets
from . import agop
from .agop import Gradients, VanishedError
from .gram_system import SAMPLE, Pairs, SingularError
from .kernels.dot_product import DotProductKernel
from .kernels.radial import RadialKernel, safe_ridge, squared_distances, squared_norms
from .random_features import (
    FEATURE_MAPS,
    FeatureMap,
    fourier_features,
    linear_features,
    relu_features,
)

logger = logging.getLogger(__name__)

Kernel = RadialKernel | DotProductKernel
PRECISIONS = {"float32": torch.float32, "float64": torch.float64}
PROJECTIONS = ("agop", "identity")


@dataclass(frozen=True)
class Settings:
    """Everything that defines a Deep RFM but its data and seed; config.schema.yaml describes each.

    `n_features` is a number or "input_dim"; it and `gamma` serve cosine features, `width` and
    `weight_dist` ReLU and linear ones, `feature_bias` ReLU. `precision` is that of points, layer by
    layer; fits are in float64. `block_rows` bounds memory and changes nothing else.

    `kernel` is that of all layers, or a tuple of the layers' own; behind its end, as for the
    predictor behind the last layer, its last one goes on.
    """

    kernel: Kernel | tuple[Kernel, ...]
    feature_map: str
    projection: str
    depth: int
    bandwidth: float
    ridge: float
    iterations: int
    agop_norm: str
    agop_share: float
    width: int
    weight_dist: str
    feature_bias: float
    n_features: int | str
    gamma: float
    precision: str
    block_rows: int

    def at(self, number: int) -> "Settings":
        """Those of one layer, counted from 1, with the kernel that is its own."""
        if not isinstance(self.kernel, tuple):
            return self
        own = self.kernel[min(number, len(self.kernel)) - 1]
        return dataclasses.replace(self, kernel=own)


@dataclass(frozen=True)
class Problem:
    """What the kernel machine of a layer is fitted to, and tried on.

    x : (n, d), unit rows sorted by class; targets : (n, K) float64, +-1
    test_x : (m, d), unit rows, m >= 0; test_labels : (m,) int64
    class_counts : training points of each class, in order
    """

    x: Tensor
    targets: Tensor
    test_x: Tensor
    test_labels: Tensor
    class_counts: list[int]

    @classmethod
    def of(cls, data: Dataset, dtype: torch.dtype, device: torch.device) -> "Problem":
        """The first layer's."""
        targets = one_hot_targets(data.labels, data.classes, torch.float64).to(device)
        x, test_x = (unit_rows(points.to(device, dtype)) for points in (data.x, data.test_x))
        return cls(x, targets, test_x, data.test_labels.to(device), data.class_counts)

    def with_points(self, x: Tensor, test_x: Tensor) -> "Problem":
        """That of other points, those of another layer."""
        return dataclasses.replace(self, x=x, test_x=test_x)

    def untested(self) -> "Problem":
        """Without test points."""
        return dataclasses.replace(self, test_x=self.test_x[:0], test_labels=self.test_labels[:0])


@dataclass(frozen=True)
class Fit:
    """How a layer's predictor fits, and whether its numbers can be trusted.

    train_mse : mean squared error over points and outputs
    solve_residual : ||(K + ridge I) alpha - Y||_F / ||Y||_F
    sensitivity : ||alpha||_F sqrt(n) / ||Y||_F times the kernel matrix's largest entry, which is 1
        with radial kernels: how large an error of that size in each entry, of random sign, comes
        out
    within_distance : median distance between two points of one class; inf if no class has two
    between_distance : least distance between points of two classes that are not equal
    train_accuracy, test_accuracy : share of points whose largest output is their class;
        None without points
    valid : this layer and all before it have a small residual, even with rounding in the kernel
        matrix, and distances, within classes and between them, clear of rounding
    """

    train_mse: float
    solve_residual: float
    sensitivity: float
    within_distance: float
    between_distance: float
    train_accuracy: float
    test_accuracy: float | None
    valid: bool

    def __str__(self) -> str:
        """In words, for a log."""
        accuracy = f"training accuracy {self.train_accuracy:.1%}"
        if self.test_accuracy is not None:
            accuracy += f", test accuracy {self.test_accuracy:.1%}"
        trust = "" if self.valid else "; not to be trusted from here on"
        return (
            f"training error {self.train_mse:.2g}, {accuracy}, residual of the solve "
            f"{self.solve_residual:.1g}{trust}"
        )


@dataclass(frozen=True)
class Layer:
    """One layer: its input X_l, M_l^1/2, the feature map and the predictor.

    x : (n, d), rows of unit norm; root : (d, d); alpha : (n, K), rows of the kernel expansion;
    eigenvalues : (d,) float64, of the normalised AGOP, descending
    metric : (d, d), R of the kernel k(R x, R z) that alpha belongs to, the root of the iteration
        before the last; None where there is one iteration, in which R = I
    """

    x: Tensor
    root: Tensor
    features: FeatureMap
    alpha: Tensor
    eigenvalues: Tensor
    fit: Fit
    metric: Tensor | None = None

    def project(self, x: Tensor) -> Tensor:
        """M_l^1/2 x for the rows of x, normalised inputs of this layer."""
        return x @ self.root

    def advance(self, x: Tensor) -> Tensor:
        """The next layer's normalised input, Phi(M_l^1/2 x) / ||.||, for rows of x."""
        return unit_rows(self.features(self.project(x)))


@dataclass(frozen=True)
class Predictor:
    """A kernel machine alone, as Algorithm 1 ends with: alpha_{L+1}, which no AGOP is taken of.

    x, alpha, metric, fit : as those of a `Layer`
    """

    x: Tensor
    alpha: Tensor
    fit: Fit
    metric: Tensor | None = None


def build(
    data: Dataset,
    settings: Settings,
    seed: int,
    device: torch.device,
    done: Iterable[Layer] = (),
) -> Iterator[Layer]:
    """Yield the layers of a Deep RFM, one by one, from the first that is not in `done`.

    Parameters
    ----------
    data : training and test points; the order of the training points is by class
    settings, seed : what defines the network; each layer's random features have a generator of
        their own, so continuing from `done` gives the layers that an unbroken run gives
    device : where to compute; layers are on it
    done : the first layers, if they have been built before; each is needed once, in its turn

    Raises
    ------
    UserError : when the kernel system cannot be solved at all, for which the message names a ridge
        that would do; when the AGOP vanishes, or a layer has values that are not finite.
    """
    problem = Problem.of(data, PRECISIONS[settings.precision], device)
    layer, first, test_x, trusted = None, 1, problem.test_x, True
    for layer in done:
        first, test_x = first + 1, layer.advance(test_x)
        trusted = trusted and layer.fit.valid
    if layer is not None:
        problem = problem.with_points(layer.advance(layer.x), test_x)

    def fit(blocked: Settings) -> Layer:
        return fit_layer(problem, blocked, features, trusted)

    for number in range(first, settings.depth + 1):
        source = generator(seed, "feature map", number)
        drawn = draw_features(problem.x.shape[1], settings, source)
        features = drawn.to(device, problem.x.dtype)
        here = settings.at(number)
        layer, block_rows = _fit_with_care(fit, number, problem, data, here, trusted)
        settings = dataclasses.replace(settings, block_rows=block_rows)
        trusted = layer.fit.valid
        _expect_finite(layer, ("x", "root", "alpha", "eigenvalues"), number)
        yield layer
        if number < settings.depth:
            problem = problem.with_points(layer.advance(layer.x), layer.advance(problem.test_x))


def fit_predictor(
    data: Dataset, settings: Settings, device: torch.device, layers: Iterable[Layer]
) -> Predictor:
    """The machine that Algorithm 1 ends with, fitted to the points that the last layer hands on.

    It is what the next layer of a deeper run would fit, to the last bit. Of kernels of the layers'
    own it has the last one's.

    Parameters
    ----------
    data, settings, device : as in `build`
    layers : all of them in order, on the device; each is needed once, to carry the test points

    Raises
    ------
    UserError : as `build`.
    """
    problem = Problem.of(data, PRECISIONS[settings.precision], device)
    test_x, trusted = problem.test_x, True
    for layer in layers:
        test_x = layer.advance(test_x)
        trusted = layer.fit.valid
    problem = problem.with_points(layer.advance(layer.x), test_x)

    def fit(blocked: Settings) -> Predictor:
        return _fit_machine(problem, blocked, settings.iterations - 1, trusted)[0]

    number = settings.depth + 1
    here = settings.at(number)
    predictor, _ = _fit_with_care(fit, number, problem, data, here, trusted)
    _expect_finite(predictor, ("x", "alpha"), number)
    return predictor


def _fit_with_care(
    fit: Callable[[Settings], Layer | Predictor],
    number: int,
    problem: Problem,
    data: Dataset,
    settings: Settings,
    trusted: bool,
) -> tuple[Any, int]:
    """What `fit` makes, with advice if it fails or is the first that is not to be trusted.

    Returns
    -------
    Also how many `block_rows` there is memory for.
    """

    def attempt(block_rows: int) -> Layer | Predictor:
        try:
            return fit(dataclasses.replace(settings, block_rows=block_rows))
        except VanishedError as error:
            remedy = "Its ridge may be too large"
            if isinstance(settings.kernel, RadialKernel):
                remedy = (
                    f"Its bandwidth is {settings.bandwidth:g}, and half of the points are "
                    f"{_median_distance(problem.x):.2g} or less from another; give a bandwidth of "
                    "that order"
                )
            raise UserError(
                f"layer {number}: {error}: the predictor does not change with its input. {remedy}"
            ) from error
        except SingularError as error:
            cause = _lost_in_features(number, problem.x, data, settings) if number > 1 else ""
            raise UserError(f"layer {number}: {error}{cause}") from error

    made, block_rows = with_less_at_a_time(attempt, settings.block_rows, "block_rows")
    settings = dataclasses.replace(settings, block_rows=block_rows)
    if trusted and not made.fit.valid:
        logger.warning(
            "layer %d: not trustworthy (relative residual of the solve %.1e, sensitivity to "
            "rounding %.1e, distance within classes %.1e, between %.1e); it and the "
            "layers after it are marked invalid. %s",
            number,
            made.fit.solve_residual,
            made.fit.sensitivity,
            made.fit.within_distance,
            made.fit.between_distance,
            _remedy(made, problem, settings),
        )
    return made, block_rows


def _lost_in_features(number: int, x: Tensor, data: Dataset, settings: Settings) -> str:
    """What the feature map before a layer has to do with its system being singular, if anything."""
    features = x.shape[1]
    key = "n_features" if settings.feature_map == "cos" else "width"
    if features < data.classes:
        return (
            f"; or raise {key}: the layer before has {features}, fewer than the {data.classes} "
            "classes"
        )
    apart, before = (len(points.unique(dim=0)) for points in (x, data.x))
    if apart < before:
        return (
            f"; or raise {key}: the layer before has {features}, and makes {apart} different "
            f"points of {before}"
        )
    return ""


def draw_features(input_dim: int, settings: Settings, source: torch.Generator) -> FeatureMap:
    """The random feature map that `settings` asks for, in float64 on the CPU.

    Raises
    ------
    ValueError : on an unknown one.
    """
    if settings.feature_map == "relu":
        drawn = (settings.width, settings.weight_dist, source, settings.feature_bias)
        return relu_features(input_dim, *drawn)
    if settings.feature_map == "linear":
        return linear_features(input_dim, settings.width, settings.weight_dist, source)
    if settings.feature_map == "cos":
        wanted = settings.n_features
        n_features = input_dim if wanted == "input_dim" else int(wanted)
        return fourier_features(input_dim, n_features, settings.gamma, source)
    known = ", ".join(FEATURE_MAPS)
    raise ValueError(f"unknown feature map {settings.feature_map!r}; known: {known}")


def fit_layer(
    problem: Problem, settings: Settings, features: FeatureMap, trusted: bool = True
) -> Layer:
    """Fit the kernel machine of one layer and take its AGOP.

    With `iterations` > 1 the kernel acts on M^1/2 x with the M of the iteration before (RFM;
    Radhakrishnan et al. 2024); the paper has one iteration, from M = I.

    Parameters
    ----------
    problem : the layer's points and targets
    settings : with one kernel, the layer's
    features : the map this layer hands its points on to
    trusted : whether all layers before were valid

    Raises
    ------
    ValueError : on an unknown projection.
    UserError : when the kernel system cannot be solved at all.
    """
    machine, root, eigenvalues = _fit_machine(problem, settings, settings.iterations, trusted)
    x = problem.x
    root = root.to(x.dtype)
    return Layer(x, root, features, machine.alpha, eigenvalues, machine.fit, machine.metric)


def _fit_machine(
    problem: Problem, settings: Settings, agops: int, trusted: bool
) -> tuple[Predictor, Tensor, Tensor]:
    """The machine of the last iteration, and M^1/2 and the eigenvalues of M, float64.

    agops : of how many iterations, from the first, the AGOP is taken: all, or all but the last,
        whose AGOP only a layer needs. Everything else is as in `fit_layer`
    """
    if settings.projection not in PROJECTIONS:
        known = ", ".join(PROJECTIONS)
        raise ValueError(f"unknown projection {settings.projection!r}; known: {known}")
    x, targets, class_counts = problem.x, problem.targets, problem.class_counts
    # Distances, solve and AGOP lose too many digits in float32, whatever the points' precision.
    exact_x, exact_test_x = x.to(torch.float64), problem.test_x.to(torch.float64)
    root = torch.eye(x.shape[1], dtype=torch.float64, device=x.device)
    eigenvalues = torch.ones(x.shape[1], dtype=torch.float64, device=x.device)
    residual = sensitivity = 0.0
    size = torch.linalg.matrix_norm(targets)
    for iteration in range(settings.iterations):
        # M = I in the first iteration: multiplying by it would only cost time.
        first = iteration == 0
        metric = None if first else root
        z, test_z = (exact_x, exact_test_x) if first else (exact_x @ root, exact_test_x @ root)
        pairs = Pairs(z, class_counts, settings.kernel, settings.bandwidth, settings.block_rows)
        alpha = pairs.solve(targets, settings.ridge)
        outputs = pairs.apply(alpha)
        left_over = outputs + settings.ridge * alpha - targets
        residual = max(residual, float(torch.linalg.matrix_norm(left_over) / size))
        amplified = pairs.largest * torch.linalg.matrix_norm(alpha) * len(x) ** 0.5 / size
        sensitivity = max(sensitivity, float(amplified))
        within, between = pairs.within_distance(), pairs.between_distance()
        if settings.projection == "agop" and iteration < agops:
            points = z if first else z @ root
            try:
                root, eigenvalues = _agop_root(pairs, points, alpha, class_counts, settings)
            except VanishedError:
                # What was taken for a solution is none.
                if not is_trustworthy(residual, sensitivity, math.inf, math.inf, x.dtype):
                    kernel = (settings.kernel, settings.bandwidth, settings.block_rows)
                    again = Pairs(z, class_counts, *kernel)
                    raise again.singular(targets, settings.ridge) from None
                raise

    fit = Fit(
        train_mse=float((outputs - targets).square().mean()),
        solve_residual=residual,
        sensitivity=sensitivity,
        within_distance=within,
        between_distance=between,
        train_accuracy=_accuracy(outputs, targets.argmax(dim=1)),
        test_accuracy=_accuracy(_predict(test_z, z, alpha, settings), problem.test_labels),
        valid=trusted and is_trustworthy(residual, sensitivity, within, between, x.dtype),
    )
    if metric is not None:
        metric = metric.to(x.dtype)
    return Predictor(x, alpha.to(x.dtype), fit, metric), root, eigenvalues


def _agop_root(
    pairs: Pairs, points: Tensor, alpha: Tensor, class_counts: list[int], settings: Settings
) -> tuple[Tensor, Tensor]:
    """M^1/2 and the eigenvalues of M; the pairs are used up, and their array is free again."""
    along_points = pairs.along_points(alpha)
    gradients = Gradients.of(points, pairs.into_weights(), alpha, class_counts, along_points)
    sample = None
    if settings.agop_share < 1:
        sample = agop.Sample.of_classes(class_counts, settings.agop_share, points.device)
    return agop.square_root(gradients, settings.agop_norm, settings.block_rows, sample)


# Points of two classes that are nearer pull at each other so strongly that the AGOP, in which the
# pull is squared, keeps fewer than three digits.
NEAREST_CLASSES = 1e-5


def is_trustworthy(
    solve_residual: float,
    sensitivity: float,
    within_distance: float,
    between_distance: float,
    dtype: torch.dtype,
) -> bool:
    """Whether the solve has half its digits, and distances have three.

    The coordinates of unit vectors, and so their distances and the kernel matrix, carry an error of
    the order of the dtype's eps; the outputs, `sensitivity` times as much.
    """
    eps = torch.finfo(dtype).eps
    solved = solve_residual <= eps**0.5 and sensitivity * eps <= eps**0.5
    clear = within_distance >= 1e3 * eps
    return solved and clear and between_distance >= max(1e3 * eps, NEAREST_CLASSES)


def _expect_finite(made: Layer | Predictor, names: Sequence[str], number: int) -> None:
    """Raise UserError unless all values of a layer are finite, so that none other is ever saved."""
    for name in names:
        if not getattr(made, name).isfinite().all():
            raise UserError(
                f"layer {number}: {name} has values that are not finite; this ridge and bandwidth "
                "are not for these points"
            )


def _median_distance(x: Tensor) -> float:
    """Median over some points of the distance to the nearest other."""
    sample = x[:: max(1, len(x) // SAMPLE)].to(torch.float64)
    distance = squared_distances(sample, sample).sqrt_().fill_diagonal_(torch.inf)
    return float(distance.min(dim=1).values.median())


def _remedy(made: Layer | Predictor, problem: Problem, settings: Settings) -> str:
    """What would make a layer trustworthy, found by trying."""
    fit, x = made.fit, made.x
    if not is_trustworthy(0, 0, fit.within_distance, math.inf, x.dtype):
        return f"The classes have collapsed to the rounding of {settings.precision}."
    if not is_trustworthy(0, 0, math.inf, fit.between_distance, x.dtype):
        return (
            f"Two points of different classes are {fit.between_distance:.1e} apart: is one of them "
            "a copy, with another label?"
        )
    untested = problem.untested()
    ridge = safe_ridge(len(x), x.dtype)
    while ridge < len(x):
        trial = dataclasses.replace(settings, ridge=ridge)
        given = (untested, trial, settings.iterations - 1, True)
        if ridge > settings.ridge and _fit_machine(*given)[0].fit.valid:
            return f"A ridge of {ridge:.0e} would help."
        ridge *= 10
    return "No ridge would help."


def _predict(points: Tensor, centres: Tensor, alpha: Tensor, settings: Settings) -> Tensor:
    """The machine's outputs, (m, c) float64, at points other than its own."""
    outputs = alpha.new_empty(len(points), alpha.shape[1])
    norms, centre_norms = (squared_norms(x).sqrt_() for x in (points, centres))
    for rows in panels(len(points), settings.block_rows):
        distance = squared_distances(points[rows], centres).sqrt_()
        given = (distance, norms[rows], centre_norms, settings.bandwidth)
        outputs[rows] = settings.kernel.between(*given) @ alpha
    return outputs


def _accuracy(outputs: Tensor, labels: Tensor) -> float | None:
    """Share of rows whose largest entry is at the label."""
    return float((outputs.argmax(dim=1) == labels).double().mean()) if len(labels) else None
