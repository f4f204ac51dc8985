"""Small studies that the tests of the workflow build, once for all of them."""

import copy
from typing import Any

import yaml

RELU = {"feature_map": "relu", "depth": 3, "width": 64}
COS = {"feature_map": "cos", "depth": 3, "n_features": 64}
MLP = {"model": "mlp", "width": 32, "gain": 1.0, "epochs": 4, "measure_every": 2}
MLP |= {"momentum": 0.9, "recreate_optimizer": False}
# Kinds of data, runs and figures of the paper.
TINY = {
    "seeds": [0, 1],
    "device": "cpu",
    "datasets": {"digits": {"kind": "digits", "n": 300, "n_test": 60}},
    "deep_rfm": [RELU, COS, RELU | {"projection": "identity"}],
    "networks": [MLP],
    "theory_kernel": {"width": 64, "draws": 2},
    "theory": {
        "classes": 2,
        "per_class": 3,
        "layers": 8,
        "lambda_map": [1.0],
        "ratios": [1e-3, 1e-2],
        "objective_classes": [3],
        "random_kernels": 2,
        "descent_steps": 5,
        "widths": [8],
        "draws": 3,
    },
    "figures": {
        "fig01": {"layers": [1, 4]},
        "fig03": None,
        "fig07": None,
        "fig10": None,
        "ablation": None,
        "nc_full": None,
        "network_nc_full": None,
        "network_spectrum": None,
        "nfa_null": None,
        "v1_fig04": None,
        "theory_rate": None,
    },
}
# Sweeps, and figures of one's own, one of them with a run of the study tiny.
SWEEPS = {
    "seeds": [0],
    "device": "cpu",
    "datasets": {"digits": {"kind": "digits", "n": 100}},
    "deep_rfm": [{"kernel": ["laplace", "matern32"], "width": [16, 32], "depth": 2}],
    "networks": [MLP | {"gain": [0.3, 1.0], "width": 16, "epochs": 2}],
    "figures": {
        "widths": {"plot": "sweep", "x": "width", "y": "nc1", "by": "kernel"},
        "gains": {
            "plot": "overlay",
            "y": "nfa",
            "lines": [{"gain": 0.3}, {"gain": 1.0}, {"study": "tiny", "model": "mlp"}],
        },
        "smooth": {"plot": "spectrum", "rows": [{"kernel": "matern32", "width": 32}]},
        "network_nc2": {"rows": [{"gain": 1.0}], "title": "NC2", "footer": False},
    },
}
# Some runs of the study tiny, whose tables are the same in any study, and no layers or weights.
SMALL = {
    "seeds": TINY["seeds"],
    **{"device": "cpu", "keep": "tables"},
    "datasets": TINY["datasets"],
    "deep_rfm": [RELU],
    "networks": [MLP],
    "figures": {"fig03": None, "fig07": None},
}
# Nothing but data: what lacks runs and figures.
BARE = {"datasets": {"shapes": {"kind": "digits", "n": 100}}}
STUDIES = {"tiny": TINY, "sweeps": SWEEPS, "bare": BARE}


def with_settings(text: str, study: str = "tiny") -> dict[str, Any]:
    """The studies, with other settings, as in "deep_rfm.1.gamma: 0.1; seeds: [2]", of one."""
    changed = copy.deepcopy(STUDIES)
    for line in text.split("; "):
        path, value = line.split(": ", maxsplit=1)
        *keys, last = [int(key) if key.isdigit() else key for key in path.split(".")]
        place = changed[study]
        for key in keys:
            place = place[key]
        place[last] = yaml.safe_load(value)
    return changed
