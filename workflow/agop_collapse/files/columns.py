"""The columns of tables, as plain values: what files hold, and what planning lets figures draw.

Nothing but dicts of column to type (Parquet's: string, int64, double, float, bool), so that the
Snakefile can read them too. docs/tables.md describes each column.
"""

# What every run's rows begin with in the tables of a study, and what those of its kind go on with.
RUN_COLUMNS = ("study", "dataset", "run", "seed")
KIND_COLUMNS = {
    "deep_rfm": ("kernel", "feature_map", "projection"),
    "networks": ("model",),
    "own_networks": ("network",),
}


def _integers(*names: str) -> dict[str, str]:
    return dict.fromkeys(names, "int64")


def _floats(*names: str) -> dict[str, str]:
    return dict.fromkeys(names, "double")


def _texts(*names: str) -> dict[str, str]:
    return dict.fromkeys(names, "string")


def _flags(*names: str) -> dict[str, str]:
    return dict.fromkeys(names, "bool")


# Of the modules of `metrics`, by their names: what each measures.
COLLAPSE = _floats(
    "nc1",
    "nc1_code",
    "nc2",
    "nc2_mse",
    "trace_within",
    "trace_between",
)
VARIABILITY = _floats("nc1_pinv", "fuzziness", "vci", "cdnv", "cdnv_max", "cdnv_directional")
FRAMES = _floats(
    "equinorm",
    "equiangle_sd",
    "max_angle",
    "etf_distance",
    "frame_distance",
    "target_distance",
    "condition_number",
    "gnc2",
    "log_distance_mean",
    "log_distance_variance",
    "nc2_floor",
    "etf_distance_floor",
)
GENERALISATION = _floats(
    "nc1_test_strong",
    "nc1_test_strong_pinv",
    "nc1_test_own",
    "nc1_test_weak",
    "nc2_test",
    "test_drift",
    "centre_accuracy",
    "test_centre_accuracy",
)
POINTS = COLLAPSE | VARIABILITY | FRAMES | GENERALISATION
READOUT = _floats(
    "nc3",
    "nc3_centred",
    "nc3_projected",
    "nc3_least_squares",
    "nc3_cos",
    "nc3_cos_min",
    "nc3_cos_centred",
    "nc3_cos_centred_min",
    "nc3_cos_projected",
    "nc3_cos_least_squares",
    "nc3_etf",
    "nc3_bias",
    "unc3",
    "principal_cosine",
    "nc4",
    "nc4_test",
)
RATES = _floats("nc1_rate", "nc1_rate_r2", "fuzziness_rate", "fuzziness_rate_r2")
GRAM = _floats("within_mean", "within_sd", "between_mean", "between_sd")
# The same about the mean of the class means.
GRAM_MU_G = _floats(*(f"{name}_mu_g" for name in GRAM))
FIT = _floats("train_mse", "solve_residual", "sensitivity")
FIT |= _floats("within_distance", "between_distance", "train_accuracy", "test_accuracy")
ESTIMATES = _floats(
    "lambda_k",
    "lambda_k_r2",
    "lambda_map",
    "lambda_map_r2",
    "rate_expected",
    "kernel_within",
    "kernel_between",
    "kernel_between_best",
    "squared_norm",
    "squared_norm_collapsed",
    "squared_norm_best",
)
SPECTRUM = _floats("agop_effective_rank")
ANSATZ = _floats(
    "nfa",
    "nfa_agop",
    "nfa_offdiagonal",
    "nfa_init",
    "nfa_independent",
    "nfa_independent_trained",
)
# The ansatz in other forms: in each a switch of `ansatz.Variant` is another.
ANSATZ_FORMS = _floats(
    "nfa_cosine",
    "nfa_depth",
    "nfa_centred",
    "nfa_change",
    "nfa_scale",
    "nfa_residual",
    "nfa_chance",
)
FAMILY = _floats(
    "fitted_exponent",
    "overlap",
    "overlap_chance",
    "cnfa",
    "cnfa_cosine",
    "weight_change",
)
FACT = _floats(
    "fact",
    "fact_residual",
    "fact_root",
    "bfact",
    "bfact_residual",
    "enfa",
    "enfa_cosine",
)
# What of these a layer of any network has, whose initialisation and training are not known.
OF_ANY_NETWORK = _floats(
    *("nfa", "nfa_agop", "nfa_offdiagonal", "nfa_independent"),
    *("nfa_cosine", "nfa_centred", "nfa_scale", "nfa_residual", "nfa_chance"),
    *("fitted_exponent", "overlap", "overlap_chance", "enfa", "enfa_cosine"),
)
VARIANT = _texts("weights", "jacobians", "power")
VARIANT |= _floats("exponent", "pearson", "cosine", "scale", "residual")
PROGRESS = _floats("train_loss", "test_loss", "train_accuracy", "test_accuracy")
PROGRESS |= _flags("fitted")
# Of each spectrum three counts of how many dimensions it fills.
SPECTRA = ("weight", "agop", "features")
RANKS = _floats(
    *(f"{of}_{count}_rank" for of in SPECTRA for count in ("stable", "effective", "entropy"))
)
# Of `singular_directions`, by what counts as small.
SMALL = ("tenth", "effective_rank", "stable_rank")
SMALL_DIRECTIONS = _floats(
    *(f"small_{what}_{by}" for by in SMALL for what in ("within", "between", "explained"))
)
FACTOR = _floats("nc1_factor")
ALIGNMENT = _floats("class_alignment", "class_alignment_chance")


def _shares(*parts: str) -> dict[str, str]:
    """Of `attribution`: the change of ln NC1 and each part's share in it, of a layer and of all."""
    names = ("log_nc1_change", *(f"share_{part}" for part in parts))
    return _floats(*names, *(f"total_{name}" for name in names))


# The columns of a run's own files, by kind of run and table.
OF_A_RUN = {
    "deep_rfm": {
        "deep_rfm": _integers("layer")
        | _texts("stage")
        | POINTS
        | FIT
        | SPECTRUM
        | _flags("valid"),
        "gram": _integers("layer", "applied_layer") | GRAM | GRAM_MU_G,
        "gram_picture": _integers("layer")
        | _texts("stage", "pixel")
        | _integers("i", "j")
        | {"gram": "float"},
        "classes": _integers("class") | _texts("name") | _integers("points", "drawn"),
        "agop_spectrum": _integers("layer", "index") | _floats("eigenvalue"),
        "attribution": _integers("layer") | _shares("projection", "features", "norm"),
        "rates": _texts("stage") | RATES | _integers("layers"),
        "theory_layers": _integers("layer") | ESTIMATES | _flags("valid"),
        # As of deep_rfm's, but of the machine behind the last layer.
        "predictor": _floats(*(f"final_{name}" for name in FIT)) | _flags("valid"),
    },
    "networks": {
        "network_nc": _integers("epoch", "layer")
        | _texts("stage")
        | POINTS
        | _floats("trace_total"),
        "network_readout": _integers("epoch") | READOUT,
        "network_attribution": _integers("epoch", "layer") | _shares("linear", "activation"),
        "network_rates": _integers("epoch") | _texts("stage") | RATES | _integers("layers"),
        "network_nfa": _integers("epoch", "layer") | ANSATZ | ANSATZ_FORMS | FAMILY | FACT,
        "network_ansatz": _integers("epoch", "layer") | VARIANT,
        "network_ranks": _integers("epoch", "layer")
        | RANKS
        | SMALL_DIRECTIONS
        | FACTOR
        | ALIGNMENT,
        "network_spectrum": _integers("epoch", "layer")
        | _texts("of")
        | _integers("index")
        | _floats("value"),
        "network_training": _integers("epoch") | PROGRESS,
    },
    "own_networks": {
        "network_layers": _integers("epoch", "layer")
        | _texts("layer_name", "layer_kind")
        | _integers("groups", "outputs", "inputs")
        | _texts("stage")
        | COLLAPSE
        | OF_ANY_NETWORK
        | PROGRESS,
    },
}

# Tables of the theory of a study: all their columns but the first two, study and seed.
_RECURSION = _floats("lambda_map", "lambda_k") | _texts("kappa") | _floats("kappa_value")
THEORY = {
    "theory_recursion": _RECURSION | _integers("layer") | _floats("error", "error_rescaled", "nc1"),
    "theory_rate": _RECURSION
    | _floats("rate", "rate_expected", "nc1_rate", "floor", "floor_expected", "floor_slope"),
    "theory_objective": _texts("labels")
    | _integers("classes", "per_class")
    | _floats("ridge")
    | _texts("source")
    | _flags("nonnegative")
    | _integers("number")
    | _floats("objective", "excess", "distance", "within", "between"),
    "theory_random_features": _texts("feature_map")
    | _integers("width", "draws")
    | _floats("product", "mean", "mean_se", "expected", "variance", "variance_expected"),
    "theory_claims": _texts("claim", "source")
    | _flags("printed")
    | _texts("statement")
    | _floats("stated", "found", "tolerance")
    | _flags("holds"),
}

# Tables of a study that are not made of its runs' files: all their columns.
OF_A_STUDY = {
    "nfa_summary": _texts("study", "dataset", "run", "model")
    | _floats("nfa_mean", "nfa_sd", "nfa_sd_layers", "nfa_sd_seeds", "nfa_init_mean")
    | _floats("nfa_independent_mean", "nfa_independent_trained_mean")
    | _integers("values")
    | _flags("fitted")
    | _floats("paper_mean", "paper_sd"),
    "theory_kernel": _texts("study")
    | _integers("seed")
    | _floats("distance", "mapped_mean", "mapped_sd", "mapped_theory")
    | _integers("width", "draws"),
    "claims": _texts("study", "id", "source")
    | _flags("printed")
    | _texts("claim", "predicate", "paper", "measured", "tolerance", "verdict", "why"),
    "claim_values": _texts("study", "dataset", "run", "seeds", "id", "quantity", "words")
    | _floats("least", "most", "paper", "value")
    | _texts("verdict", "why"),
} | {name: _texts("study") | _integers("seed") | columns for name, columns in THEORY.items()}

# Columns that tell the rows of one run apart by more than layer, epoch and stage.
_FINER = {"index", "i", "j", "class", "power"}


def measures(kind: str) -> dict[str, tuple[str, ...]]:
    """What a kind of run has one number of at a layer, epoch and stage, by table."""
    return {
        table: tuple(name for name, of_type in columns.items() if of_type == "double")
        for table, columns in OF_A_RUN[kind].items()
        if not _FINER & columns.keys()
    }
