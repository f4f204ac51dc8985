"""The summary of the NFA against numbers worked out by hand."""

import numpy as np
import pandas as pd
import pytest
from agop_collapse.files import tables
from agop_collapse.rows.nfa_summary import summarise_nfa


def networks(dataset: str, model: str, final_losses: list[float]):
    nfa, training = [], []
    for seed, loss in enumerate(final_losses):
        run = {"dataset": dataset, "model": model, "seed": seed}
        for epoch in (0, 10):
            training.append(run | {"epoch": epoch, "train_loss": 1.0 if epoch == 0 else loss})
            for layer in (1, 2):
                value = 0.1 if epoch == 0 else 0.5 + 0.1 * seed + 0.01 * layer
                baselines = {"nfa_init": 0.1 * layer, "nfa_independent": 0.3}
                nfa.append(run | {"epoch": epoch, "layer": layer, "nfa": value} | baselines)
    return nfa, training


@pytest.fixture
def summary():
    good, bad = networks("cifar10", "resnet18", [0.01, 0.05]), networks("svhn", "mlp", [0.01, 0.06])
    nfa, training = (
        tables.frame(name, first + second)
        for name, first, second in zip(("network_nfa", "network_training"), good, bad, strict=True)
    )
    return summarise_nfa(nfa, training).set_index(["dataset", "model"])


def test_mean_and_deviation_are_over_seeds_and_layers_at_the_end(summary):
    values = [0.51, 0.52, 0.61, 0.62]
    row = summary.loc["cifar10", "resnet18"]
    assert row["nfa_mean"] == pytest.approx(np.mean(values))
    assert row["nfa_sd"] == pytest.approx(np.std(values, ddof=1))
    assert row["nfa_init_mean"] == pytest.approx(0.15)
    assert row["nfa_independent_mean"] == pytest.approx(0.3)
    assert row["values"] == 4


def test_a_seed_that_has_not_fitted_marks_its_network(summary):
    assert summary["fitted"].tolist() == [True, False]


def test_the_papers_numbers_stand_beside_where_it_gives_them(summary, tmp_path):
    assert summary.loc["cifar10", "resnet18"][["paper_mean", "paper_sd"]].tolist() == [0.74, 0.17]
    assert summary.loc["svhn", "mlp"][["paper_mean", "paper_sd"]].isna().all()
    path = tmp_path / "table"
    tables.save(path, "nfa_summary", summary.reset_index())
    pd.testing.assert_frame_equal(
        tables.load(path, "nfa_summary"), summary.reset_index(), check_dtype=False
    )
