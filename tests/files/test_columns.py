"""Columns as plain values: each is measured, and what figures may draw follows from them."""

import subprocess
import sys
from dataclasses import fields
from pathlib import Path

import pytest
from agop_collapse.files import columns
from agop_collapse.machine.deep_rfm import Fit
from agop_collapse.metrics.ansatz import Ansatz, Family, Variant
from agop_collapse.metrics.attribution import DeepRfmShares, NetworkShares
from agop_collapse.metrics.collapse import Collapse
from agop_collapse.metrics.fact import Fact
from agop_collapse.metrics.frames import FrameGeometry
from agop_collapse.metrics.generalisation import Generalisation
from agop_collapse.metrics.gram import GramStatistics
from agop_collapse.metrics.readout import Alignment
from agop_collapse.metrics.spectra import Spectrum
from agop_collapse.metrics.variability import Variability
from agop_collapse.theory.estimates import Estimates


@pytest.mark.parametrize(
    ("measured", "declared"),
    [
        (Collapse, columns.COLLAPSE),
        (Variability, columns.VARIABILITY),
        (GramStatistics, columns.GRAM),
        (Spectrum, columns.SPECTRUM),
        (Estimates, columns.ESTIMATES),
        (Ansatz, columns.ANSATZ),
        (Family, columns.FAMILY),
        (Fact, columns.FACT),
    ],
)
def test_what_is_measured_are_the_columns(measured, declared):
    """In the same order; a column that nothing measures would be null without a word."""
    assert [(field.name, field.type) for field in fields(measured)] == [
        (name, {"double": float}[of_type]) for name, of_type in declared.items()
    ]


def test_what_is_measured_is_among_the_columns():
    floors, others = ["nc2_floor", "etf_distance_floor"], ["centre_accuracy"]
    for measured, declared, beside in (
        (FrameGeometry, columns.FRAMES, floors),
        (Generalisation, columns.GENERALISATION, others),
        (Alignment, columns.READOUT, ["nc4", "nc4_test"]),
    ):
        names = [field.name for field in fields(measured)]
        assert [name for name in declared if name not in beside] == names
        assert set(beside) < set(declared)
    for measured, table in (
        (DeepRfmShares, columns.OF_A_RUN["deep_rfm"]["attribution"]),
        (NetworkShares, columns.OF_A_RUN["networks"]["network_attribution"]),
    ):
        names = [field.name for field in fields(measured)]
        places = [name for name in table if name in ("epoch", "layer")]
        assert list(table) == [*places, *names, *(f"total_{name}" for name in names)]


def test_a_form_of_the_ansatz_is_a_row():
    assert [field.name for field in fields(Variant)] == list(columns.VARIANT)


def test_the_fit_of_a_layer_and_of_the_predictor_are_columns():
    names = [field.name for field in fields(Fit)]
    assert [*columns.FIT, "valid"] == names
    predictor = columns.OF_A_RUN["deep_rfm"]["predictor"]
    assert list(predictor) == [*(f"final_{name}" for name in names[:-1]), "valid"]


def test_figures_may_draw_what_has_one_number_at_a_place():
    found = columns.measures("deep_rfm")
    of_runs = ["deep_rfm", "gram", "attribution", "rates", "theory_layers", "predictor"]
    assert list(found) == of_runs
    assert found["gram"][:4] == ("within_mean", "within_sd", "between_mean", "between_sd")
    assert found["gram"][4:] == tuple(f"{name}_mu_g" for name in found["gram"][:4])
    assert {"nc1", "nc2", "train_mse", "agop_effective_rank"} < set(found["deep_rfm"])
    assert not {"layer", "stage", "valid"} & set(found["deep_rfm"])
    assert "final_test_accuracy" in found["predictor"]
    found = columns.measures("networks")
    assert list(found) == [
        *("network_nc", "network_readout", "network_attribution", "network_rates", "network_nfa"),
        *("network_ranks", "network_training"),
    ]
    assert found["network_training"] == (
        "train_loss",
        "test_loss",
        "train_accuracy",
        "test_accuracy",
    )
    assert "trace_total" in found["network_nc"]


def test_they_load_nothing():
    """The Snakefile reads them, and plans in a second."""
    code = (
        "import sys; before = set(sys.modules); import agop_collapse.files.columns;"
        "print(*sorted(set(sys.modules) - before))"
    )
    run = subprocess.run(
        [sys.executable, "-S", "-c", code],
        cwd=Path(columns.__file__).parents[2],
        capture_output=True,
        text=True,
        check=True,
    )
    assert run.stdout.split() == [
        "agop_collapse",
        "agop_collapse.files",
        "agop_collapse.files.columns",
    ]
