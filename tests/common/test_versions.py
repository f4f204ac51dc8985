"""Versions, as records and headers of files have them."""

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


def test_headers_tell_the_build_of_torch():
    assert build_of_torch() == {"torch": torch.__version__}
