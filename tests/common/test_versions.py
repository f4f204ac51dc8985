"""Versions, as records and headers of files have them."""

from importlib import metadata

import numpy as np
import torch
import torchvision
from agop_collapse.common.versions import build_of_torch, versions


def test_records_tell_each_librarys_version():
    assert versions() == {
        "numpy": np.__version__,
        "torch": torch.__version__.partition("+")[0],
        "torchvision": torchvision.__version__.partition("+")[0],
    }


def test_records_leave_out_a_library_that_is_not_there(monkeypatch):
    """Deep RFM needs no torchvision."""
    found = metadata.distribution

    def without_torchvision(name):
        if name == "torchvision":
            raise metadata.PackageNotFoundError(name)
        return found(name)

    monkeypatch.setattr(metadata, "distribution", without_torchvision)
    assert set(versions()) == {"numpy", "torch"}


def test_headers_tell_the_build_of_torch():
    assert build_of_torch() == {"torch": torch.__version__}
