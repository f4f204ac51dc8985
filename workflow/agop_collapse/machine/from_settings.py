"""From plain settings, in which code is named by its place, to what they stand for."""

from collections.abc import Mapping
from typing import Any

from .deep_rfm import Settings
from .kernels.find import find_kernel


def settings_of(settings: Mapping[str, Any]) -> Settings:
    """How a Deep RFM of these settings is built; `kernel` has one place, or one for each layer.

    Raises
    ------
    UserError : as `find_kernel`.
    """
    places = settings["kernel"].split()
    kernels = tuple(find_kernel(place, settings["bandwidth"]) for place in places)
    return Settings(**settings | {"kernel": kernels})
