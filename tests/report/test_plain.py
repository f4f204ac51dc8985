"""Numbers and labels as plain text."""

import math

import pytest
from agop_collapse.plots.measures import MEASURES, STAGE_LABELS
from agop_collapse.report.plain import cosine, number, percent, plain


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0123456, "0.0123"),
        (1.2e-7, "1.2 × 10⁻⁷"),
        (-3.25e-12, "−3.25 × 10⁻¹²"),
        (0.0009999, "0.001"),  # rounded before the form is chosen
        (99_999.9, "1 × 10⁵"),
        (12_345.6, "12,300"),
        (999.96, "1,000"),
        (100, "100"),
        (-1 / 9, "−0.111"),
        (0, "0"),
        (-0.0, "0"),
        (math.nan, "not defined"),
        (-math.inf, "−∞"),
    ],
)
def test_number_has_three_digits(value, text):
    assert number(value) == text


@pytest.mark.parametrize("exponent", range(-12, 13))
@pytest.mark.parametrize("mantissa", [1.0, 2.345, -9.996])
def test_number_is_near_what_it_says(mantissa, exponent):
    value = mantissa * 10.0**exponent
    text = number(value).replace("−", "-").replace(",", "").replace(" × 10", "e")
    read = float(text.translate(str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-0123456789")))
    assert read == pytest.approx(value, rel=5e-3)


def test_cosine_near_1_says_how_near():
    assert cosine(1 - 2.5e-5) == "1 − 2.5 × 10⁻⁵"
    assert [cosine(value) for value in (1.0, 1 + 1e-16, 0.987, -1 + 1e-9)] == [
        *("1", "1", "0.987", "−1"),
    ]


def test_percent():
    assert percent(0.92549) == "92.5%"
    assert percent(math.nan) == "not defined"


@pytest.mark.parametrize("label", [*MEASURES.values(), *STAGE_LABELS.values(), "$M = I$"])
def test_no_label_keeps_tex(label):
    assert not set(plain(label)) & set("$\\{}")


def test_labels_say_what_their_tex_does():
    assert plain(MEASURES["nc1"]) == "NC1: tr(Σ_W) / tr(Σ_B)"
    assert plain(STAGE_LABELS["PhiMX"]) == "Φ(M^½X)"
    assert plain(STAGE_LABELS["right"]) == "SVᵀΦ(X)"
    assert plain(MEASURES["lambda_map"]) == "λ_map of the features"
    assert plain("my_own, gain = 0.3") == "my_own, gain = 0.3"
