"""What captions say: each number is the tables', each doubt is told, each kind has one."""

import importlib
import math
from inspect import signature

import pandas as pd
import pytest
from agop_collapse.plan.figure_kinds import FIGURE_KINDS
from agop_collapse.report.captions.find import CAPTIONS, caption_of

ROW = {
    "label": "digits, Laplace, ReLU",
    "runs": [{"study": "mine", "dataset": "digits", "run": "laplace-relu-agop", "seeds": [0, 1]}],
}
ABLATED = {
    "label": "digits, Laplace, ReLU",
    "runs": [
        ROW["runs"][0] | {"role": "agop"},
        ROW["runs"][0] | {"run": "laplace-relu-identity", "role": "identity"},
    ],
}
MLP = {
    "label": "digits, MLP",
    "runs": [{"study": "mine", "dataset": "digits", "run": "mlp", "seeds": [0, 1]}],
}


def say(kind: str, tables: dict, rows: list, **options) -> str:
    """The numbers of a caption, which its alternative text has too."""
    said = caption_of(kind, "", tables, rows, options)
    shared = said.text.partition(". ")[2]
    assert shared
    assert said.alternative.endswith(shared)
    assert said.text.endswith(".")
    return shared


def doubt(tables: dict, table: str, layer: int) -> None:
    """Make a layer, of one seed, one that is not to be trusted."""
    frame = tables[table]
    frame.loc[(frame["layer"] == layer) & (frame["seed"] == 1), "valid"] = False


def test_every_kind_of_figure_has_a_caption():
    assert CAPTIONS.keys() == FIGURE_KINDS.keys()


def test_kind_of_ones_own_is_told_by_its_description(tables):
    said = caption_of("training_error", "training error of Deep RFM", tables, [ROW], {})
    assert said.text == said.alternative == "Training error of Deep RFM."


# Deep RFM: NC1 of MX is 0.5 and 1.5 at layer 1, a tenth at each more.


def test_curves(tables):
    text = say("deep_rfm_curves", tables, [ROW])
    assert text == (
        "digits, Laplace, ReLU: from layer 1 to 3, NC1 of M^½ X falls from 1 to 0.01, "
        "NC2 falls from 2 to 0.02."
    )
    # nc2_mse / nc2 is 1/2 in every row.
    assert "NC2 / K² stays at 0.5" in say("deep_rfm_curves", tables, [ROW], nc2="nc2_over_k2")


def test_numbers_are_of_the_seeds_that_are_shown(tables):
    row = {"label": "one", "runs": [ROW["runs"][0] | {"seeds": [0]}]}
    assert "NC1 of M^½ X falls from 0.5 to 0.005" in say("deep_rfm_curves", tables, [row])
    assert "seed 0" in caption_of("deep_rfm_curves", "", tables, [row], {}).text
    assert "mean of 2 seeds" in caption_of("deep_rfm_curves", "", tables, [ROW], {}).text
    several = caption_of("deep_rfm_curves", "", tables, [ROW, row], {})
    assert "means of 1 to 2 seeds" in several.text
    other = {"label": "other", "runs": [ROW["runs"][0] | {"seeds": [1]}]}
    assert "one seed each" in caption_of("deep_rfm_curves", "", tables, [row, other], {}).text


def test_numbers_end_before_what_is_not_to_be_trusted(tables):
    doubt(tables, "deep_rfm", 3)
    text = say("deep_rfm_curves", tables, [ROW])
    assert "from layer 1 to 2, the last to be trusted, NC1 of M^½ X falls from 1 to 0.1" in text
    doubt(tables, "deep_rfm", 1)
    for kind, row, options in (
        ("deep_rfm_curves", ROW, {}),
        ("spectrum", ROW, {}),
        ("nc_full", ROW, {}),
        ("accuracy", ROW, {}),
        ("gram", ROW, {"layers": [2, 4]}),
        ("gram", ROW, {"layers": [1, 2], "stage": "X"}),
    ):
        assert "to be trusted (ill-conditioned solve)" in say(kind, tables, [row], **options)


def test_value_that_is_missing_is_said_to_be(tables):
    tables["deep_rfm"].loc[tables["deep_rfm"]["layer"] == 3, "nc1"] = math.nan
    assert "NC1 of M^½ X goes from 1 to not defined" in say("deep_rfm_curves", tables, [ROW])


def test_gram(tables):
    text = say("gram", tables, [ROW], layers=[1, 2, 4])
    assert "from the input data to layer 4 the mean cosine within classes" in text
    assert "rises from 0.5 to 0.875" in text
    assert "between classes it rises from −0.2 to −0.05 (at collapse 1 and −0.25)" in text
    # Layer 4 of a Gram matrix has gone through layer 3.
    doubt(tables, "deep_rfm", 3)
    assert "to layer 2 the mean" in say("gram", tables, [ROW], layers=[1, 2, 4])
    assert "NC1 of X falls from 2 to 0.2" in say("gram", tables, [ROW], layers=[1, 2], stage="X")


def test_ablation(tables):
    text = say("ablation", tables, [ABLATED])
    assert "with the AGOP from layer 1 to 3, NC1 falls from 1 to 0.01" in text
    assert "with M = I from layer 1 to 3, NC1 rises from 1 to 4" in text


def test_spectrum_accuracy_and_test_points(tables):
    assert "its effective rank falls from 40 to 13.3" in say("spectrum", tables, [ROW])
    assert "test accuracy goes from 60.0% to 80.0%, and behind the last to 90.0%" in say(
        "accuracy", tables, [ROW]
    )
    tables["predictor"]["valid"] = False
    assert "behind the last it is not to be trusted" in say("accuracy", tables, [ROW])
    text = say("nc_full", tables, [ROW])
    assert "NC1 is 0.01 on training points, and on test points 0.02 about their own" in text
    assert "and 0.03 about those of the training points" in text
    assert "for 100.0% of training points and 87.5% of test points" in text
    tables["deep_rfm"]["nc1_test_own"] = math.nan
    assert "test points" not in say("nc_full", tables, [ROW])


def test_theory_layers(tables):
    theory = tables["deep_rfm"].query("run == 'laplace-relu-agop' and stage == 'X'")
    columns = {"lambda_k": theory["nc1"], "squared_norm": 12.0, "squared_norm_collapsed": 8.0}
    tables["theory_layers"] = theory.assign(**columns, squared_norm_best=7.5)
    text = say("theory_layers", tables, [ROW])
    assert "λ_k falls from 2 to 0.02, and the squared norm of Theorem 5.4 stays at 12" in text
    assert "k* is 8 and the least 7.5" in text


# Networks: seed 1 has twice the numbers of seed 0, epoch 10 a tenth of those of epoch 0.


def test_decomposition_and_nc2(tables):
    text = say("decomposition", tables, [MLP])
    # (0.4 + 0.8) / 2 into layer 1, (0.05 + 0.1) / 2 out of layer 2.
    assert "falls from 0.6 to 0.075 between layer 1's input and layer 2's output" in text
    assert "60.0% of the change of its logarithm being due to S Vᵀ" in text
    assert "NC2 falls from 0.3 to 0.0375 between" in say("network_nc2", tables, [MLP])


def test_ansatz_is_mean_and_sd_over_layers_and_seeds(tables):
    text = say("ansatz", tables, [MLP])
    # 0.2, 0.3, 0.4, 0.5: their sd is (0.05 / 3)^(1/2).
    assert "ends at 0.35 ± 0.129 (mean and sd over layers and seeds)" in text
    assert "from 0.25 at the initialisation, with a train loss of 0.15" in text
    text = say("nfa_null", tables, [MLP])
    assert "is 0.35, beside 0.1 at the initialisation, 0.2 with the AGOP of an untrained" in text
    assert "0.3 with that of another seed's network" in text


def test_collapse_of_test_points_and_ranks(tables):
    text = say("network_nc_full", tables, [MLP])
    assert "at the output of layer 2, NC1 is 0.075 on training points" in text
    assert "on test points 0.15 about their own" in text
    assert "for 100.0% of training and 75.0% of test points" in text
    text = say("network_spectrum", tables, [MLP])
    assert "the effective rank of layer 2 of W falls from 30 to 3" in text


NETWORKS = (
    *("decomposition", "network_nc2", "ansatz", "nfa_null"),
    *("network_nc_full", "network_spectrum"),
)


@pytest.mark.parametrize("kind", NETWORKS)
def test_of_a_network_that_is_not_fitted_no_number_is_told(tables, kind):
    training = tables["network_training"]
    training.loc[(training["seed"] == 1) & (training["epoch"] == 10), "fitted"] = False
    assert say(kind, tables, [MLP]) == (
        "digits, MLP: not fitted (train loss 0.15), and no number is given."
    )


@pytest.mark.parametrize("kind", CAPTIONS)
def test_a_caption_takes_the_options_of_its_figure(kind):
    draw = importlib.import_module(f"agop_collapse.plots.{kind}").draw
    assert {*signature(draw).parameters} <= {*signature(CAPTIONS[kind]).parameters}


def test_network_of_ones_own():
    rows = [
        {"study": "mine", "dataset": "digits", "run": "net", "network": "a:b", "seed": 0}
        | {"layer": layer, "layer_name": name, "stage": "right", "epoch": epoch}
        | {"nc1": 40.0 / layer / epoch, "nfa": 0.02 * layer * epoch, "train_loss": 5 / epoch}
        | {"fitted": epoch > 1}
        for epoch in (1, 5, 10)
        for layer, name in ((1, "conv1"), (2, "fc"))
    ]
    tables = {"network_layers": pd.DataFrame(rows)}
    row = {"label": "net", "runs": [{"study": "mine", "dataset": "digits", "run": "net"}]}
    assert "NC1 falls from 4 to 2 from conv1 to fc" in say("network_layers", tables, [row])
    assert "the root of the AGOP is 0.3" in say("network_layers", tables, [row])
    assert "falls from 8 to 4 from" in say("network_layers", tables, [row], epochs=[1, 5])
    assert "not fitted (train loss 5)" in say("network_layers", tables, [row], epochs=[1])
    tables["network_layers"]["fitted"] = False
    assert "not fitted (train loss 0.5)" in say("network_layers", tables, [row])


# Any measure


def swept(x: object, run: str) -> dict:
    return ROW["runs"][0] | {"run": run, "x": x, "line": "digits"}


def test_sweep_tells_the_least_and_the_largest_that_are_to_be_trusted(tables):
    row = {
        "label": "",
        "runs": [swept(8, "laplace-relu-agop"), swept(16, "laplace-relu-identity")],
    }
    options = {"table": "deep_rfm", "y": "nc1", "x_label": "width", "stage": "MX"}
    text = say("sweep", tables, [row], **options)
    assert text == "The least is 0.01 (digits, width 8), the largest 4 (digits, width 16)."
    tables["deep_rfm"].loc[tables["deep_rfm"]["run"] == "laplace-relu-identity", "valid"] = False
    text = say("sweep", tables, [row], **options)
    assert "The least is 0.01 (digits, width 8), the largest 0.01 (digits, width 8), of the" in text
    assert "all but 1" in text
    tables["deep_rfm"]["valid"] = False
    assert say("sweep", tables, [row], **options) == "No point is to be trusted."


def test_sweep_over_words(tables):
    row = {"label": "", "runs": [swept("Laplace", "laplace-relu-agop")]}
    options = {"table": "deep_rfm", "y": "nc1", "x_label": "kernel", "stage": "MX"}
    assert "(digits, kernel Laplace)" in say("sweep", tables, [row], **options)


def test_overlay_tells_both_ends_of_each_line(tables):
    options = {"table": "deep_rfm", "y": "nc1", "stage": "MX"}
    assert say("overlay", tables, [ROW], **options) == (
        "digits, Laplace, ReLU: falls from 1 to 0.01 from layer 1 to 3."
    )
    doubt(tables, "deep_rfm", 3)
    assert "falls from 1 to 0.1 from layer 1 to 2." in say("overlay", tables, [ROW], **options)
    options = {"table": "network_nfa", "y": "nfa", "x": "epoch", "layer": 2}
    assert "rises from 0.3 to 0.4 from epoch 0 to 10" in say("overlay", tables, [MLP], **options)


def test_of_many_rows_the_first_are_told(tables):
    rows = [ROW | {"label": f"run {number}"} for number in range(9)]
    text = say("deep_rfm_curves", tables, rows)
    assert "run 5: " in text
    assert "run 6: " not in text
    assert text.endswith("; and 3 more.")


# Theory


def test_theory_kernel():
    table = pd.DataFrame({"distance": [2.0, 0.5], "mapped_theory": [1.4, 0.45]})
    table = table.assign(mapped_mean=table["mapped_theory"] * [1.0, 1.01], width=64, draws=20)
    text = say("theory_kernel", {"theory_kernel": table}, [])
    assert "The ratio falls from 0.9 at distance 0.5 to 0.7 at 2" in text
    assert "off by at most 1.0%" in text


def test_theory_recursion_and_rate():
    rows = [
        {"lambda_map": lambda_map, "lambda_k": lambda_k, "kappa": kappa, "layer": layer}
        | {"error": {"exact": 1e-13, "first_order": lambda_k**2, "paper": lambda_k}[kappa] / layer}
        for lambda_map in (0.1, 1.0, 10.0)
        for lambda_k in (0.01, 0.1)
        for kappa in ("exact", "first_order", "paper")
        for layer in (1, 2)
    ]
    table = pd.DataFrame(rows)
    text = say("theory_recursion", {"theory_recursion": table}, [])
    assert "the error at layer 2 is 5 × 10⁻¹⁴ with the exact κ" in text
    assert "5 × 10⁻⁵ to 0.005 with the corrected κ, 0.005 to 0.05 with the printed κ" in text
    rates = pd.DataFrame({"kappa": ["exact", "exact", "first_order", "paper"]})
    rates["rate"] = [0.1, 0.2, math.nan, math.nan]
    rates["rate_expected"] = [0.1, 0.25, 1.0, 1.0]
    rates["floor_slope"] = [math.nan, math.nan, 2.0, 1.0]
    text = say("theory_rate", {"theory_rate": rates}, [])
    assert "within 20.0% of its closed form" in text
    assert "power 1 with the printed κ and 2 with the corrected one" in text


def test_theory_objective():
    rows = [
        {"ridge": 1.0, "labels": labels, "classes": classes, "nonnegative": nonnegative}
        | {"excess": excess}
        for labels, classes, nonnegative, excess in (
            ("one_hot", 10, True, -2e-16),
            ("one_hot", 3, True, -0.9),  # of fewer classes
            ("plus_minus", 10, True, -0.324),
            ("plus_minus", 10, False, -0.5),
            ("scalar", 2, True, 0.05),
        )
    ]
    text = say("theory_objective", {"theory_objective": pd.DataFrame(rows)}, [])
    assert text == (
        "The least objective of a non-negative kernel is that of k* with one-hot labels "
        "(K = 10), 32.4% below that of k* with ±1 labels (K = 10), 5.0% above that of k* with "
        "one output of ±1 (K = 2)."
    )


def test_random_features():
    rows = [
        {"feature_map": feature_map, "width": width, "mean": 0.5 + off * se, "expected": 0.5}
        | {"mean_se": se, "variance": 2.0 * ratio, "variance_expected": 2.0}
        for feature_map, width, off, se, ratio in (
            ("relu", 8, 1.5, 0.01, 1.1),
            ("relu", 16, -2.5, 0.01, 0.9),
            ("relu", 16, 1e6, 1e-17, 0.9),  # rounding
            ("cos", 8, 0.5, 0.01, 1.0),
        )
    ]
    text = say("random_features", {"theory_random_features": pd.DataFrame(rows)}, [])
    assert "Of ReLU features the mean is within 2.5 standard errors" in text
    assert "the variance 0.9 to 1.1 times its own; of cosine features" in text
    assert "within 0.5 standard errors of its closed form, and the variance 1 times" in text
