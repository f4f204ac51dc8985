"""What Appendix D says of how the experiments are run and drawn."""

from collections.abc import Mapping

import numpy as np

from ..plots.select import summarise
from .claim import Claim, Quantity
from .evidence import Evidence, NotMeasured
from .networks import ABOUT, FULL, NETWORK


def _error_bars(run: Evidence) -> Mapping[str, float]:
    """How far the figures' bands of NC1 are from what Appendix D says, relative to the mean."""
    rows = run.rows("network_nc")
    run.expect_fitted()
    rows = rows[rows["stage"] == "full"]
    if rows["seed"].nunique() < 2:
        raise NotMeasured("it has one seed, and no band")
    drawn = summarise(rows, ["epoch", "layer"], "nc1")
    values = rows.pivot(index=["epoch", "layer"], columns="seed", values="nc1").to_numpy()
    count, mean = values.shape[1], values.mean(axis=1)
    sd = np.sqrt(((values - mean[:, None]) ** 2).sum(axis=1) / (count - 1))
    lower = np.maximum(mean - sd, 0.01 * mean)
    errors = [(drawn["lower"] - lower) / mean, (drawn["upper"] - (mean + sd)) / mean]
    return {"error": np.abs(errors).max()}


def _no_a100(run: Evidence) -> Mapping[str, float]:
    raise NotMeasured(
        "no table has hours of an A100; benchmarks/ beside a run's tables has what its jobs took "
        "on this machine"
    )


def _as_in_the_paper(run: Evidence) -> Mapping[str, float]:
    runs = run.rows("runs")
    return {
        "loss": (runs["loss"] != "mse").sum(),
        "batch": runs["batch_size"].iloc[0],
        "every": runs["measure_every"].iloc[0],
        "seeds": runs["seed"].nunique(),
    }


CLAIMS = (
    Claim(
        "C13",
        "Appendix D",
        "Error bars are one standard deviation over seeds, down to 0.01 of the mean at most.",
        ABOUT,
        ("runs", "network_training", "network_nc"),
        _error_bars,
        (
            Quantity(
                "error",
                "largest difference of a figure's band from that, over the mean",
                None,
                1e-9,
            ),
        ),
        (NETWORK,),
        "decomposition",
        seeds_together=True,
    ),
    Claim(
        "C14",
        "Appendix D",
        "Each experiment takes less than 1.5 hours of one A100.",
        "runs",
        ("runs",),
        _no_a100,
        (Quantity("hours", "hours of an A100", None, 1.5, True, paper=1.5),),
        ({"kind": ("deep_rfm", "networks")},),
    ),
    Claim(
        "C15",
        "Appendix D",
        "Networks are trained by squared loss in batches of 128, measured every 10 epochs, with 3 "
        "seeds.",
        "networks on 50,000 images of MNIST, CIFAR-10 or SVHN",
        ("runs",),
        _as_in_the_paper,
        (
            Quantity("loss", "runs of another loss", 0, 0),
            Quantity("batch", "points of a batch", 128, 128, paper=128),
            Quantity("every", "epochs from one measurement to the next", 10, 10, paper=10),
            Quantity("seeds", "seeds", 3, 3, paper=3),
        ),
        ({"kind": "networks", "dataset_kind": ("mnist", "cifar10", "svhn")} | FULL,),
        seeds_together=True,
    ),
)
