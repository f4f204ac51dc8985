"""Tables of a study in which all that the paper claims is true, written by hand."""

import functools

import numpy as np
import pandas as pd

CLASSES, DEPTH, WIDTH = 10, 10, 512
LAYERS = range(1, DEPTH + 1)
DEEP_RFM = {
    "laplace-relu-agop": {"feature_map": "relu", "projection": "agop"},
    "laplace-cos-agop": {"feature_map": "cos", "projection": "agop"},
    "laplace-relu-identity": {"feature_map": "relu", "projection": "identity"},
}
THEORY = {
    "theorem_5_3_floor_printed": (2, 2.01),
    "theorem_5_3_floor_corrected": (2, 2.0),
    "theorem_5_3_exact": (0, 1e-13),
    "theorem_5_3_rate": (1, 0.99),
    "theorem_5_4": (0, 0.0),
    "theorem_5_4_plus_minus": (0, 0.0),
    "proposition_a1_mean_relu": (0, -2.0),
    "proposition_a1_variance_relu": (1, 1.1),
    "lemma_c2": (0, 1e-15),
    "lemma_c2_use": (2.0, 2.0),
    "lemma_c2_use_corrected": (0.05, 0.05),
    "v1_theorem_5_5": (0, 0.0),
    "v1_theorem_5_5_free": (0, 0.0),
}


def tables() -> dict[str, pd.DataFrame]:
    """Deep RFM on two data sets, one network on 50,000 images of MNIST, and the theory."""
    return {table: rows.copy() for table, rows in _tables().items()}


@functools.cache
def _tables() -> dict[str, pd.DataFrame]:
    found: dict[str, list[dict]] = {}

    def add(table: str, *rows: dict) -> None:
        found.setdefault(table, []).extend(rows)

    for dataset in ("mnist", "cifar10"):
        of_data = {"dataset": dataset, "dataset_kind": dataset, "dataset_n": 50_000}
        for run, settings in DEEP_RFM.items():
            for seed in (0, 1):
                key = {"dataset": dataset, "run": run, "seed": seed}
                kind = {"kind": "deep_rfm", "kernel": "laplace", "precision": "float64"}
                add("runs", key | of_data | kind | settings)
                _add_deep_rfm(add, key, settings["projection"] == "agop")
    of_data = {"dataset": "mnist", "dataset_kind": "mnist", "dataset_n": 50_000}
    for seed in (0, 1, 2):
        key = {"dataset": "mnist", "run": "mlp", "seed": seed}
        settings = {"model": "mlp", "activation": "relu", "loss": "mse", "gain": 0.2}
        settings |= {
            "width": WIDTH,
            "batch_size": 128,
            "measure_every": 10,
            "class_weighting": "samples",
        }
        add("runs", key | of_data | {"kind": "networks"} | settings)
        for epoch in (0, 10):
            _add_network(add, key | {"epoch": epoch}, trained=epoch == 10)
    for claim, (stated, value) in THEORY.items():
        add("theory_claims", {"seed": 0, "claim": claim, "stated": stated, "found": value})
    for distance in (0.5, 1.0, 1.5, 2.0):
        factor = 1 - distance * (1 - 2**-0.5) / 2
        row = {"seed": 0, "distance": distance, "mapped_mean": factor * distance}
        add("theory_kernel", row | {"mapped_sd": 0.01 * distance, "draws": 16})
    return {table: pd.DataFrame(rows) for table, rows in found.items()}


def _add_deep_rfm(add, key: dict, agop: bool) -> None:
    for layer in LAYERS:
        mx = 0.5 ** (layer - 1)
        nc1 = {"X": 3 * mx if layer > 1 else 2.0, "MX": mx, "PhiMX": 1.5 * mx}
        if not agop:
            nc1 = {"X": 2.0 * 1.1 ** (layer - 1), "MX": 2.0, "PhiMX": 2.0}
        for stage, value in nc1.items():
            row = {"layer": layer, "stage": stage, "nc1": value, "valid": True}
            row |= {"nc2_mse": 0.06 if layer < DEPTH else 0.001, "agop_effective_rank": 10.0}
            add("deep_rfm", key | row)
    for applied in range(DEPTH + 1):
        row = {"within_mean": 0.999, "between_mean": -1 / (CLASSES - 1), "between_sd": 0.05}
        add("gram", key | {"layer": applied + 1, "applied_layer": applied} | row)
    add("classes", *(key | {"class": number} for number in range(CLASSES)))
    add("attribution", key | {"total_log_nc1_change": -6.0, "total_share_projection": 1.2})


def _add_network(add, at: dict, trained: bool) -> None:
    """Before training all numbers are such that no claim would hold."""
    add("network_training", at | {"fitted": trained, "train_loss": 1e-3 if trained else 1.0})
    share = 0.8 if trained else 0.1
    shares = {"total_log_nc1_change": -5.0, "total_share_linear": share}
    nc2 = [0.04, 0.05, 0.06, 0.07, 0.08, 0.02] if trained else [1.0] * 6
    for layer in range(1, 6):
        stages = {"input": nc2[layer - 1], "right": 0.5, "full": nc2[layer]}
        for stage, value in stages.items():
            nc1 = 0.1 / layer * (1 + 0.1 * at["seed"])
            add("network_nc", at | {"layer": layer, "stage": stage, "nc1": nc1, "nc2_mse": value})
        add("network_ranks", at | {"layer": layer, "nc1_factor": nc1 if trained else 1.0})
        add("network_attribution", at | {"layer": layer} | shares)
        inputs = WIDTH if layer > 1 else 784
        nfa = {"nfa": 0.7 + 0.02 * layer if trained else 0.1, "nfa_init": 0.6}
        nfa |= {"nfa_independent": inputs**-0.5, "nfa_chance": inputs**-0.5}
        add("network_nfa", at | {"layer": layer} | nfa)


def changed(table: str, column: str, value, **where) -> dict[str, pd.DataFrame]:
    """The tables with other values of a column in some rows.

    value : one for all, or a function from the old ones
    where : values of columns; of none all rows
    """
    found = tables()
    rows = found[table]
    chosen = np.logical_and.reduce(
        [rows[name] == wanted for name, wanted in where.items()] or [np.full(len(rows), True)]
    )
    assert chosen.any()
    before = rows.loc[chosen, column]
    rows.loc[chosen, column] = value(before) if callable(value) else value
    return found
