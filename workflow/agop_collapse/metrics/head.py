"""One sweep over a network's head: Jacobians, gradients of the loss and spectra at each layer."""

from dataclasses import dataclass

import torch
from torch import Tensor

from ..common.blocks import symmetric_product
from ..common.device import off_mps
from ..data.dataset import one_hot_targets
from ..networks.architecture import Network
from ..networks.losses.loss import Loss
from .layer import Layer, LossGradients, loss_by_outputs
from .singular_directions import Spectra, measure_spectra

# Points whose Jacobians, K x width numbers each, are held at a time.
AT_A_TIME = 512


@dataclass(frozen=True)
class HeadLayer(Layer):
    """A hidden layer of the head, on all training points.

    spectra : of W and of the layer's input; None where not asked for
    """

    spectra: Spectra | None


@torch.no_grad()
def measure_head(
    network: Network,
    x: Tensor,
    class_counts: list[int],
    at_a_time: int = AT_A_TIME,
    loss: Loss | None = None,
    spectra: bool = False,
) -> list[HeadLayer]:
    """AGOP and gradients of the loss at each hidden layer of a network.

    The network runs in its own precision, in evaluation mode; so do sums over the Jacobians of
    `at_a_time` points. Sums over all points, and all that is done with them, are in float64, on the
    device of x unless that has none (Apple's mps): then on the CPU. One
    forward pass and one backward sweep serve all layers: with H_l the Gram matrix of the Jacobians
    by the pre-activation W_l x, the AGOP is W_l^T H_l W_l, and no d x d Jacobian is formed.

    Parameters
    ----------
    network : on the device of x; of any number of hidden layers, with biases or without
    x : (n, d) rows of pixels, sorted by class
    class_counts : points of each class, in order
    at_a_time : points that go through the backbone together, and whose Jacobians are held
    loss : the network's own, for FACT and eNFA; None leaves them out
    spectra : whether to measure the spectra of W and of the input, which takes a decomposition of
        each and two products of all points with the singular vectors

    Raises
    ------
    ValueError : when a loss is given and there are not as many outputs as classes.
    """
    network.eval()
    features = torch.cat([network.backbone(part) for part in x.split(at_a_time)])
    points = features
    slopes, of_inputs = [], []
    for layer in network.hidden:
        given = off_mps(layer.weight), off_mps(points), class_counts
        of_inputs.append(measure_spectra(*given) if spectra else None)
        points = layer(points)
        slopes.append(network.activation.derivative(points))
        points = network.activation.function(points)

    by_outputs = None
    if loss is not None:
        outputs = off_mps(network.readout(points))
        by_outputs = loss_by_outputs(outputs, _targets(class_counts, outputs), loss)
    del points
    sums = _sweep(network, features, slopes, by_outputs, at_a_time)
    layers = []
    for index, layer in enumerate(network.hidden):
        layers.append(
            HeadLayer(
                weight=off_mps(layer.weight.detach()).double(),
                gram=sums[index].gram / len(x),
                mean_gram=symmetric_product(sums[index].jacobian / len(x)),
                eps=torch.finfo(layer.weight.dtype).eps,
                maps=len(network.hidden) + 1 - index,
                loss=sums[index].loss_gradients(len(x)),
                spectra=of_inputs[index],
            )
        )
    return layers


def _targets(class_counts: list[int], like: Tensor) -> Tensor:
    classes = len(class_counts)
    labels = torch.repeat_interleave(torch.arange(classes), torch.tensor(class_counts))
    return one_hot_targets(labels, classes, torch.float64).to(like.device)


class _Sums:
    """Sums over points of one layer, in float64."""

    def __init__(self, weight: Tensor, outputs: int, with_loss: bool):
        w, weight = len(weight), off_mps(weight)
        self.gram = weight.new_zeros(w, w, dtype=torch.float64)
        self.jacobian = weight.new_zeros(outputs, w, dtype=torch.float64)
        self._by_weight = torch.zeros_like(weight, dtype=torch.float64) if with_loss else None
        self._loss_gram = torch.zeros_like(self.gram) if with_loss else None

    def add_jacobians(self, gram: Tensor, total: Tensor) -> None:
        """Add the sums over some points of J^T J, (w, w), and of J, (K, w)."""
        self.gram += off_mps(gram)
        self.jacobian += off_mps(total)

    def add_gradients(self, delta: Tensor, inputs: Tensor) -> None:
        """Add dl/dz, (b, w), and the layer's inputs, (b, d), of some points."""
        self._by_weight += off_mps(delta.T @ inputs)
        self._loss_gram += off_mps(symmetric_product(delta))

    def loss_gradients(self, n: int) -> LossGradients | None:
        if self._by_weight is None:
            return None
        return LossGradients(self._by_weight / n, self._loss_gram / n)


def _sweep(
    network: Network,
    features: Tensor,
    slopes: list[Tensor],
    by_outputs: Tensor | None,
    at_a_time: int,
) -> list[_Sums]:
    """What `_Sums` holds, of each hidden layer, over all points.

    features : (n, d_1) inputs of the first layer
    slopes : of each layer (n, w), the activation's derivative at the pre-activations
    by_outputs : (n, K) float64, dl_i/df
    """
    weights, readout = [layer.weight for layer in network.hidden], network.readout.weight
    n, last = len(features), len(weights) - 1
    sums = [_Sums(weight, len(readout), by_outputs is not None) for weight in weights]
    for start in range(0, n, at_a_time):
        rows = slice(start, start + at_a_time)
        slope = slopes[last][rows].to(readout.dtype)
        # The last layer's Jacobian is the readout with each column times its slope.
        gram = symmetric_product(slope) * (readout.T @ readout)
        sums[last].add_jacobians(gram, readout * slope.sum(dim=0))
        jacobian = readout * slope[:, None]
        for layer in reversed(range(last)):
            jacobian = jacobian @ weights[layer + 1]
            jacobian *= slopes[layer][rows, None]
            gram = symmetric_product(jacobian.flatten(0, 1))
            sums[layer].add_jacobians(gram, jacobian.sum(dim=0))
        if by_outputs is None:
            continue
        inputs = _inputs(network, features[rows])
        by_readout = by_outputs[rows].to(readout.dtype).to(readout.device)
        delta = (by_readout @ readout) * slope
        sums[last].add_gradients(delta, inputs[last])
        for layer in reversed(range(last)):
            delta = (delta @ weights[layer + 1]) * slopes[layer][rows]
            sums[layer].add_gradients(delta, inputs[layer])
    return sums


def _inputs(network: Network, points: Tensor) -> list[Tensor]:
    """Inputs of each hidden layer once more: held for all points, they would fill the memory."""
    inputs = [points]
    for layer in network.hidden[:-1]:
        inputs.append(network.activation.function(layer(inputs[-1])))
    return inputs
