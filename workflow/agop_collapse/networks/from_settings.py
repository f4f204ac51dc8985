"""From plain settings, in which code is named by its place, to what they stand for."""

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from ..common.errors import UserError
from ..common.lookup import find_object
from .activations.activation import Activation
from .architecture import Architecture
from .losses.loss import Loss
from .training import Settings


def architecture_of(settings: Mapping[str, Any]) -> Architecture:
    """The architecture of a network's settings.

    Raises
    ------
    UserError : when the backbone or activation is not found, or the activation is none.
    """
    backbone = find_object(settings["backbone"])
    activation = _found(settings["activation"], Activation)
    return _made(Architecture, settings, backbone=backbone, activation=activation)


def training_of(settings: Mapping[str, Any]) -> Settings:
    """How a network of these settings is trained.

    Raises
    ------
    UserError : when the loss is not found, or is none.
    """
    return _made(Settings, settings, loss=loss_of(settings))


def loss_of(settings: Mapping[str, Any]) -> Loss:
    """The loss that settings name.

    Raises
    ------
    UserError : when it is not found, or is none.
    """
    return _found(settings["loss"], Loss)


def _found(place: str, kind: type) -> Any:
    found = find_object(place)
    if not isinstance(found, kind):
        what = f"{kind.__module__}.{kind.__name__}"
        raise UserError(f"{place!r} is a {type(found).__name__}; it must be an object of {what}")
    return found


def _made(kind: type, settings: Mapping[str, Any], **objects: Any) -> Any:
    return kind(**{field.name: settings[field.name] for field in fields(kind)} | objects)
