"""Claims about Deep RFM: Section 4, and the rate of Section 5.1."""

from collections.abc import Mapping

import numpy as np

from .claim import Claim, Quantity
from .evidence import Evidence, NotMeasured

# A run shows the end of collapse from this depth on; the paper's have 20 layers.
DEPTH = 10

MAPS, KERNELS = ("relu", "cos"), ("laplace", "gaussian")
WITH_AGOP = {"kind": "deep_rfm", "projection": "agop", "kernel": KERNELS, "feature_map": MAPS}
ABOUT = "Deep RFM with AGOP, a Laplace or Gaussian kernel, and ReLU or cosine features"


def _nc1_falls(run: Evidence) -> Mapping[str, float]:
    nc1 = run.layers("nc1", DEPTH)
    return {"ratio": nc1["MX"][DEPTH] / nc1["X"][1]}


def _nc2_falls(run: Evidence) -> Mapping[str, float]:
    nc2 = run.layers("nc2_mse", DEPTH)
    last = nc2["MX"].iloc[-1]
    return {"last": last, "ratio": last / nc2["X"][1]}


def _inner_products(run: Evidence) -> Mapping[str, float]:
    last = run.layers("nc1", DEPTH).index.max()
    gram = run.rows("gram").set_index("applied_layer").loc[last]
    return {
        "within": gram["within_mean"],
        "between": gram["between_mean"] + 1 / (run.classes() - 1),
        "spread": gram["between_sd"],
    }


def _projection(run: Evidence) -> Mapping[str, float]:
    nc1 = run.layers("nc1")
    shares = run.rows("attribution").iloc[0]
    if not shares["total_log_nc1_change"] < 0:
        raise NotMeasured("NC1 does not improve over the layers, so there is nothing to share out")
    return {"ratio": (nc1["MX"] / nc1["X"]).max(), "share": shares["total_share_projection"]}


def _random_features(run: Evidence) -> Mapping[str, float]:
    nc1 = run.layers("nc1")
    ratio = nc1["PhiMX"] / nc1["MX"]
    return {"least": ratio.min(), "median": ratio.median()}


def _without_agop(run: Evidence) -> Mapping[str, float]:
    x = run.layers("nc1", 2)["X"]
    return {"ratio": x.iloc[1:].min() / x[1]}


def _exponential(run: Evidence) -> Mapping[str, float]:
    """Least squares of ln NC1 on the layer, over layers 2 to the last that is valid."""
    nc1 = run.layers("nc1", 5)["MX"].iloc[1:]
    layer, log = nc1.index.to_numpy(float), np.log(nc1.to_numpy())
    slope, start = np.polyfit(layer, log, 1)
    left = log - (slope * layer + start)
    return {"r2": 1 - left.var() / log.var(), "factor": np.exp(slope)}


def _effective_rank(run: Evidence) -> Mapping[str, float]:
    rank = run.layers("agop_effective_rank", 4)["MX"].iloc[3:]
    return {"least": rank.min() - run.classes(), "most": rank.max() - run.classes()}


_TABLES = ("runs", "deep_rfm")
_RATIO_OF_FEATURES = "NC1 of Φ(M^½X) over that of M^½X"

CLAIMS = (
    Claim(
        "C1",
        "abstract, Section 4; Figures 1, 3 to 6",
        "Deep RFM reaches neural collapse within classes (NC1).",
        ABOUT,
        _TABLES,
        _nc1_falls,
        (Quantity("ratio", "NC1 of M^½X at layer 10 over that of the input", most=1e-2),),
        (WITH_AGOP,),
        "deep_rfm_curves",
        datasets=2,
    ),
    Claim(
        "C2",
        "abstract, Section 4; Figures 1, 3 to 6",
        "Deep RFM's class means come to a simplex frame (NC2).",
        ABOUT,
        _TABLES,
        _nc2_falls,
        (
            Quantity("last", "NC2 (mean square) of M^½X at the last layer, 10 or later", most=5e-3),
            Quantity("ratio", "the same over that of the input", most=0.2),
        ),
        (WITH_AGOP,),
        "deep_rfm_curves",
    ),
    Claim(
        "C3",
        "Section 4; Figures 1, 5 and 6",
        "In the last layers centred points of one class have inner product 1, and those of two "
        "classes -1/(K - 1).",
        ABOUT,
        (*_TABLES, "gram", "classes"),
        _inner_products,
        (
            Quantity("within", "mean cosine within classes", least=0.99, paper=1),
            Quantity(
                "between", "mean cosine between classes, plus 1/(K - 1)", -0.01, 0.01, paper=0
            ),
            Quantity("spread", "standard deviation of the cosines between classes", most=0.08),
        ),
        (WITH_AGOP,),
        "gram",
    ),
    Claim(
        "C4",
        "Section 4; Figures 3 and 4",
        "The improvement of NC1 is entirely due to M^½.",
        ABOUT,
        (*_TABLES, "attribution"),
        _projection,
        (
            Quantity("ratio", "NC1 of M^½X over that of X, largest of the layers", None, 1, True),
            Quantity("share", "share of M^½ in the fall of ln NC1 over all layers", least=1),
        ),
        (WITH_AGOP,),
        "deep_rfm_curves",
    ),
    Claim(
        "C5",
        "Section 4; Figure 3",
        "The random feature map worsens NC1: ReLU features, by a little.",
        "Deep RFM with AGOP and ReLU features",
        _TABLES,
        _random_features,
        (
            Quantity("least", f"{_RATIO_OF_FEATURES}, least of the layers", 1, None, True),
            Quantity("median", f"{_RATIO_OF_FEATURES}, median of the layers", most=2),
        ),
        (WITH_AGOP | {"feature_map": "relu"},),
        "deep_rfm_curves",
    ),
    Claim(
        "C5-cos",
        "Section 4; Figure 4",
        "The random feature map worsens NC1: cosine features.",
        "Deep RFM with AGOP and cosine features",
        _TABLES,
        _random_features,
        (
            Quantity("least", f"{_RATIO_OF_FEATURES}, least of the layers", 1, None, True),
            Quantity("median", f"{_RATIO_OF_FEATURES}, median of the layers"),
        ),
        (WITH_AGOP | {"feature_map": "cos"},),
        "deep_rfm_curves",
    ),
    Claim(
        "C6",
        "Section 4",
        "Random feature maps do not collapse on their own.",
        "Deep RFM without the AGOP (projection: identity)",
        _TABLES,
        _without_agop,
        (Quantity("ratio", "NC1 of X over that of the input, least of the layers", least=0.9),),
        ({"kind": "deep_rfm", "projection": "identity", "feature_map": MAPS},),
        "ablation",
    ),
    Claim(
        "C7",
        "Section 5.1; Figures 3 and 4",
        "Collapse is exponential in the layer.",
        "Deep RFM with AGOP, a Laplace kernel and ReLU features, in float64",
        _TABLES,
        _exponential,
        (
            Quantity("r2", "R² of the line of ln NC1 of M^½X on the layer, from layer 2", 0.98),
            Quantity("factor", "factor of NC1 a layer by that line", None, 1, True),
        ),
        (WITH_AGOP | {"kernel": "laplace", "feature_map": "relu", "precision": "float64"},),
        "deep_rfm_curves",
    ),
    Claim(
        "C16",
        "authors' notebooks; proof of Theorem 5.3",
        "At collapse the AGOP has about as many directions as there are classes.",
        ABOUT,
        (*_TABLES, "classes"),
        _effective_rank,
        (
            Quantity("least", "effective rank of M less K, least from layer 4 on", least=-2),
            Quantity("most", "effective rank of M less K, largest from layer 4 on", most=3),
        ),
        (WITH_AGOP,),
        "spectrum",
        printed=False,
    ),
)
