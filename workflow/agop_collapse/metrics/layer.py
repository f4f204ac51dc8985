"""What the neural feature ansatz and its kin need of one layer z = W h, whatever network it is in.

The AGOP by the layer's input h is W^T H W, H the same by the pre-activation z; so a layer is W and
a few w x w matrices, and nothing of d x d is formed.
"""

from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from ..networks.losses.loss import Loss
from .factored import Eigenpairs, eigenpairs

# Of centred Jacobians less than this many rounding units of the plain ones are rounding: the sums
# run over thousands of points in the network's own precision.
CANCELLED = 1024


@dataclass(frozen=True)
class LossGradients:
    """Gradients of the mean loss over all points.

    by_weight : (w, d) float64, by W: the mean over points of (dl_i/dz) h_i^T
    gram : (w, w) float64, the mean over points of (dl_i/dz) (dl_i/dz)^T
    """

    by_weight: Tensor
    gram: Tensor


@dataclass(frozen=True)
class Layer:
    """One layer of a network, on all training points; of a convolution, one group.

    weight : (w, d) float64 W, the factor of the neural feature matrix W^T W
    gram : (w, w) float64 H, the mean over points of J^T J, J (K, w) the Jacobian of the outputs by
        the pre-activation
    mean_gram : (w, w) float64 Jbar^T Jbar, Jbar the mean over points of J
    eps : the rounding unit of the network's passes, which the two are made of
    maps : linear maps from this layer to the outputs, this one and the readout counted,
        L - l + 1; None where the network is not one chain
    loss : gradients of the loss; None where no loss was given
    """

    weight: Tensor
    gram: Tensor
    mean_gram: Tensor
    eps: float
    maps: int | None
    loss: LossGradients | None

    @cached_property
    def agop(self) -> Eigenpairs:
        """The AGOP, W^T H W, by eigenpairs."""
        return eigenpairs(self.weight, self.gram)

    @cached_property
    def agop_centred(self) -> Eigenpairs:
        """The covariance of the Jacobians by the layer's input: each less their mean over points.

        0 where the Jacobians do not differ but for rounding, as in a linear network.
        """
        centred = self.gram - self.mean_gram
        if centred.trace() <= CANCELLED * self.eps * self.gram.trace():
            centred = torch.zeros_like(centred)
        return eigenpairs(self.weight, centred)

    @property
    def agop_factor(self) -> Tensor:
        """(min(w, d), d) float64 F, F^T F the AGOP."""
        return self.agop.factor(1)

    @property
    def root_factor(self) -> Tensor:
        """(min(w, d), d) float64 F, F^T F = AGOP^1/2, the AGOP's symmetric square root."""
        return self.agop.factor(0.5)


def loss_by_outputs(outputs: Tensor, targets: Tensor, loss: Loss) -> Tensor:
    """dl_i/df of each point's own loss, (n, K) float64, where the loss is the mean of the l_i.

    Parameters
    ----------
    outputs : (n, K) floating tensor; targets : (n, K) float64, +1 at the class and -1 elsewhere

    Raises
    ------
    ValueError : when there are not as many outputs as classes.
    """
    if outputs.shape != targets.shape:
        raise ValueError(f"outputs {tuple(outputs.shape)} for targets {tuple(targets.shape)}")
    outputs = outputs.detach().double().requires_grad_()
    with torch.enable_grad():
        (gradient,) = torch.autograd.grad(loss.value(outputs, targets), outputs)
    return len(outputs) * gradient
