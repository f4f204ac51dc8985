"""Twelve points of three classes, test points and a readout, whose measures are known in digits."""

import numpy as np
import torch


def _normal(seed: int, *shape: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=shape)


COUNTS = [4, 4, 4]
_CENTRES = 2 * _normal(1, 3, 5)[np.repeat(np.arange(3), 4)]
X = torch.tensor(_normal(0, 12, 5) + _CENTRES)
TEST_X = torch.tensor(_normal(4, 12, 5) + _CENTRES)
WEIGHT = torch.tensor(_normal(2, 3, 5))
BIAS = torch.tensor(_normal(3, 3))
