"""Draws that depend on seed and purpose alone."""

import random

import numpy as np
import torch
from agop_collapse.common.seeding import derive_seed, generator


def test_a_seed_stays_what_it_is():
    """By hand: the first 63 bits of the SHA-256 of "0/feature map/1". Old results hang on it."""
    assert derive_seed(0, "feature map", 1) == 7558697581743982824


def test_seeds_are_of_63_bits_and_all_different():
    seeds = [
        derive_seed(seed, purpose, number)
        for seed in range(5)
        for purpose in ("feature map", "batches", "initialisation")
        for number in range(50)
    ]
    assert len(set(seeds)) == len(seeds)
    assert all(0 <= seed < 2**63 for seed in seeds)
    assert max(seeds) > 2**62


def test_draws_depend_on_seed_and_purpose():
    def draw(*purpose):
        return torch.rand(8, generator=generator(*purpose))

    assert torch.equal(draw(1, "a", 2), draw(1, "a", 2))
    for other in ((2, "a", 2), (1, "b", 2), (1, "a", 3), (1, "a")):
        assert not torch.equal(draw(1, "a", 2), draw(*other))


def test_global_generators_are_left_alone():
    torch_state, numpy_state, python_state = (
        torch.get_rng_state(),
        np.random.get_state()[1],  # noqa: NPY002
        random.getstate(),
    )
    torch.rand(3, generator=generator(0, "a"))
    assert torch.equal(torch.get_rng_state(), torch_state)
    assert (np.random.get_state()[1] == numpy_state).all()  # noqa: NPY002
    assert random.getstate() == python_state
