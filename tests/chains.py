"""Networks with given weights, of any number of layers, and the same point by point by autograd."""

import numpy as np
import oracle
import torch
from agop_collapse.networks import architecture as networks
from agop_collapse.networks.activations import relu
from agop_collapse.networks.activations.activation import Activation
from agop_collapse.networks.losses.loss import Loss
from torch import Tensor, nn

COUNTS = [5, 2, 4]
TANH = Activation(torch.tanh, lambda x: 1 - torch.tanh(x) ** 2)
HALF_SQUARES = Loss(lambda outputs, targets: ((outputs - targets) ** 2).sum(dim=1).mean() / 2, 0.05)


def chain(weights: list[Tensor], activation=relu.activation, biases: list[Tensor] | None = None):
    """A network of any number of hidden layers with these weights, the last of the readout."""
    network = networks.Network(nn.Identity(), 1, 1, 1, activation)
    layers = []
    for index, weight in enumerate(weights):
        layer = nn.Linear(weight.shape[1], weight.shape[0], bias=biases is not None)
        layer.weight = nn.Parameter(weight.clone())
        if biases is not None:
            layer.bias = nn.Parameter(biases[index].clone())
        layers.append(layer)
    network.hidden, network.readout = nn.ModuleList(layers[:-1]), layers[-1]
    return network


def normal(seed: int, *shape: int) -> Tensor:
    return torch.tensor(np.random.default_rng(seed).normal(size=shape))


def targets(counts: list[int]) -> Tensor:
    return torch.tensor(oracle.plus_minus_one(oracle.classes_of(counts), len(counts)))


def pearson(a, b) -> float:
    return float(np.corrcoef(np.asarray(a).flatten(), np.asarray(b).flatten())[0, 1])


def cosine(a, b) -> float:
    a, b = np.asarray(a), np.asarray(b)
    return float((a * b).sum() / np.linalg.norm(a) / np.linalg.norm(b))


def power_of(matrix: np.ndarray, power: float) -> np.ndarray:
    """Of a positive semi-definite matrix; what is left of eigenvalues 0 is taken to be 0."""
    values, vectors = np.linalg.eigh(matrix)
    return (vectors * np.where(values > 1e-14 * values[-1], values, 0) ** power) @ vectors.T


class Literal:
    """Jacobians and gradients of the loss at one layer, point by point, by torch.func."""

    def __init__(self, network, x: Tensor, labels: Tensor, index: int, loss: Loss):
        def after(z: Tensor) -> Tensor:
            for layer in [*network.hidden[index + 1 :], network.readout]:
                z = layer(network.activation.function(z.clone()))
            return z

        def own_loss(h: Tensor, target: Tensor) -> Tensor:
            return loss.value(after(layer(h))[None], target[None])

        layer = network.hidden[index]
        for before in network.hidden[:index]:
            x = network.activation.function(before(x).clone())
        by_input = torch.func.jacrev(lambda h: after(layer(h)))
        self.jacobians = torch.stack([by_input(h) for h in x]).detach()
        self.by_z = torch.stack([torch.func.jacrev(after)(layer(h)) for h in x]).detach()
        gradient = torch.func.grad(own_loss)
        self.loss_gradients = torch.stack(
            [gradient(h, target) for h, target in zip(x, labels, strict=True)]
        ).detach()
        by_z = torch.func.grad(lambda z, target: loss.value(after(z)[None], target[None]))
        self.deltas = torch.stack(
            [by_z(layer(h), target) for h, target in zip(x, labels, strict=True)]
        ).detach()
        self.inputs, self.weight = x.detach(), layer.weight.detach()

    def agop(self, centred: bool) -> np.ndarray:
        jacobians = self.jacobians - centred * self.jacobians.mean(dim=0)
        return sum(j.T @ j for j in jacobians).numpy() / len(jacobians)
