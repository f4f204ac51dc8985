"""A whole network of the user's own: made by a function; trained here, or elsewhere."""

import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import safetensors.torch
import torch
from safetensors import SafetensorError
from torch import Tensor, nn

from ..common.errors import UserError
from ..common.lookup import find_object
from ..common.seeding import global_generator
from ..data.dataset import one_hot_targets
from .layers import expect_measurable
from .losses.loss import Loss
from .training import loss_and_accuracy
from .trial import call, reason, try_module

# Names of weights that a message spells out.
SOME = 3
# Images that pass together, of any size.
AT_A_TIME = 64


def build(place: str, image_shape: tuple[int, int, int], classes: int, seed: int) -> nn.Module:
    """A network at its initialisation, on the CPU in float32 and in evaluation mode.

    Parameters
    ----------
    place : "module:function" of a function of the image's shape and the number of classes
    image_shape : (channels, height, width)
    classes : K
    seed : alone decides what it begins at

    Raises
    ------
    UserError : when the function is not found or fails, or what it makes is no torch module from
        (n, channels, height, width) images to (n, K) outputs; the message says which.
    """
    function = find_object(place)
    what = f"the network {place!r}"
    if not callable(function):
        raise UserError(f"{what} is a {type(function).__name__}; it must be a function")
    with global_generator(seed, "initialisation"):
        given = f"the image's shape {image_shape} and {classes} classes"
        network = call(what, given, function, image_shape, classes).float()
        outputs = try_module(what, network, image_shape, "outputs")
    if outputs.shape[1] != classes:
        raise UserError(
            f"{what} makes {outputs.shape[1]} outputs of an image; the data set has {classes} "
            "classes, and it must make one for each"
        )
    return network.eval()


def expect_trainable(
    network: nn.Module,
    x: Tensor,
    labels: Tensor,
    classes: int,
    loss: Loss,
    names: Sequence[str] | str,
) -> None:
    """Raise UserError unless a network can be trained, and then its layers be measured.

    Parameters
    ----------
    network : at its initialisation, on the device of x; it is of no use afterwards
    x, labels : (b, channels, height, width) and (b,), as many images as a batch of the training has
    classes : K
    loss : to descend
    names : of the layers to measure, or "all"
    """
    if not any(parameter.requires_grad for parameter in network.parameters()):
        raise UserError("the network has no parameters to train")
    expect_measurable(network.eval(), names, x[:2])
    network.train()
    what = f"a batch of {len(x)} images in training mode"
    try:
        outputs = network(x)
    except Exception as error:
        raise UserError(f"the network cannot map {what}: {reason(error)}") from error
    made = tuple(outputs.shape) if isinstance(outputs, Tensor) else f"a {type(outputs).__name__}"
    if made != (len(x), classes):
        raise UserError(
            f"the network makes {made} of {what}; it must be {(len(x), classes)}, in one tensor, "
            "as it is in evaluation mode"
        )
    targets = one_hot_targets(labels, classes, torch.float32).to(x.device)
    value = loss.value(outputs.float(), targets)
    if not value.isfinite():
        raise UserError(
            f"before training the network's loss is {value.item()}: begin with smaller weights"
        )
    try:
        value.backward()
    except RuntimeError as error:
        raise UserError(f"the network's loss cannot be differentiated: {reason(error)}") from error
    state = network.state_dict()
    others = [name for name, value in state.items() if not isinstance(value, Tensor)]
    if others:
        raise UserError(
            f"the network's state_dict() holds more than tensors, {_some(others)}, and cannot be "
            "kept; keep what it needs by register_buffer"
        )


def load_weights(network: nn.Module, path: Path) -> None:
    """Put a state dict's weights into a network, all of them and no others.

    Parameters
    ----------
    path : a .safetensors file, or what torch.save wrote of `network.state_dict()`; nothing in it is
        unpickled but tensors

    Raises
    ------
    UserError : when the file cannot be read, holds more than tensors, or its weights are not the
        network's by their names and shapes; the message names the first of them.
    """
    given = _read(Path(path))
    own = {name: value.shape for name, value in network.state_dict().items()}
    mistakes = [
        f"{name} is {_shape(value.shape)}, not {_shape(own[name])}"
        for name, value in given.items()
        if name in own and value.shape != own[name]
    ]
    if mistakes:
        raise UserError(f"{path} is of another network: {_some(mistakes)}")
    # Torch knows which names older versions of its layers had.
    found = network.load_state_dict(given, strict=False)
    if found.missing_keys:
        mistakes.append(f"it lacks {_some(found.missing_keys)}")
    if found.unexpected_keys:
        mistakes.append(f"the network has no {_some(found.unexpected_keys)}")
    if mistakes:
        raise UserError(f"{path} is of another network: {'; '.join(mistakes)}")


def evaluate(
    network: nn.Module, loss: Loss, classes: int, **parts: tuple[Tensor, Tensor]
) -> dict[str, float | bool | None]:
    """Losses, accuracies and whether the network has fitted its training points.

    Parameters
    ----------
    network : in evaluation mode, on the device of the images
    classes : K
    parts : by "train" and "test" images and their labels; of none, loss and accuracy are None

    Raises
    ------
    UserError : when the training loss is not finite.
    """
    found: dict[str, float | bool | None] = {}
    for part, (x, labels) in parts.items():
        value = accuracy = None
        if len(x):
            targets = one_hot_targets(labels, classes, x.dtype).to(x.device)
            value, accuracy = loss_and_accuracy(network, loss, x, targets, AT_A_TIME)
        found |= {f"{part}_loss": value, f"{part}_accuracy": accuracy}
    if not math.isfinite(found["train_loss"]):
        raise UserError(f"with these weights the training loss is {found['train_loss']}")
    return found | {"fitted": loss.is_fitted(found["train_loss"])}


def _read(path: Path) -> Mapping[str, Tensor]:
    try:
        if path.suffix == ".safetensors":
            return safetensors.torch.load_file(path)
        found = torch.load(path, map_location="cpu", weights_only=True)
    # Torch raises errors of many kinds on a file that is damaged or none of its own.
    except (OSError, SafetensorError) as error:
        raise UserError(f"{path} cannot be read: {error}") from error
    except Exception as error:
        what = (str(error) or type(error).__name__).splitlines()[0]
        raise UserError(
            f"{path} is damaged, or holds more than tensors: Python objects are refused, as what "
            "unpickles them can run any code; write it by torch.save(network.state_dict(), path), "
            f"or as safetensors ({what})"
        ) from error
    if not isinstance(found, Mapping):
        raise UserError(
            f"{path} holds a {type(found).__name__}; it must be a state dict, tensors by name"
        )
    others = [str(name) for name, value in found.items() if not isinstance(value, Tensor)]
    if others:
        raise UserError(
            f"{path} is no state dict: {_some(others)} in it "
            f"{'is no tensor' if len(others) == 1 else 'are no tensors'}; save "
            "network.state_dict() alone"
        )
    return found


def _some(names: Iterable[str]) -> str:
    names = list(names)
    more = f" and {len(names) - SOME} more" if len(names) > SOME else ""
    return ", ".join(names[:SOME]) + more


def _shape(shape: torch.Size) -> str:
    return " x ".join(map(str, shape)) or "a number"
