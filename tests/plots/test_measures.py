"""What axes call measures, and that every measure that a figure may name has a name there."""

import re
from itertools import combinations

import pytest
from agop_collapse.files.columns import OF_A_RUN
from agop_collapse.files.columns import measures as measures_of
from agop_collapse.plots import measures
from agop_collapse.plots.axes import fold, text_width

KINDS = tuple(OF_A_RUN)
EVERY = sorted(
    {column for kind in KINDS for columns in measures_of(kind).values() for column in columns}
)


def test_every_measure_and_nothing_else_has_a_label():
    assert sorted(measures.MEASURES) == EVERY


@pytest.mark.parametrize("kind", KINDS)
def test_no_two_measures_of_a_kind_of_run_have_the_same_label(kind):
    columns = {column for table in measures_of(kind).values() for column in table}
    for one, other in combinations(sorted(columns), 2):
        assert measures.MEASURES[one] != measures.MEASURES[other]


@pytest.mark.parametrize("measure", EVERY)
def test_labels_are_drawn_as_they_are_meant(measure):
    """Whatever is in dollars is mathematics that matplotlib reads, and nothing else is."""
    label = measures.measure_label(measure)
    assert text_width(label, 8) > 0.2
    lines = fold(label, 1.3).split("\n")  # of a small panel
    assert len(lines) <= 3
    assert max(text_width(line, 8) for line in lines) < 1.35
    words = re.sub(r"\$[^$]*\$", "", label)
    assert not re.search(r"[\\^_$]", words)
    assert measures.short_name(measure)


def test_scales_of_all_measures():
    """What is a share, an accuracy, a rate, an R^2 or a rank is not logarithmic."""
    logarithmic = {measure for measure in EVERY if measures.is_logarithmic(measure)}
    linear = re.compile(r".*(accuracy|share|rate|r2|rank|cos|cosine|chance|alignment).*")
    assert not any(linear.fullmatch(measure) for measure in logarithmic)
    assert {"nc1", "nc1_pinv", "nc1_test_weak", "trace_within", "cdnv_max"} <= logarithmic
    for measure in EVERY:
        of = (measures.is_logarithmic, measures.is_correlation, measures.is_distance)
        assert sum(is_so(measure) for is_so in of) <= 1


@pytest.mark.parametrize(
    ("where", "label"),
    [
        (("nfa",), "NFA correlation"),
        (("my_measure",), "my_measure"),
        (("nc1", "MX"), "NC1: tr$(\\Sigma_W)$ / tr$(\\Sigma_B)$\nof $M^{1/2}X$"),
        (("train_loss", None, None, "last"), "Train loss"),
        (("nfa", None, "last", "last"), "NFA correlation\nlast layer"),
        (("nfa", None, 3, 50), "NFA correlation\nlayer 3, epoch 50"),
        (("train_loss", "MX", 5), "Train loss\nof $M^{1/2}X$, layer 5"),
    ],
)
def test_measure_labels(where, label):
    assert measures.measure_label(*where) == label
