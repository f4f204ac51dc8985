"""The tables of a trained network hold what direct calls give, in the contract's columns."""

import dataclasses

import numpy as np
import oracle
import pandas as pd
import papers
import pytest
import torch
from agop_collapse.data.dataset import Dataset
from agop_collapse.files import tables
from agop_collapse.metrics import ansatz
from agop_collapse.networks import architecture as networks
from agop_collapse.networks.losses import mse
from agop_collapse.networks.training import Settings, Trainer, train
from agop_collapse.rows import network as network_tables
from clouds import cloud

COUNTS = [6, 4, 5]
IDENTITY = "a1" * 32


def initial_network(seed: int) -> networks.Network:
    return networks.build(papers.mlp(7, 1.0), (1, 2, 3), 3, seed)


@pytest.fixture(scope="module")
def heads():
    """What is found at epochs 0, 2 and 3, beside another network's, and an untrained one's."""
    points, test = cloud(0, COUNTS, 6), cloud(1, [2, 1, 2], 6)
    labels, test_labels = (torch.tensor(oracle.classes_of(c.counts)) for c in (points, test))
    data = Dataset(points.x, labels, test.x, test_labels, (1, 2, 3), 3)
    settings = Settings("sgd", 0.05, 0.9, False, 4, 3, 2, "float32", mse.loss)
    x = data.x.float()

    def trained(seed: int) -> list:
        trainer = Trainer(initial_network(seed), data, settings, seed, torch.device("cpu"))
        return [
            (ansatz.measure_head(trainer.network, x, COUNTS), progress)
            for _, progress in train(trainer)
            if progress is not None
        ]

    found = [
        (own, other, progress)
        for (own, progress), (other, _) in zip(trained(0), trained(2), strict=True)
    ]
    return found, ansatz.measure_head(initial_network(1), x, COUNTS)


@pytest.fixture(scope="module")
def measured(heads) -> dict[str, pd.DataFrame]:
    found, independent = heads
    return network_tables.measure(iter(found), independent, fitted_below=0.05)


def test_columns_are_the_tables_and_fit_their_file(measured, tmp_path):
    assert set(measured) == {"network_nc", "network_nfa", "network_training"}
    for name, frame in measured.items():
        assert list(frame.columns) == tables.MEASURED[name].names
        tables.save(tmp_path / name, name, frame, IDENTITY)
        pd.testing.assert_frame_equal(tables.load(tmp_path / name, name, IDENTITY), frame)


def test_collapse_of_each_layer_and_stage(measured, heads):
    table = measured["network_nc"].set_index(["epoch", "layer", "stage"])
    assert len(table) == 3 * 5 * 3
    for layers, _, progress in heads[0]:
        for number, layer in enumerate(layers, start=1):
            for stage, expected in layer.stages.items():
                row = table.loc[progress.epoch, number, stage]
                for name, value in dataclasses.asdict(expected).items():
                    assert row[name] == value
                assert row["trace_total"] == row["trace_within"] + row["trace_between"]


def test_nfa_and_what_it_would_be_without_learning(measured, heads):
    table = measured["network_nfa"].set_index(["epoch", "layer"])
    assert list(table.index) == [(epoch, layer) for epoch in (0, 2, 3) for layer in range(1, 6)]
    found, independent = heads
    initial = found[0][0]
    for layers, other, progress in found:
        for index, layer in enumerate(layers):
            row = table.loc[progress.epoch, index + 1]
            assert row["nfa"] == ansatz.nfa(layer)
            assert row["nfa_agop"] == ansatz.nfa_agop(layer)
            assert row["nfa_offdiagonal"] == ansatz.nfa_offdiagonal(layer)
            assert row["nfa_init"] == ansatz.nfa(initial[index])
            assert row["nfa_independent"] == ansatz.nfa(layer, independent[index])
            assert row["nfa_independent_trained"] == ansatz.nfa(layer, other[index])
            assert len(set(row[list(row.index[-5:])].round(6))) == 5 or progress.epoch == 0
    assert (table.loc[0, "nfa"] == table.loc[0, "nfa_init"]).all()
    assert (table.loc[3, "nfa"] != table.loc[3, "nfa_init"]).all()


def test_without_another_seed_there_is_no_trained_stranger(measured, heads):
    found, independent = heads
    alone = network_tables.measure(
        [(own, None, progress) for own, _, progress in found], independent, 0.05
    )
    assert alone["network_nfa"]["nfa_independent_trained"].isna().all()
    rest = [name for name in alone["network_nfa"] if name != "nfa_independent_trained"]
    pd.testing.assert_frame_equal(alone["network_nfa"][rest], measured["network_nfa"][rest])


def test_training_is_the_progress(measured, heads):
    table = measured["network_training"]
    assert table["epoch"].tolist() == [0, 2, 3]
    for (*_, progress), row in zip(heads[0], table.to_dict("records"), strict=True):
        assert {name: row[name] for name in dataclasses.asdict(progress)} == dataclasses.asdict(
            progress
        )
    assert table["train_loss"].is_unique


@pytest.mark.parametrize("epoch", [0, 1, 2])
def test_a_network_is_fitted_from_a_train_loss_of_the_bound_down(heads, epoch):
    found, independent = heads
    losses = [progress.train_loss for *_, progress in found]
    table = network_tables.measure(found, independent, losses[epoch])["network_training"]
    assert table["fitted"].tolist() == [loss <= losses[epoch] for loss in losses]
    assert table["fitted"].iloc[epoch]
    below = network_tables.measure(found, independent, np.nextafter(losses[epoch], 0))
    assert not below["network_training"]["fitted"].iloc[epoch]
