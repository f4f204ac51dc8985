"""Claims about trained networks: Section 6."""

from collections.abc import Mapping

import numpy as np

from .claim import Claim, Quantity, UpTo
from .evidence import Evidence, NotMeasured

NETWORK = {"kind": "networks", "activation": "relu", "loss": "mse"}
ABOUT = "networks with ReLU and squared loss"
FULL = {"dataset_n": 50_000}
# The two that Section 6 has numbers of.
PAPERS_TWO = (
    NETWORK | FULL | {"dataset_kind": "cifar10", "model": "resnet18"},
    NETWORK | FULL | {"dataset_kind": "mnist", "model": "mlp"},
)


def _of_linear_map(run: Evidence) -> Mapping[str, float]:
    shares = run.final("network_attribution").iloc[0]
    if not shares["total_log_nc1_change"] < 0:
        raise NotMeasured("NC1 does not fall over the layers, so there is nothing to share out")
    return {"share": shares["total_share_linear"]}


def _without_u(run: Evidence) -> Mapping[str, float]:
    rows = run.final("network_nc")
    whole = rows[rows["stage"] == "right"].set_index("layer")["nc1"]
    factor = run.final("network_ranks").set_index("layer")["nc1_factor"]
    return {"error": (factor / whole - 1).abs().max()}


def _ansatz(run: Evidence) -> Mapping[str, float]:
    nfa = run.final("network_nfa")["nfa"]
    return {"mean": nfa.mean(), "sd": nfa.std(ddof=1)}


def _null(run: Evidence) -> Mapping[str, float]:
    means = run.final("network_nfa")[["nfa_independent", "nfa_init", "nfa_chance"]].mean()
    excess = means["nfa_independent"] - means["nfa_chance"]
    return {"excess": excess, "stranger": means["nfa_independent"], "init": means["nfa_init"]}


def _chance(run: Evidence) -> Mapping[str, float]:
    rows = run.final("network_nfa")
    inner = rows.loc[rows["layer"] > 1, "nfa_chance"]
    if inner.empty:
        raise NotMeasured("it has one hidden layer, whose inputs are not as many as its width")
    error = (inner * np.sqrt(run.settings["width"]) - 1).abs().max()
    return {"error": error, "chance": inner.iloc[-1]}


def _nc2_at_the_end(run: Evidence) -> Mapping[str, float]:
    rows = run.final("network_nc")
    nc2 = rows.pivot(index="layer", columns="stage", values="nc2_mse")
    if len(nc2) < 2:
        raise NotMeasured("it has one hidden layer, which is the last one")
    return {
        "last": nc2["full"].iloc[-1] / nc2["input"].iloc[-1],
        "before": nc2["full"].iloc[:-1].min() / nc2["input"].iloc[0],
    }


_TABLES = ("runs", "network_training")
_NFA = "Pearson correlation of WᵀW with the root of the AGOP, over layers and seeds at the end"

CLAIMS = (
    Claim(
        "C8",
        "abstract, Section 6; Figures 2, 7 to 9",
        "S Vᵀ, and not the activation, makes most of the collapse within classes.",
        ABOUT,
        (*_TABLES, "network_attribution"),
        _of_linear_map,
        (Quantity("share", "share of S Vᵀ in the fall of ln NC1 over all layers at the end", 0.5),),
        (NETWORK,),
        "decomposition",
    ),
    Claim(
        "C9",
        "Section 6",
        "The left singular vectors change no NC1: that of S Vᵀ x is that of W x.",
        f"{ABOUT}, in whose NC1 each class counts by its points",
        (*_TABLES, "network_nc", "network_ranks"),
        _without_u,
        (
            Quantity(
                "error", "NC1 of S Vᵀ x over that of W x, less 1, largest of the layers", None, 1e-5
            ),
        ),
        (NETWORK | {"class_weighting": "samples"},),
        "decomposition",
    ),
    Claim(
        "C10",
        "Section 6",
        "The neural feature ansatz holds with a correlation of 0.74 (ResNet18 on CIFAR-10, and "
        "MLP on MNIST).",
        "ResNet18 on 50,000 images of CIFAR-10 and no MLP on 50,000 of MNIST",
        (*_TABLES, "network_nfa"),
        _ansatz,
        (Quantity("mean", f"{_NFA}: mean", 0.59, 0.89, paper=0.74), Quantity("sd", f"{_NFA}: sd")),
        PAPERS_TWO,
        "ansatz",
        seeds_together=True,
    ),
    Claim(
        "C10-any",
        "Section 6; Figures 10 to 12",
        "The neural feature ansatz holds, at any size.",
        ABOUT,
        (*_TABLES, "network_nfa"),
        _ansatz,
        (Quantity("mean", f"{_NFA}: mean", 0.5), Quantity("sd", f"{_NFA}: sd")),
        (NETWORK,),
        "ansatz",
        seeds_together=True,
    ),
    Claim(
        "C11",
        "Section 6",
        "Without learning the correlation would be that of two random directions, 0.04 at width "
        "512.",
        ABOUT,
        (*_TABLES, "network_nfa"),
        _null,
        (
            Quantity(
                "excess",
                "correlation of WᵀW with the AGOP of a network that is a stranger and untrained, "
                "less d^-½, mean of the layers",
                most=0.01,
                paper=0,
            ),
            Quantity("stranger", "that correlation itself", paper=0.04),
            Quantity("init", "correlation with the network's own AGOP before training"),
        ),
        (NETWORK,),
        "nfa_null",
    ),
    Claim(
        "C11-arithmetic",
        "Section 6",
        "Two random directions of d dimensions correlate by about d^-½ (0.044 at width 512).",
        ABOUT,
        (*_TABLES, "network_nfa"),
        _chance,
        (
            Quantity(
                "error", "chance times the root of the width, less 1, of layers 2 on", None, 1e-9
            ),
            Quantity("chance", "that chance", paper=0.04),
        ),
        (NETWORK,),
        "nfa_null",
    ),
    Claim(
        "C12",
        "Section 6",
        "With small initialisation NC2 improves in the very last layer alone.",
        f"{ABOUT}, initialised with a gain of 0.3 or less",
        (*_TABLES, "network_nc"),
        _nc2_at_the_end,
        (
            Quantity(
                "last",
                "NC2 (mean square) of the last layer's output over its input",
                None,
                0.7,
                True,
            ),
            Quantity(
                "before",
                "least NC2 of the outputs before over that of the first layer's input",
                0.5,
            ),
        ),
        (NETWORK | {"gain": UpTo(0.3)},),
        "network_nc2",
    ),
)
