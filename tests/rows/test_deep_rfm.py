"""The tables of a Deep RFM run hold what direct calls give, in the contract's columns."""

import dataclasses
import itertools
import math

import numpy as np
import oracle
import pandas as pd
import papers
import pytest
import torch
from agop_collapse.data.dataset import Dataset
from agop_collapse.files import tables
from agop_collapse.machine.deep_rfm import Layer, Predictor, build
from agop_collapse.metrics import in_full, spectra
from agop_collapse.rows import deep_rfm as deep_rfm_tables
from clouds import cloud

COUNTS, TEST_COUNTS = [7, 4, 6], [2, 3, 2]
NAMES = ("cat", "dog", "5 $")
IDENTITY = "a1" * 32


@pytest.fixture(scope="module")
def data() -> Dataset:
    points, test = cloud(0, COUNTS, 5), cloud(1, TEST_COUNTS, 5)
    labels, test_labels = (torch.tensor(oracle.classes_of(c.counts)) for c in (points, test))
    return Dataset(points.x, labels, test.x, test_labels, (1, 1, 5), 3, NAMES)


@pytest.fixture(scope="module")
def layers(data) -> list[Layer]:
    settings = papers.settings(feature_map="cos", depth=3, n_features=9, gamma=0.3)
    return list(build(data, settings, 3, torch.device("cpu")))


@pytest.fixture(scope="module")
def measured(layers, data) -> dict[str, pd.DataFrame]:
    return deep_rfm_tables.measure(iter(layers), data)


def test_columns_are_the_tables_and_fit_their_file(measured, tmp_path):
    assert set(measured) == {
        *("deep_rfm", "attribution", "rates", "gram", "gram_picture", "classes", "agop_spectrum"),
    }
    for name, frame in measured.items():
        tables.save(tmp_path / name, name, frame, IDENTITY)
        assert list(frame.columns) == tables.MEASURED[name].names
        pd.testing.assert_frame_equal(tables.load(tmp_path / name, name, IDENTITY), frame)


def test_collapse_at_each_stage(measured, layers):
    table = measured["deep_rfm"].set_index(["layer", "stage"])
    assert list(table.index) == list(itertools.product((1, 2, 3), ("X", "MX", "PhiMX")))
    for number, layer in enumerate(layers, start=1):
        projected = layer.x @ layer.root
        weight, bias = layer.features.weight.numpy(), layer.features.bias.numpy()
        features = oracle.features("cos", projected.numpy(), weight, bias)
        stages = {"X": layer.x.numpy(), "MX": projected.numpy(), "PhiMX": features}
        for stage, points in stages.items():
            row = table.loc[number, stage]
            within, between = oracle.covariances(points, COUNTS)
            assert row["nc1"] == pytest.approx(oracle.nc1(points, COUNTS), rel=1e-9)
            assert row["nc1_code"] == pytest.approx(row["nc1"] / 3, rel=1e-12)
            assert row["nc2"] == pytest.approx(oracle.nc2(points, COUNTS), rel=1e-9)
            assert row["nc2_mse"] == pytest.approx(row["nc2"] ** 2 / 9, rel=1e-12)
            assert row["trace_within"] == pytest.approx(np.trace(within), rel=1e-9)
            assert row["trace_between"] == pytest.approx(np.trace(between), rel=1e-9)
            for name, value in dataclasses.asdict(layer.fit).items():
                assert row[name] == value
            rank = spectra.effective_rank(layer.eigenvalues)
            assert row["agop_effective_rank"] == rank


def test_collapse_in_full_of_training_and_test_points(measured, layers, data):
    table = measured["deep_rfm"].set_index(["layer", "stage"])
    test_x = data.test_x
    for number, layer in enumerate(layers, start=1):
        test_x = test_x / test_x.norm(dim=1, keepdim=True)
        stages = {"X": (layer.x, test_x)}
        stages["MX"] = tuple(x @ layer.root for x in stages["X"])
        stages["PhiMX"] = tuple(layer.features(x) for x in stages["MX"])
        test_x = stages["PhiMX"][1]
        for stage, (train, test) in stages.items():
            expected = in_full.measure(train, COUNTS, test, TEST_COUNTS)
            found = table.loc[(number, stage), list(expected)]
            np.testing.assert_allclose(
                found.astype(float), list(expected.values()), rtol=1e-9, atol=1e-12
            )


def test_attribution_and_rates_are_of_the_layers_that_are_valid(layers, data):
    doubtful = [
        dataclasses.replace(layer, fit=dataclasses.replace(layer.fit, valid=number < 3))
        for number, layer in enumerate(layers, start=1)
    ]
    found = deep_rfm_tables.measure(doubtful, data)
    table = found["deep_rfm"].set_index(["stage", "layer"])["nc1"]
    shares = found["attribution"]
    assert shares["layer"].tolist() == [1, 2]
    nc1 = [table["X", 1], table["X", 2], table["PhiMX", 2]]
    changes = np.diff(np.log(nc1))
    np.testing.assert_allclose(shares["log_nc1_change"], changes)
    np.testing.assert_allclose(shares["total_log_nc1_change"], [changes.sum()] * 2)
    part = math.log(table["MX", 2] / table["X", 2])
    assert shares["share_projection"][1] == pytest.approx(part / changes[1])
    rates = found["rates"].set_index("stage")
    assert rates.index.tolist() == ["X", "MX", "PhiMX"]
    assert rates["layers"].tolist() == [2, 2, 2]
    assert rates.loc["MX", "nc1_rate"] == pytest.approx(table["MX", 2] / table["MX", 1])
    nothing = [dataclasses.replace(layer, fit=doubtful[2].fit) for layer in layers]
    found = deep_rfm_tables.measure(nothing, data)
    assert len(found["attribution"]) == len(found["rates"]) == 0


def test_without_test_points_what_is_of_them_is_null(layers, data):
    fit = dataclasses.replace(layers[0].fit, test_accuracy=None)
    alone = dataclasses.replace(data, test_x=data.test_x[:0], test_labels=data.test_labels[:0])
    found = deep_rfm_tables.measure([dataclasses.replace(layers[0], fit=fit)], alone)["deep_rfm"]
    of_test = [name for name in found if "test" in name]
    assert len(of_test) == 7
    assert found[of_test].isna().all(axis=None)
    assert found["nc1_pinv"].notna().all()


def test_without_two_points_of_a_class_their_distance_is_infinite(layers, data, tmp_path):
    fit = dataclasses.replace(layers[0].fit, within_distance=math.inf)
    found = deep_rfm_tables.measure([dataclasses.replace(layers[0], fit=fit)], data)["deep_rfm"]
    tables.save(tmp_path / "table", "deep_rfm", found, IDENTITY)
    read = tables.load(tmp_path / "table", "deep_rfm", IDENTITY)
    assert read["within_distance"].tolist() == [math.inf] * 3


def test_the_predictor_has_a_row_of_its_own(layers, tmp_path):
    fit = dataclasses.replace(layers[2].fit, valid=False, test_accuracy=None)
    found = deep_rfm_tables.predictor_table(Predictor(layers[2].x, layers[2].alpha, fit))
    tables.save(tmp_path / "table", "predictor", found, IDENTITY)
    (row,) = tables.load(tmp_path / "table", "predictor", IDENTITY).to_dict("records")
    assert not row.pop("valid")
    assert math.isnan(row.pop("final_test_accuracy"))
    for name, value in row.items():
        assert value == getattr(fit, name.removeprefix("final_"))


def gram_points(layers: list[Layer]) -> list[np.ndarray]:
    """Xtilde_1 = X_1, then Xtilde_l = M_{l-1}^1/2 X_{l-1}."""
    return [layers[0].x.numpy(), *[(layer.x @ layer.root).numpy() for layer in layers]]


def test_gram_statistics_are_numbered_as_the_papers_figures(measured, layers):
    table = measured["gram"]
    assert table["layer"].tolist() == [1, 2, 3, 4]
    assert table["applied_layer"].tolist() == [0, 1, 2, 3]
    for points, row in zip(gram_points(layers), table.itertuples(), strict=True):
        found = (row.within_mean, row.within_sd, row.between_mean, row.between_sd)
        expected = oracle.gram_statistics(oracle.cosines(points), COUNTS)
        np.testing.assert_allclose(found, expected, rtol=1e-8)
        names = ("within_mean", "within_sd", "between_mean", "between_sd")
        found = [getattr(row, f"{name}_mu_g") for name in names]
        centre = np.mean([oracle.class_mean(points, COUNTS, k) for k in range(3)], axis=0)
        directions = oracle.unit(points - centre)
        expected = oracle.gram_statistics(directions @ directions.T, COUNTS)
        np.testing.assert_allclose(found, expected, rtol=1e-7)


def picture(table: pd.DataFrame, layer: int, stage: str, pixel: str) -> np.ndarray:
    chosen = (table["layer"] == layer) & (table["stage"] == stage) & (table["pixel"] == pixel)
    pixels = table[chosen]
    return pixels.pivot(index="i", columns="j", values="gram").to_numpy()


def test_pictures_are_the_gram_matrices(measured, layers):
    table = measured["gram_picture"]
    expected = {(layer, "MX"): x for layer, x in enumerate(gram_points(layers), start=1)}
    expected |= {(number, "X"): layer.x.numpy() for number, layer in enumerate(layers, start=1)}
    assert set(zip(table["layer"], table["stage"], strict=True)) == set(expected)
    assert len(table) == 2 * len(expected) * 17**2
    for (layer, stage), points in expected.items():
        for pixel in ("point", "mean"):
            found = picture(table, layer, stage, pixel)
            np.testing.assert_allclose(found, oracle.cosines(points), rtol=0, atol=1e-6)


def test_big_pictures_are_of_a_sample_or_averaged(layers, data, monkeypatch):
    monkeypatch.setattr(deep_rfm_tables, "PICTURE_SIZE", 4)
    tables = deep_rfm_tables.measure(layers, data)
    found = tables["gram_picture"]
    gram = oracle.cosines(layers[0].x.numpy())
    # 17 points in 4: 5, 4, 4, 4.
    blocks = [slice(0, 5), slice(5, 9), slice(9, 13), slice(13, 17)]
    expected = [[gram[rows, columns].mean() for columns in blocks] for rows in blocks]
    np.testing.assert_allclose(picture(found, 1, "MX", "mean"), expected, rtol=0, atol=1e-6)
    # One point of each class has room: the classes have 7, 4 and 6.
    first = [0, 7, 11]
    sample = picture(found, 1, "MX", "point")
    np.testing.assert_allclose(sample, gram[np.ix_(first, first)], rtol=0, atol=1e-6)
    assert tables["classes"]["drawn"].tolist() == [1, 1, 1]


def test_classes_have_their_names_or_numbers(measured, layers, data):
    assert measured["classes"].to_numpy().tolist() == [
        [0, "cat", 7, 7],
        [1, "dog", 4, 4],
        [2, "5 $", 6, 6],
    ]
    unnamed = dataclasses.replace(data, class_names=())
    unnamed = deep_rfm_tables.measure(layers[:1], unnamed)["classes"]
    assert unnamed["name"].tolist() == ["0", "1", "2"]
    with pytest.raises(ValueError, match="longer"):
        deep_rfm_tables.measure(layers[:1], dataclasses.replace(data, class_names=NAMES[:2]))


def test_spectrum_is_that_of_the_root_squared(measured, layers):
    table = measured["agop_spectrum"]
    for number, layer in enumerate(layers, start=1):
        part = table[table["layer"] == number]
        assert part["index"].tolist() == list(range(1, len(layer.root) + 1))
        assert part["eigenvalue"].is_monotonic_decreasing
        expected = np.linalg.eigvalsh((layer.root @ layer.root).numpy())[::-1]
        np.testing.assert_allclose(part["eigenvalue"], expected, rtol=0, atol=1e-12)
        assert not math.isclose(part["eigenvalue"].iloc[0], part["eigenvalue"].iloc[-1])
