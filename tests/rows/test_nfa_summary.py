"""The summary of the NFA against numbers worked out by hand."""

import numpy as np
import pandas as pd
import pytest
from agop_collapse.files import tables
from agop_collapse.rows.nfa_summary import summarise_nfa

IDENTITY = "a1" * 32
NETWORKS = [
    # study, dataset, run, model; whether each seed ends fitted; the NFA of its first layer
    (("paper", "cifar10", "resnet18", "resnet18"), [True, True], 0.5),
    (("paper", "svhn", "mlp,gain=0.01", "mlp"), [True, False], 0.3),
    (("paper", "svhn", "mlp,gain=1", "mlp"), [True, True], 0.7),
    (("quick", "svhn", "mlp,gain=1", "mlp"), [False], 0.2),
]


def rows_of(network: tuple[str, ...], fitted: list[bool], first: float):
    columns = dict(zip(("study", "dataset", "run", "model"), network, strict=True))
    nfa, training = [], []
    for seed, ends_fitted in enumerate(fitted):
        run = columns | {"seed": seed}
        # Fitted for a while in between, which counts for nothing.
        for epoch, is_fitted in ((0, False), (5, True), (10, ends_fitted)):
            training.append(run | {"epoch": epoch, "fitted": is_fitted})
            for layer in (1, 2):
                value = 0.1 if epoch < 10 else first + 0.1 * seed + 0.01 * layer
                baselines = {
                    "nfa_init": 0.1 * layer,
                    "nfa_independent": 0.3,
                    "nfa_independent_trained": 0.2 - 0.1 * seed,
                }
                nfa.append(run | {"epoch": epoch, "layer": layer, "nfa": value} | baselines)
    return nfa, training


@pytest.fixture(scope="module")
def study_tables() -> tuple[pd.DataFrame, pd.DataFrame]:
    parts = [rows_of(*network) for network in NETWORKS]
    nfa = tables.frame("network_nfa", [row for part, _ in parts for row in part])
    training = tables.frame("network_training", [row for _, part in parts for row in part])
    return nfa, training


@pytest.fixture(scope="module")
def summary(study_tables) -> pd.DataFrame:
    return summarise_nfa(*study_tables)


def test_each_run_of_each_study_has_a_row(summary):
    found = summary[["study", "dataset", "run", "model"]].itertuples(index=False, name=None)
    assert list(found) == [network for network, _, _ in NETWORKS]


def test_mean_and_deviation_are_over_seeds_and_layers_at_the_end(summary):
    row = summary.iloc[0]
    values = [0.51, 0.52, 0.61, 0.62]
    assert row["nfa_mean"] == pytest.approx(np.mean(values))
    assert row["nfa_sd"] == pytest.approx(np.std(values, ddof=1))
    assert row["nfa_sd_layers"] == pytest.approx(np.std([0.56, 0.57], ddof=1))
    assert row["nfa_sd_seeds"] == pytest.approx(np.std([0.515, 0.615], ddof=1))
    assert summary["nfa_sd_seeds"].isna().tolist() == [False, False, False, True]  # of one seed
    assert row["nfa_independent_trained_mean"] == pytest.approx(0.15)
    assert row["nfa_init_mean"] == pytest.approx(0.15)
    assert row["nfa_independent_mean"] == pytest.approx(0.3)
    assert summary["nfa_mean"].tolist() == pytest.approx([0.565, 0.365, 0.765, 0.215])
    assert summary["values"].tolist() == [4, 4, 4, 2]


def test_a_seed_that_ends_unfitted_marks_its_network(summary, study_tables):
    assert summary["fitted"].tolist() == [True, False, True, False]
    nfa, training = study_tables
    backwards = training.iloc[::-1]
    pd.testing.assert_frame_equal(summarise_nfa(nfa, backwards), summary)


def test_the_papers_numbers_stand_beside_where_it_gives_them(summary, tmp_path):
    assert summary.iloc[0][["paper_mean", "paper_sd"]].tolist() == [0.74, 0.17]
    assert summary.iloc[1:][["paper_mean", "paper_sd"]].isna().all(axis=None)
    path = tmp_path / "table"
    tables.save(path, "nfa_summary", summary, IDENTITY)
    pd.testing.assert_frame_equal(
        tables.load(path, "nfa_summary", IDENTITY), summary, check_dtype=False
    )
