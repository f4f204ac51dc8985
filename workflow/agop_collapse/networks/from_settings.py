"""From plain settings, in which code is named by its place, to what they stand for."""

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from ..common.lookup import find_object
from .architecture import Architecture
from .training import Settings


def architecture_of(settings: Mapping[str, Any]) -> Architecture:
    """The architecture of a network's settings.

    Raises
    ------
    UserError : when the backbone or activation is not found.
    """
    return _made(Architecture, settings, "backbone", "activation")


def training_of(settings: Mapping[str, Any]) -> Settings:
    """How a network of these settings is trained.

    Raises
    ------
    UserError : when the loss is not found.
    """
    return _made(Settings, settings, "loss")


def _made(kind: type, settings: Mapping[str, Any], *places: str) -> Any:
    values = {field.name: settings[field.name] for field in fields(kind)}
    return kind(**values | {key: find_object(values[key]) for key in places})
