"""The ansatz and collapse at named layers of any torch network, convolutions among them.

Forward hooks find a layer's input and pre-activation z; gradients by z are all that is taken of the
outputs. A convolution's patches count as independent inputs (arXiv:2309.00570), and as
z[:, p] = W patch_p at each position p, its patch AGOP is W^T H W, H the mean over images of the sum
over positions and outputs of (df_o/dz[:, p]) (df_o/dz[:, p])^T. No patch is ever formed.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from ..common.blocks import symmetric_product
from ..common.device import off_mps
from ..common.errors import UserError
from ..data.dataset import one_hot_targets
from ..networks import layers
from ..networks.losses.loss import Loss
from . import collapse
from .collapse import Collapse
from .layer import Layer, LossGradients, loss_by_outputs

# Points whose pass through the network is held at a time.
AT_A_TIME = 64

# Functions of each entry, by their names in torch, with or without the "_" of those in place.
# fmt: off
ACTIVATIONS = frozenset((
    "celu", "elu", "erf", "gelu", "hardshrink", "hardsigmoid", "hardswish", "hardtanh",
    "leaky_relu", "logsigmoid", "mish", "prelu", "relu", "relu6", "selu", "sigmoid", "silu",
    "softplus", "softshrink", "softsign", "tanh", "tanhshrink", "threshold",
))
# fmt: on

# What looks at a tensor, and makes nothing of it.
LOOKS = frozenset(("__get__", "dim", "size", "is_floating_point", "numel", "__len__"))


@dataclass(frozen=True)
class MeasuredLayer:
    """A layer of a network, on all training points.

    name : as `named_modules` has it
    kind : "linear" or "conv2d"
    groups : of a convolution, its groups, each with W (outputs of it, inputs of it x height x
        width) on its own channels; of a linear layer just one. Their `maps` is None
    stages : collapse of the layer's input ("input"); of its outputs ("right", as U only turns
        S V^T x, and a bias moves all points alike); and of what an activation makes of these
        ("full"), where one is applied to them and nothing else is: not behind a batch
        normalisation, nor where they also go past it. Images count as rows of channels x height x
        width
    """

    name: str
    kind: str
    groups: list[Layer]
    stages: dict[str, Collapse]


def measure_layers(
    network: nn.Module,
    x: Tensor,
    class_counts: list[int],
    names: Sequence[str] | str = "all",
    at_a_time: int = AT_A_TIME,
    loss: Loss | None = None,
) -> list[MeasuredLayer]:
    """The ansatz and collapse at named linear layers and 2-d convolutions.

    One forward pass and K backward passes over each batch serve all layers. They are in the
    network's own precision and in evaluation mode, in which the network is left; sums over all
    points are in float64, on the device of x unless that has none (Apple's mps). Held at a time are
    the passes of `at_a_time` points, and for each layer the class means of its features and the
    mean Jacobian, K x its outputs.

    Parameters
    ----------
    network : on the device of x; maps (n, ...) points to (n, K) outputs, each point by itself
    x : (n, ...) points as the network takes them, sorted by class
    class_counts : points of each class, in order
    names : of the layers, as `network.named_modules()` has them; "all" for every linear layer and
        2-d convolution that the points come to, in the order in which they do
    at_a_time : points that go through the network together
    loss : the network's own, for FACT and eNFA; None leaves them out

    Returns
    -------
    MeasuredLayer for each name, in order. A linear layer on (n, positions, d) is measured as a
    convolution is: each position an input.

    Raises
    ------
    UserError : on names that are none of the network's, of other kinds of layers, or twice; on
        layers that the points do not come to, or come to more than once; on outputs that are not
        (n, K). The message says which, and what there is.
    ValueError : when the counts do not sum to n, or a loss is given and K is not their number.
    """
    if sum(class_counts) != len(x) or len(class_counts) < 2:
        raise ValueError(f"class counts {class_counts} do not split {len(x)} points into classes")
    network.eval()
    chosen = layers.find(network, names, x[:1])
    classes = len(class_counts)
    labels = torch.repeat_interleave(torch.arange(classes), torch.tensor(class_counts))
    targets = one_hot_targets(labels, classes, torch.float64)
    sums = [_Sums(name, module, class_counts, loss is not None) for name, module in chosen.items()]
    for rows in torch.arange(len(x)).split(at_a_time):
        points, own = x[rows[0] : rows[-1] + 1], labels[rows]
        with torch.enable_grad():
            with _watched(sums, own):
                outputs = network(points)
            _check_outputs(outputs, len(points))
            for one in sums:
                layers.expect_reached(network, one.name, one.outputs is not None, x[:1])
            for one in sums:
                one.end()
            _add_gradients(sums, outputs, targets[rows], loss)
    return [one.measured() for one in sums]


# --- a pass -----------------------------------------------------------------------------------


@contextmanager
def _watched(sums: list["_Sums"], labels: Tensor) -> Iterator[None]:
    """A forward pass meanwhile shows each layer's input, outputs and activation to its sums."""
    with ExitStack() as stack:
        for one in sums:
            one.begin(labels)
            stack.callback(one.module.register_forward_hook(one.forward).remove)
        stack.enter_context(_Activations(sums))
        yield


class _Activations(TorchFunctionMode):
    """Notices an activation that is applied to a layer's outputs, as a module or a function."""

    def __init__(self, sums: list["_Sums"]):
        super().__init__()
        self._sums = sums

    def __torch_function__(
        self, function: Callable, types: tuple, args: tuple = (), kwargs: dict | None = None
    ) -> object:
        kwargs = kwargs or {}
        result = function(*args, **kwargs)
        name = getattr(function, "__name__", "")
        if name not in LOOKS:
            inputs = [*args, *kwargs.values()]
            # A concatenation is given a list of tensors.
            inputs += [one for given in inputs if isinstance(given, list | tuple) for one in given]
            for one in self._sums:
                if one.outputs is not None and any(given is one.outputs for given in inputs):
                    one.used(result if name.removesuffix("_") in ACTIVATIONS else None)
        return result


def _check_outputs(outputs: object, n: int) -> None:
    if isinstance(outputs, Tensor):
        if outputs.dim() == 2 and len(outputs) == n:
            return
        what = f"shape {tuple(outputs.shape)}"
    else:
        what = f"a {type(outputs).__name__}"
    raise UserError(f"the network maps {n} points to {what}; it must be (points, outputs)")


def _add_gradients(
    sums: list["_Sums"], outputs: Tensor, targets: Tensor, loss: Loss | None
) -> None:
    """K backward passes, one for each output, and one for the loss."""
    by_loss = None
    if loss is not None:
        made = off_mps(outputs)
        by_loss = loss_by_outputs(made, targets.to(made.device), loss).to(outputs.dtype)
        by_loss = by_loss.to(outputs.device)
    if not outputs.requires_grad:
        raise UserError("the network's outputs do not depend on the layers that are measured")
    probes = [one.probe for one in sums]
    for k in range(outputs.shape[1]):
        last = k + 1 == outputs.shape[1] and by_loss is None
        gradients = torch.autograd.grad(
            outputs[:, k].sum(), probes, retain_graph=not last, materialize_grads=True
        )
        for one, gradient in zip(sums, gradients, strict=True):
            one.add_jacobian(k, gradient)
    if by_loss is not None:
        gradients = torch.autograd.grad(outputs, probes, by_loss, materialize_grads=True)
        for one, gradient in zip(sums, gradients, strict=True):
            one.add_loss(gradient)


# --- sums over points -------------------------------------------------------------------------


class _Features:
    """Collapse of features that are seen a batch at a time: the means of each class, and squares.

    Squares are about the class means so far, and moved as these move: nothing cancels.
    """

    def __init__(self, class_counts: list[int]):
        self._counts = class_counts
        self._seen = [0] * len(class_counts)
        self._means: Tensor | None = None
        self._squares = [0.0] * len(class_counts)

    def add(self, points: Tensor, labels: Tensor) -> None:
        """Add some points, (b, ...), each a row of features, and their classes, (b,)."""
        points = off_mps(points.detach().flatten(1)).double()
        if self._means is None:
            self._means = points.new_zeros(len(self._counts), points.shape[1])
        for label in labels.unique().tolist():
            own = points[(labels == label).to(points.device)]
            before, count = self._seen[label], len(own)
            mean = own.mean(dim=0)
            step = mean - self._means[label]
            moved = before * count / (before + count) * float(step.square().sum())
            self._squares[label] += float((own - mean).square().sum()) + moved
            self._means[label] += step * (count / (before + count))
            self._seen[label] = before + count

    def collapse(self) -> Collapse:
        """As `collapse.measure` has it of all points at once."""
        between = collapse.measure(self._means, [1] * len(self._counts))
        within = math.fsum(self._squares) / sum(self._counts)
        apart = not math.isnan(between.nc1)
        nc1 = within / between.trace_between if apart else math.nan
        # All else is of the class means alone.
        return replace(between, nc1=nc1, nc1_code=nc1 / len(self._counts), trace_within=within)


class _Sums:
    """What is summed over points at one layer, batch by batch.

    outputs : what the layer made of the present batch, and the network went on with
    probe : zeros that were added to it, by which gradients are taken: so neither the parameters nor
        the points need any, and no activation in place changes what the layer's own pass has saved
    """

    def __init__(self, name: str, module: nn.Module, class_counts: list[int], with_loss: bool):
        self.name, self.module = name, module
        self.outputs: Tensor | None = None
        self.probe: Tensor | None = None
        self._n, self._with_loss = sum(class_counts), with_loss
        groups = module.groups if isinstance(module, nn.Conv2d) else 1
        self._weight = module.weight.detach()
        size = len(self._weight) // groups
        self._groups = [slice(group * size, (group + 1) * size) for group in range(groups)]
        self._by_weight = torch.zeros_like(off_mps(self._weight), dtype=torch.float64)
        self._grams = [self._square(rows) for rows in self._groups]
        self._loss_grams = [self._square(rows) for rows in self._groups]
        self._jacobian: dict[int, Tensor] = {}
        self._input, self._right = _Features(class_counts), _Features(class_counts)
        self._full: _Features | None = _Features(class_counts)

    def _square(self, rows: slice) -> Tensor:
        size = rows.stop - rows.start
        return self._by_weight.new_zeros(size, size)

    def begin(self, labels: Tensor) -> None:
        """Wait for a batch of points of these classes."""
        self._labels = labels
        self.outputs = self.probe = self._given = self._activated = None
        self._tracked = True

    def forward(self, module: nn.Module, inputs: tuple, outputs: Tensor) -> Tensor:
        """A forward hook."""
        (given,) = inputs
        layers.expect_one_input(self.name, self.outputs is None, given, len(self._labels))
        self._input.add(given, self._labels)
        self._right.add(outputs, self._labels)
        if self._with_loss:
            self._given = given.detach().clone()
        self.probe = torch.zeros_like(outputs).requires_grad_()
        self.outputs = outputs + self.probe
        return self.outputs

    def used(self, activated: Tensor | None) -> None:
        """The outputs went into an activation, which made this of them; or, None, into another."""
        if not self._tracked:
            return
        if activated is None or self._activated is not None:
            self._full = None
            self._tracked = False
            return
        self._activated = activated.detach().clone()
        # In place, what is done with the outputs from here on is done with what it made.
        self._tracked = activated is not self.outputs

    def end(self) -> None:
        """The batch's pass is over."""
        if self._full is not None:
            if self._activated is None:
                self._full = None
            else:
                self._full.add(self._activated, self._labels)
        self._activated = None

    def add_jacobian(self, output: int, gradient: Tensor) -> None:
        """Add gradients of one of the outputs by the layer's, in their shape."""
        by_channel = self._by_channel(gradient)
        total = off_mps(by_channel).double().sum(dim=0)
        self._jacobian[output] = self._jacobian.get(output, 0) + total
        self._add_squares(self._grams, by_channel)

    def add_loss(self, gradient: Tensor) -> None:
        """Add gradients of each point's loss by the layer's outputs, in their shape."""
        self._add_squares(self._loss_grams, self._by_channel(gradient))
        if isinstance(self.module, nn.Conv2d):
            with torch.enable_grad():
                weight = self._weight.clone().requires_grad_()
                # Torch's own, for all that a convolution pads with.
                outputs = self.module._conv_forward(self._given, weight, None)
                (by_weight,) = torch.autograd.grad(outputs, weight, gradient)
        else:
            by_weight = gradient.flatten(0, -2).T @ self._given.flatten(0, -2)
        self._by_weight += off_mps(by_weight)

    def _by_channel(self, gradient: Tensor) -> Tensor:
        """(b, channels, positions) of gradients in the shape of the layer's outputs."""
        if not isinstance(self.module, nn.Conv2d):
            gradient = gradient.movedim(-1, 1)
        return gradient.flatten(2) if gradient.dim() > 2 else gradient[:, :, None]

    def _add_squares(self, sums: list[Tensor], by_channel: Tensor) -> None:
        rows = by_channel.transpose(1, 2).flatten(0, 1)
        for total, channels in zip(sums, self._groups, strict=True):
            total += off_mps(symmetric_product(rows[:, channels]))

    def measured(self) -> MeasuredLayer:
        """What came of it."""
        n = self._n
        # (channels, outputs x positions)
        mean = torch.cat(list(self._jacobian.values()), dim=1) / n
        weight = off_mps(self._weight).double().flatten(1)
        by_weight = self._by_weight.flatten(1) / n
        groups = [
            Layer(
                weight=weight[rows],
                gram=self._grams[group] / n,
                mean_gram=symmetric_product(mean[rows].T),
                eps=torch.finfo(self._weight.dtype).eps,
                maps=None,
                loss=LossGradients(by_weight[rows], self._loss_grams[group] / n)
                if self._with_loss
                else None,
            )
            for group, rows in enumerate(self._groups)
        ]
        stages = {"input": self._input.collapse(), "right": self._right.collapse()}
        if self._full is not None:
            stages["full"] = self._full.collapse()
        return MeasuredLayer(self.name, layers.kind(self.module), groups, stages)
