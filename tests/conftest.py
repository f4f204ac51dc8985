"""What all tests share: one thread, hypothesis without chance or clock, the data sets."""

import functools
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import hypothesis
import pytest
import real_data
import torch
from agop_collapse.data.dataset import Dataset
from agop_collapse.data.prepare import prepare
from agop_collapse.data.readers.digits import load as load_digits

torch.set_num_threads(1)
hypothesis.settings.register_profile("fixed", deadline=None, derandomize=True, database=None)
hypothesis.settings.load_profile("fixed")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files of slow tests first, so that no process is left alone with one at the end."""
    slow = Counter(item.path for item in items if item.get_closest_marker("slow"))
    items.sort(key=lambda item: -slow[item.path])


@pytest.fixture(scope="session")
def digits() -> Dataset:
    """All of scikit-learn's digits."""
    return prepare(load_digits(1797, 0), 1797, 0)


@pytest.fixture(scope="session")
def few_digits() -> Dataset:
    """The first 300 digits to train on, the next 60 to test."""
    return prepare(load_digits(300, 60), 300, 60)


@pytest.fixture(scope="session")
def real_root(tmp_path_factory) -> Callable[[str], Path]:
    """Function that unpacks mnist, cifar10 or svhn, once; the folder can serve as data root."""

    @functools.cache
    def unpacked(name: str) -> Path:
        return real_data.unpack(name, tmp_path_factory.mktemp(name))

    return unpacked
