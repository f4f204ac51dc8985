"""What all tests share: one thread, hypothesis without chance or clock, the digits."""

import hypothesis
import pytest
import torch
from agop_collapse.data import load_digits, prepare
from agop_collapse.dataset import Dataset

torch.set_num_threads(1)
hypothesis.settings.register_profile("fixed", deadline=None, derandomize=True, database=None)
hypothesis.settings.load_profile("fixed")


@pytest.fixture(scope="session")
def digits() -> Dataset:
    """All of scikit-learn's digits."""
    return prepare(load_digits(1797, 0), 1797, 0)


@pytest.fixture(scope="session")
def few_digits() -> Dataset:
    """The first 300 digits to train on, the next 60 to test."""
    return prepare(load_digits(300, 60), 300, 60)
