"""How far a number may be from the reference's on another machine, each for a reason.

Additions in another order (other threads, processor, libraries) change the last digit, eps, of a
product. What comes of that:

- **The AGOP's root keeps half the digits.** M has rank below d, and an eigenvalue of eps in the
  place of 0 has the root sqrt(eps). So a layer of Deep RFM moves its points by sqrt(eps) of their
  size, 1.5e-8, and a network's `nfa` is known to sqrt(eps) of float32, 3.5e-4.
- **A solve amplifies.** An error in a layer's points enters its kernel matrix, and comes out
  `sensitivity` times as large; layers add up. After layer l the points are known to
  delta = sqrt(eps) sum_{j <= l} sensitivity_j, a number for each run that the reference has itself.
- **A square** of distances v (traces, NC1, eigenvalues: `SQUARES`) then moves by
  2 delta (sqrt(v) + v) + delta^2, everything else by delta (1 + |v|).
- **Logarithms of NC1** (`attribution`, `rates`), as sqrt(NC1) moves by delta, move by
  delta / sqrt(NC1) of the run's last layer.
- **Training is chaotic**: another last digit at the start is another network in the end, whose
  numbers may differ from the reference's as its seeds differ from one another (`SPREAD`).
- **Cosine features are too**: their weights are Cauchy, so that some are large, and a step of the
  points comes out tens of times as long. After a few layers no digit is left.
- **Theory** is in closed forms and random draws of the same generators; recursions run down to
  rounding, which the code itself sets at 1e-11.

Rows that are not `valid` are not compared, nor what is chaotic, of one seed; nor, by `compare`,
what is no result (`NO_RESULT`), or comes of several seeds of which some are not there (`OF_SEEDS`).
What was measured: docs/reproduced.md.
"""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from pandas.core.groupby import SeriesGroupBy

from . import keys

HALF_OF_FLOAT64 = 2.0**-26  # sqrt(eps), eps = 2^-52
HALF_OF_FLOAT32 = 2.0**-11.5  # sqrt(eps), eps = 2^-23

# Settings of the machine, and what names the code: no results.
NO_RESULT = ("identity", "torch_threads", "device")

# What comes of several seeds, and is another number where some are not there.
OF_SEEDS = ("nfa_independent_trained",)
OF_ALL_SEEDS = "nfa_summary"

SQUARES = (
    *("nc1", "nc1_code", "nc2_mse", "trace_within", "trace_between", "trace_total"),
    *("nc1_pinv", "fuzziness", "cdnv", "cdnv_max", "cdnv_directional", "log_distance_variance"),
    *("nc1_test_strong", "nc1_test_strong_pinv", "nc1_test_own", "nc1_test_weak", "test_drift"),
    *("train_mse", "final_train_mse", "eigenvalue"),
)
LOGARITHMS = ("attribution", "rates")
# Shares of training or test points: counts, whose standard deviation is at least that of one point.
SHARES = ("train_accuracy", "final_train_accuracy", "centre_accuracy", "nc4")
TEST_SHARES = ("test_accuracy", "final_test_accuracy", "test_centre_accuracy", "nc4_test")
# A smallest singular value moves by delta times the largest.
CONDITIONS = ("condition_number",)

# Of the recursion of Theorem 5.3, in which an error below 1e-11 is rounding. Measured rates are
# ratios of errors above that, and rounding is a hundredth of it.
RECURSION = {"theory_recursion": 1e-11, "theory_rate": 1e-2}

# How many standard deviations over the seeds what is chaotic may be from the reference's. That
# of three seeds is small by chance at some places; if it is less than what is usual for the run,
# relative to the number, it counts as that.
SPREAD = 4.0


def allowed(table: str, column: str, reference: Mapping[str, pd.DataFrame]) -> np.ndarray:
    """The largest difference of each row's value, 0 for text, counts and flags; nan: not compared.

    Parameters
    ----------
    reference : all tables, since one says of another how exact it is
    """
    frame = reference[table]
    values = frame[column]
    if "model" in frame and table != "runs":
        return (
            _of_summary(frame) if table == "nfa_summary" else _of_network(table, column, reference)
        )
    if values.dtype.kind != "f" or table == "runs":
        return np.where(_sound(frame), 0.0, np.nan)
    size = values.abs().to_numpy()
    if "network" in frame:
        return _moved(column, size, HALF_OF_FLOAT32)
    if "kernel" in frame:
        found = _moved(column, size, _delta(table, frame, reference))
        chaotic = (frame["feature_map"] == "cos").to_numpy()
        if chaotic.any():
            spread = _spread(table, column, reference, chaotic)
            found = np.where(chaotic, np.maximum(found, spread), found)
        return np.where(_sound(frame), found, np.nan)
    if table in RECURSION:
        return RECURSION[table] * np.ones(len(frame))
    if table == "theory_claims":
        return frame["tolerance"].to_numpy() if column == "found" else np.zeros(len(frame))
    return HALF_OF_FLOAT64 * (1 + size)


def _moved(column: str, size: np.ndarray, delta: np.ndarray | float) -> np.ndarray:
    """How far a value moves where points move by delta of their size."""
    if column in SQUARES:
        return 2 * delta * (np.sqrt(size) + size) + np.square(delta)
    if column in CONDITIONS:
        return delta * np.square(size)
    return delta * (1 + size)


def _of_network(table: str, column: str, reference: Mapping[str, pd.DataFrame]) -> np.ndarray:
    """Of a network that is trained here; nan after training if there is one seed alone."""
    frame = reference[table]
    trained = frame["epoch"].to_numpy() > 0
    if frame[column].dtype.kind != "f":
        alike = _places(table, column, frame).transform("nunique").to_numpy() == 1
        return np.where(trained & ~alike, np.nan, 0.0)
    untrained = _moved(column, frame[column].abs().to_numpy(), HALF_OF_FLOAT32)
    spread = _spread(table, column, reference, trained)
    return np.where(trained, np.maximum(spread, untrained), untrained)


def _spread(
    table: str, column: str, reference: Mapping[str, pd.DataFrame], chaotic: np.ndarray
) -> np.ndarray:
    """`SPREAD` standard deviations over the seeds of a run; nan of one seed.

    chaotic : the rows for which that counts
    """
    frame = reference[table]
    places = _places(table, column, frame)
    deviation, mean = places.transform("std"), places.transform("mean").abs()
    relative = (deviation / mean).where(chaotic & (mean > 0))
    usual = relative.groupby([frame["dataset"], frame["run"]]).transform("median") * mean
    least = np.maximum(usual.fillna(0), _of_a_count(column, mean, frame, reference))
    return SPREAD * np.maximum(deviation, least).to_numpy()


def _of_a_count(
    column: str, mean: pd.Series, frame: pd.DataFrame, reference: Mapping[str, pd.DataFrame]
) -> pd.Series | float:
    """The standard deviation of a share of independent points, at least a point; of others 0."""
    if column not in SHARES + TEST_SHARES:
        return 0.0
    size = "dataset_n" if column in SHARES else "dataset_n_test"
    points = frame["dataset"].map(reference["runs"].groupby("dataset")[size].first())
    return np.sqrt((points * mean * (1 - mean)).clip(lower=1)) / points.clip(lower=1)


def _places(table: str, column: str, frame: pd.DataFrame) -> SeriesGroupBy:
    """What a column has at a place, such as an epoch and layer of a run, over the seeds."""
    return frame.groupby([key for key in keys.of(table, frame) if key != "seed"])[column]


def _of_summary(frame: pd.DataFrame) -> np.ndarray:
    """Of nfa_summary, all whose numbers are means and deviations of the NFA over layers and seeds.

    nan of one seed.
    """
    return SPREAD * frame["nfa_sd_seeds"].to_numpy()


def _sound(frame: pd.DataFrame) -> np.ndarray:
    return frame["valid"].to_numpy(bool) if "valid" in frame else np.ones(len(frame), bool)


def _delta(table: str, frame: pd.DataFrame, reference: Mapping[str, pd.DataFrame]) -> np.ndarray:
    """How exactly the points of each row are known; nan where a layer is not valid."""
    layers = reference["deep_rfm"]
    layers = layers[layers["stage"] == "X"].sort_values("layer")
    layers = layers.assign(known=layers["sensitivity"].where(layers["valid"]))
    runs = layers.groupby(keys.RUN)
    layers = layers.assign(delta=HALF_OF_FLOAT64 * runs["known"].cumsum(skipna=False))
    last = layers[layers["valid"]].groupby(keys.RUN).tail(1)
    at = "applied_layer" if "applied_layer" in frame else "layer"
    if at not in frame or table in LOGARITHMS:
        found = frame[keys.RUN].merge(last, "left", keys.RUN)
        power = 0.5 if table in LOGARITHMS else 0
        return (found["delta"] / found["nc1"].clip(upper=1) ** power).to_numpy()
    places = frame[keys.RUN].assign(layer=frame[at].clip(lower=1))
    return places.merge(layers, "left", [*keys.RUN, "layer"])["delta"].to_numpy()
