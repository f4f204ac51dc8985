"""The tables of a trained network hold what direct calls give, in the contract's columns."""

import dataclasses
import math

import numpy as np
import oracle
import pandas as pd
import papers
import pytest
import torch
from agop_collapse.data.dataset import Dataset
from agop_collapse.files import tables
from agop_collapse.files.columns import OF_A_RUN
from agop_collapse.metrics import ansatz, fact, head_collapse
from agop_collapse.metrics.head import HeadLayer, measure_head
from agop_collapse.networks import architecture as networks
from agop_collapse.networks.losses import mse
from agop_collapse.networks.training import Settings, Trainer, train
from agop_collapse.rows import network as network_tables
from agop_collapse.rows.network import Found
from clouds import cloud

COUNTS, TEST_COUNTS = [6, 4, 5], [2, 1, 2]
IDENTITY = "a1" * 32
SETTINGS = Settings("sgd", 0.05, 0.9, False, 4, 3, 2, "float32", mse.loss, weight_decay=0.1)


def initial_network(seed: int) -> networks.Network:
    return networks.build(papers.mlp(7, 1.0), (1, 2, 3), 3, seed)


@pytest.fixture(scope="module")
def heads() -> tuple[list[Found], list[HeadLayer]]:
    """What is found at epochs 0, 2 and 3, beside another network's, and an untrained one's."""
    points, test = cloud(0, COUNTS, 6), cloud(1, TEST_COUNTS, 6)
    labels, test_labels = (torch.tensor(oracle.classes_of(c.counts)) for c in (points, test))
    data = Dataset(points.x, labels, test.x, test_labels, (1, 2, 3), 3)
    x, test_x = data.x.float(), data.test_x.float()

    def trained(seed: int) -> list:
        trainer = Trainer(initial_network(seed), data, SETTINGS, seed, torch.device("cpu"))
        return [
            (
                progress,
                head_collapse.measure(trainer.network, x, test_x, data),
                measure_head(trainer.network, x, COUNTS, loss=mse.loss, spectra=True),
            )
            for _, progress in train(trainer)
            if progress is not None
        ]

    found = [Found(*own, other) for own, (*_, other) in zip(trained(0), trained(2), strict=True)]
    return found, measure_head(initial_network(1), x, COUNTS)


@pytest.fixture(scope="module")
def measured(heads) -> dict[str, pd.DataFrame]:
    found, untrained = heads
    return network_tables.measure(iter(found), untrained, SETTINGS, 3)


def test_columns_are_the_tables_and_fit_their_file(measured, tmp_path):
    assert set(measured) == set(OF_A_RUN["networks"])
    for name, frame in measured.items():
        assert list(frame.columns) == tables.MEASURED[name].names
        tables.save(tmp_path / name, name, frame, IDENTITY)
        pd.testing.assert_frame_equal(tables.load(tmp_path / name, name, IDENTITY), frame)


def test_collapse_of_each_layer_and_stage(measured, heads):
    table = measured["network_nc"].set_index(["epoch", "layer", "stage"])
    assert len(table) == 3 * 5 * 3
    for at in heads[0]:
        for number, layer in enumerate(at.collapse.layers, start=1):
            for stage, expected in layer.items():
                row = table.loc[at.progress.epoch, number, stage]
                for name, value in expected.items():
                    assert row[name] == value or math.isnan(row[name])
                assert row["trace_total"] == row["trace_within"] + row["trace_between"]


def test_readout_attribution_and_rates(measured, heads):
    nc1 = measured["network_nc"].set_index(["epoch", "layer", "stage"])["nc1"]
    readout = measured["network_readout"].set_index("epoch")
    shares = measured["network_attribution"].set_index(["epoch", "layer"])
    rates = measured["network_rates"].set_index(["epoch", "stage"])
    for at in heads[0]:
        epoch = at.progress.epoch
        assert readout.loc[epoch].to_dict() == at.collapse.readout
        change = math.log(nc1[epoch, 5, "full"] / nc1[epoch, 1, "input"])
        assert shares.loc[epoch, "total_log_nc1_change"].to_numpy() == pytest.approx([change] * 5)
        part = math.log(nc1[epoch, 2, "right"] / nc1[epoch, 2, "input"])
        whole = math.log(nc1[epoch, 2, "full"] / nc1[epoch, 2, "input"])
        assert shares.loc[(epoch, 2), "log_nc1_change"] == pytest.approx(whole)
        if abs(whole) >= 0.05:
            assert shares.loc[(epoch, 2), "share_linear"] == pytest.approx(part / whole)
        values = [nc1[epoch, layer, "right"] for layer in range(1, 6)]
        slope = np.polyfit(range(1, 6), np.log(values), 1)[0]
        assert rates.loc[(epoch, "right"), "nc1_rate"] == pytest.approx(math.exp(slope))
        assert rates.loc[(epoch, "right"), "layers"] == 5


def test_nfa_and_what_it_would_be_without_learning(measured, heads):
    table = measured["network_nfa"].set_index(["epoch", "layer"])
    assert list(table.index) == [(epoch, layer) for epoch in (0, 2, 3) for layer in range(1, 6)]
    found, untrained = heads
    initial = found[0].head
    for at in found:
        for index, layer in enumerate(at.head):
            row = table.loc[at.progress.epoch, index + 1]
            assert row["nfa"] == ansatz.nfa(layer)
            assert row["nfa_agop"] == ansatz.nfa_agop(layer)
            assert row["nfa_offdiagonal"] == ansatz.nfa_offdiagonal(layer)
            assert row["nfa_init"] == ansatz.nfa(initial[index])
            assert row["nfa_independent"] == ansatz.nfa(layer, untrained[index])
            assert row["nfa_independent_trained"] == ansatz.nfa(layer, at.other[index])
            assert row["nfa_chance"] == pytest.approx(layer.weight.shape[1] ** -0.5)
    assert (table.loc[0, "nfa"] == table.loc[0, "nfa_init"]).all()
    assert (table.loc[3, "nfa"] != table.loc[3, "nfa_init"]).all()


def test_the_ansatz_in_its_forms_and_its_kin(measured, heads):
    table = measured["network_nfa"].set_index(["epoch", "layer"])
    forms = measured["network_ansatz"]
    keys = ["epoch", "layer", "weights", "jacobians", "power"]
    assert not forms.duplicated(keys).any()
    assert forms.groupby("epoch").size().tolist() == [5 * 6, 5 * 12, 5 * 12]
    forms = forms.set_index(keys)["pearson"]
    initial = heads[0][0].head
    for at in heads[0]:
        epoch = at.progress.epoch
        for index, layer in enumerate(at.head):
            row = table.loc[epoch, index + 1]
            place = (epoch, index + 1)
            assert forms[*place, "whole", "plain", "half"] == pytest.approx(row["nfa"], rel=1e-9)
            assert forms[*place, "whole", "plain", "one"] == pytest.approx(row["nfa_agop"])
            assert forms[*place, "whole", "plain", "depth"] == row["nfa_depth"]
            assert forms[*place, "whole", "centred", "half"] == row["nfa_centred"]
            before = None if epoch == 0 else initial[index].weight
            expected = dataclasses.asdict(ansatz.family(layer, 3, before))
            expected |= dataclasses.asdict(fact.measure(layer, 0.1))
            for name, value in expected.items():
                assert row[name] == pytest.approx(value, nan_ok=True)
            assert math.isnan(row["nfa_change"]) == (epoch == 0)
            if epoch:
                assert forms[*place, "change", "plain", "half"] == row["nfa_change"]
    assert table["fact"].notna().all()


def test_without_a_penalty_there_is_no_fact(heads):
    found, untrained = heads
    for changes in ({"weight_decay": 0.0}, {"optimizer": "adamw"}):
        settings = dataclasses.replace(SETTINGS, **changes)
        table = network_tables.measure(found, untrained, settings, 3)["network_nfa"]
        assert table[["fact", "bfact", "fact_residual"]].isna().all(axis=None)
        assert table["enfa"].notna().all()


def test_spectra_and_ranks(measured, heads):
    table, ranks = (measured[f"network_{name}"] for name in ("spectrum", "ranks"))
    ranks = ranks.set_index(["epoch", "layer"])
    for at in heads[0]:
        for number, layer in enumerate(at.head, start=1):
            part = table[(table["epoch"] == at.progress.epoch) & (table["layer"] == number)]
            spectra = {of: values["value"].to_numpy() for of, values in part.groupby("of")}
            singular = np.linalg.svd(layer.weight.numpy(), compute_uv=False)
            np.testing.assert_allclose(spectra["weight"], singular, rtol=1e-9)
            agop = (layer.agop_factor.T @ layer.agop_factor).numpy()
            expected = np.linalg.eigvalsh(agop)[::-1][: len(spectra["agop"])]
            np.testing.assert_allclose(spectra["agop"], expected, rtol=0, atol=1e-9 * expected[0])
            assert (np.diff(spectra["features"]) <= 0).all()
            row = ranks.loc[at.progress.epoch, number]
            square = singular**2
            assert row["weight_stable_rank"] == pytest.approx(square.sum() / square[0])
            assert row["weight_effective_rank"] == pytest.approx(
                square.sum() ** 2 / (square**2).sum()
            )
            q = singular / singular.sum()
            assert row["weight_entropy_rank"] == pytest.approx(math.exp(-(q * np.log(q)).sum()))
            q = spectra["agop"][spectra["agop"] > 0] / spectra["agop"].sum()
            assert row["agop_entropy_rank"] == pytest.approx(math.exp(-(q * np.log(q)).sum()))
            expected = at.collapse.alignment[number - 1]["class_alignment"]
            assert row["class_alignment"] == expected
            assert 0 <= row["small_within_tenth"] <= 1


def test_nc1_of_the_right_factor_is_that_of_the_whole_weight(measured):
    """Found of the singular vectors and the layer's input alone; U changes it by nothing."""
    whole = measured["network_nc"].query("stage == 'right'").set_index(["epoch", "layer"])["nc1"]
    factor = measured["network_ranks"].set_index(["epoch", "layer"])["nc1_factor"]
    pd.testing.assert_series_equal(factor, whole, check_names=False, rtol=1e-5)


def test_without_another_seed_there_is_no_trained_stranger(measured, heads):
    found, untrained = heads
    without = [dataclasses.replace(at, other=None) for at in found]
    alone = network_tables.measure(without, untrained, SETTINGS, 3)
    assert alone["network_nfa"]["nfa_independent_trained"].isna().all()
    rest = [name for name in alone["network_nfa"] if name != "nfa_independent_trained"]
    pd.testing.assert_frame_equal(alone["network_nfa"][rest], measured["network_nfa"][rest])


def test_training_is_the_progress(measured, heads):
    table = measured["network_training"]
    assert table["epoch"].tolist() == [0, 2, 3]
    for at, row in zip(heads[0], table.to_dict("records"), strict=True):
        expected = dataclasses.asdict(at.progress)
        assert {name: row[name] for name in expected} == expected
    assert table["train_loss"].is_unique


@pytest.mark.parametrize("epoch", [0, 1, 2])
def test_a_network_is_fitted_from_a_train_loss_of_the_bound_down(heads, epoch):
    found, untrained = heads
    losses = [at.progress.train_loss for at in found]

    def fitted(bound: float) -> pd.Series:
        loss = dataclasses.replace(mse.loss, fitted_below=bound)
        settings = dataclasses.replace(SETTINGS, loss=loss)
        return network_tables.measure(found, untrained, settings, 3)["network_training"]["fitted"]

    assert fitted(losses[epoch]).tolist() == [loss <= losses[epoch] for loss in losses]
    assert fitted(losses[epoch]).iloc[epoch]
    assert not fitted(np.nextafter(losses[epoch], 0)).iloc[epoch]
