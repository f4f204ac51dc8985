"""The paper's Deep RFM: settings that tests and benchmarks change what they need of."""

import dataclasses

from agop_collapse.machine.deep_rfm import Settings

PAPER = Settings(
    kernel="laplace",
    feature_map="relu",
    projection="agop",
    depth=20,
    bandwidth=2.0,
    ridge=0.0,
    iterations=1,
    agop_norm="max",
    width=1024,
    weight_dist="uniform",
    n_features=4096,
    gamma=0.05,
    precision="float64",
    block_rows=4096,
)


def settings(**changes) -> Settings:
    """The paper's, but for some."""
    return dataclasses.replace(PAPER, **changes)
