"""What axes call the measures of the tables and their stages, and on what scale each is drawn."""

import re

NC1_LABEL = r"NC1: tr$(\Sigma_W)$ / tr$(\Sigma_B)$"
NC2_LABEL = r"NC2: $\|\bar{\mu}^{\!\top}\!\bar{\mu} - \Sigma_{\mathrm{ETF}}\|$"

_POINTS = {
    "nc1": NC1_LABEL,
    "nc1_code": rf"{NC1_LABEL} / $K$",
    "nc2": NC2_LABEL,
    "nc2_mse": rf"{NC2_LABEL}$^2$ / $K^2$",
    "trace_within": r"tr$(\Sigma_W)$",
    "trace_between": r"tr$(\Sigma_B)$",
    "trace_total": r"tr$(\Sigma_T)$",
    "nc1_pinv": r"NC1: tr$(\Sigma_W\Sigma_B^+)$ / $K$",
    "fuzziness": r"Fuzziness: tr$(\Sigma_W SS_B^+)$",
    "vci": "Variability collapse index",
    "cdnv": "CDNV: mean over pairs",
    "cdnv_max": "CDNV: largest of a pair",
    "cdnv_directional": "CDNV along the line of the means",
    "equinorm": "sd of norms of class means / mean",
    "equiangle_sd": "sd of cosines of class means",
    "max_angle": "Cosines of class means: mean distance from $-1/(K-1)$",
    "etf_distance": "Distance of class means from a simplex ETF",
    "frame_distance": "Distance of class means from an orthonormal frame",
    "target_distance": "Distance of class means from the targets' frame",
    "condition_number": "Condition number of class means",
    "gnc2": "GNC2: least distance from the others' hull",
    "log_distance_mean": r"Mean of $-\ln$ distance of class means",
    "log_distance_variance": r"Variance of $-\ln$ distance of class means",
    "nc2_floor": "Least NC2 in so many dimensions",
    "etf_distance_floor": "Least distance from an ETF in so many dimensions",
    "nc1_test_strong": "NC1 of test points about training means",
    "nc1_test_strong_pinv": r"NC1 of test points: tr$(\Sigma_W\Sigma_B^+)$ / $K$",
    "nc1_test_own": "NC1 of test points about their own means",
    "nc1_test_weak": "NC1 of test points about nearest training means",
    "nc2_test": "NC2 of test points",
    "test_drift": "Drift of test means: mean square",
    "centre_accuracy": "Nearest-centre train accuracy",
    "test_centre_accuracy": "Nearest-centre test accuracy",
}
_GRAM = {
    "within_mean": "Mean cosine within classes",
    "within_sd": "sd of cosines within classes",
    "between_mean": "Mean cosine between classes",
    "between_sd": "sd of cosines between classes",
}
_FIT = {
    "train_mse": "Train error",
    "solve_residual": "Residual of the solve",
    "sensitivity": "Sensitivity of the solve",
    "within_distance": "Median distance within classes",
    "between_distance": "Least distance between classes",
    "train_accuracy": "Train accuracy",
    "test_accuracy": "Test accuracy",
}
_READOUT = {
    "nc3": "NC3: $W$ from class means",
    "nc3_centred": "NC3: centred $W$ from class means",
    "nc3_projected": "NC3: centred $W$ on the means' span, from them",
    "nc3_least_squares": "NC3: $W$ from the least-squares readout",
    "nc3_cos": "NC3: cosine of $W$ and class means",
    "nc3_cos_min": "NC3: least cosine of $W$ and class means",
    "nc3_cos_centred": "NC3: cosine of centred $W$ and class means",
    "nc3_cos_centred_min": "NC3: least cosine of centred $W$ and class means",
    "nc3_cos_projected": "NC3: cosine of centred $W$ on the means' span",
    "nc3_cos_least_squares": "NC3: cosine of $W$ and the least-squares readout",
    "nc3_etf": "NC3: $WM^{\\!\\top}$ from a simplex ETF",
    "nc3_bias": r"NC3: $\|Wg+b\|$",
    "unc3": r"UNC3: variance of $w_c^{\top}(m_c-\mu_G)$",
    "principal_cosine": "Principal cosine of the readout and class means",
    "nc4": "NC4: readout decides as the nearest mean",
    "nc4_test": "NC4 of test points: readout decides as the nearest mean",
}
_SHARES = {
    "log_nc1_change": r"Change of $\ln$ NC1",
    "share_projection": r"Share of $M^{1/2}$ in the change of $\ln$ NC1",
    "share_features": r"Share of random features in the change of $\ln$ NC1",
    "share_norm": r"Share of the norms in the change of $\ln$ NC1",
    "share_linear": r"Share of $SV^{\!\top}$ in the change of $\ln$ NC1",
    "share_activation": r"Share of the activation in the change of $\ln$ NC1",
}
_RATES = {
    "nc1_rate": "Factor of NC1 a layer",
    "nc1_rate_r2": r"$R^2$ of $\ln$ NC1 on the layer",
    "fuzziness_rate": "Factor of fuzziness a layer",
    "fuzziness_rate_r2": r"$R^2$ of $\ln$ fuzziness on the layer",
}
_ANSATZ = {
    "nfa": "NFA correlation",
    "nfa_agop": "Correlation with the AGOP",
    "nfa_offdiagonal": "NFA off the diagonal",
    "nfa_init": "NFA at the initialisation",
    "nfa_independent": "NFA, untrained independent network",
    "nfa_independent_trained": "NFA, trained independent network",
    "nfa_cosine": "NFA cosine",
    "nfa_depth": r"NFA with the AGOP to $1/(H-l+2)$",
    "nfa_centred": "NFA of centred gradients",
    "nfa_change": "NFA of the change of $W$",
    "nfa_scale": r"NFA scale $c^*$",
    "nfa_residual": r"NFA residual: $\|N-c^*B\|$ / $\|N\|$",
    "nfa_chance": "NFA by chance: $d_l^{-1/2}$",
    "fitted_exponent": r"Exponent of $W^{\top}W$ in the AGOP",
    "overlap": r"Overlap of the eigenvectors of $W^{\top}W$ and AGOP",
    "overlap_chance": r"Overlap by chance: $K/d_l$",
    "cnfa": "C-NFA correlation",
    "cnfa_cosine": "C-NFA cosine",
    "weight_change": r"Change of $W$: $\|W-W_0\|$ / $\|W\|$",
    "fact": r"FACT: correlation with $W^{\top}W$",
    "fact_residual": r"FACT: residual of $W^{\top}W$",
    "fact_root": "FACT: correlation of its root",
    "bfact": r"bFACT: correlation with $WW^{\top}$",
    "bfact_residual": r"bFACT: residual of $WW^{\top}$",
    "enfa": "eNFA correlation",
    "enfa_cosine": "eNFA cosine",
}
_OF = {"weight": "$W$", "agop": "the AGOP", "features": "the features"}
_COUNTS = {"stable": "Stable", "effective": "Effective", "entropy": "Entropy"}
_SMALL = {
    "tenth": "below a tenth",
    "effective_rank": "by effective rank",
    "stable_rank": "by stable rank",
}
_RANKS = {
    f"{of}_{count}_rank": f"{name} rank of {whose}"
    for of, whose in _OF.items()
    for count, name in _COUNTS.items()
}
_RANKS |= {
    f"small_{what}_{by}": f"{share} along small directions of $W$: {small}"
    for by, small in _SMALL.items()
    for what, share in {
        "within": r"Share of tr$(\Sigma_W)$",
        "between": r"Share of tr$(\Sigma_B)$",
        "explained": r"Share of $\ln$ NC1's fall",
    }.items()
}
_RANKS |= {
    "nc1_factor": r"NC1 of $SV^{\!\top} x$ from its factors",
    "class_alignment": "Principal cosine of $W_l$ and class means",
    "class_alignment_chance": r"Principal cosine by chance: $(K/d_l)^{1/2}$",
}
_THEORY = {
    "lambda_k": r"$\lambda_k$ of the kernel",
    "lambda_k_r2": r"$R^2$ of the kernel as Gram matrix + $\lambda_k I$",
    "lambda_map": r"$\lambda_{\mathrm{map}}$ of the features",
    "lambda_map_r2": r"$R^2$ of the features' Gram matrix + $\lambda_{\mathrm{map}} I$",
    "rate_expected": "Factor of the error a layer, by Theorem 5.3",
    "squared_norm": "Squared norm of the predictor",
    "squared_norm_collapsed": "Squared norm at $k^*$",
    "squared_norm_best": "Squared norm at the best kernel",
    "kernel_within": "Mean kernel within classes",
    "kernel_between": "Mean kernel between classes",
    "kernel_between_best": "Kernel between classes at the best kernel",
}
# What a y axis calls a measure, its short name before a colon; any other by its column's name.
MEASURES = _POINTS | _GRAM | _FIT | _READOUT | _SHARES | _RATES | _ANSATZ | _RANKS | _THEORY
MEASURES |= {f"{name}_mu_g": rf"{label}, about $\mu_G$" for name, label in _GRAM.items()}
MEASURES |= {f"final_{name}": f"{label} of the last predictor" for name, label in _FIT.items()}
MEASURES |= {f"total_{name}": f"{label}, of all layers" for name, label in _SHARES.items()}
MEASURES |= {"train_loss": "Train loss", "test_loss": "Test loss"}

STAGE_LABELS = {
    "X": "$X$",
    "MX": "$M^{1/2}X$",
    "PhiMX": r"$\Phi(M^{1/2}X)$",
    "input": r"$\Phi(X)$",
    "right": r"$SV^{\!\top}\!\Phi(X)$",
    "full": r"$\sigma(USV^{\!\top}\!\Phi(X))$",
}

# What falls, or grows, over decades; a rate of it, or its R^2, does not.
_LOGARITHMIC = re.compile(
    r"nc1(_code|_pinv|_factor|_test_.*)?|fuzziness|vci|cdnv.*|trace_.*|test_drift|log_distance_variance"
    r"|condition_number|.*_loss|eigenvalue|(final_)?(train_mse|solve_residual|sensitivity)"
    r"|nfa_scale|b?fact_residual"
)
_AT_MOST_1 = re.compile(
    r"c?e?nfa(?!_scale).*|b?fact(_root)?|overlap.*|nc3_cos.*|principal_cosine|class_alignment.*"
)
_FROM_0 = re.compile(r"nc2.*|nc3.*")


def is_logarithmic(measure: str) -> bool:
    """Whether a measure that spans a decade is to be seen on a logarithmic axis."""
    return bool(_LOGARITHMIC.fullmatch(measure))


def is_correlation(measure: str) -> bool:
    """Whether 1 is the most that a measure can be, and 0 means that nothing agrees."""
    return bool(_AT_MOST_1.fullmatch(measure))


def is_distance(measure: str) -> bool:
    """Whether a measure is the distance from a geometry, of which 0 has to be seen."""
    return bool(_FROM_0.fullmatch(measure)) and not is_correlation(measure)


def measure_label(
    measure: str, stage: str | None = None, layer: int | str | None = None, epoch: object = None
) -> str:
    """What a y axis says: the measure and, in a second line, where it was measured."""
    parts = [f"of {STAGE_LABELS.get(stage, stage)}"] if stage else []
    if layer is not None:
        parts.append("last layer" if layer == "last" else f"layer {layer}")
    if epoch is not None and epoch != "last":
        parts.append(f"epoch {epoch}")
    return "\n".join(filter(None, [MEASURES.get(measure, measure), ", ".join(parts)]))


def short_name(measure: str) -> str:
    """What a measure is called in a sentence."""
    return MEASURES.get(measure, measure).partition(":")[0]
