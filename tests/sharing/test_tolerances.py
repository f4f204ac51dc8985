"""How far numbers move where points do: bounds that are held against moved points."""

import numpy as np
import oracle
import pandas as pd
import pytest
from agop_collapse.files import columns, tables
from agop_collapse.sharing import keys, tolerances
from sharing_tables import deep_rfm, network

EPS = np.finfo(float).eps


def test_the_root_of_a_matrix_without_full_rank_keeps_half_the_digits():
    """Which is why points are known to sqrt(eps), not to eps."""
    random = np.random.default_rng(0)
    factor = random.standard_normal((3, 40))
    matrix = factor.T @ factor
    points = random.standard_normal((40, 50))

    def mapped(symmetric):
        values, vectors = np.linalg.eigh(symmetric)
        return vectors @ (np.sqrt(np.clip(values, 0, None))[:, None] * (vectors.T @ points))

    noise = EPS * random.standard_normal(matrix.shape) * np.abs(matrix).max()
    moved = np.linalg.norm(mapped(matrix + noise + noise.T) - mapped(matrix))
    moved /= np.linalg.norm(mapped(matrix))
    assert 30 * EPS < moved < 10 * tolerances.HALF_OF_FLOAT64
    assert np.sqrt(EPS) == tolerances.HALF_OF_FLOAT64
    assert np.sqrt(np.finfo(np.float32).eps, dtype=float) == tolerances.HALF_OF_FLOAT32


@pytest.mark.parametrize("spread", [1.0, 1e-2, 1e-4])
@pytest.mark.parametrize("delta", [1e-7, 1e-5])
def test_squares_of_distances_move_by_no_more(spread, delta):
    """NC1 and the traces of clouds of three classes, whose points move by delta of their size."""
    random = np.random.default_rng(1)
    means = np.repeat(np.eye(3, 10), 20, axis=0)
    points = means + spread * random.standard_normal((60, 10)) / np.sqrt(10)
    sizes = np.linalg.norm(points, axis=1, keepdims=True)
    before = oracle.nc1(points, [20, 20, 20])
    for _ in range(20):
        step = random.standard_normal(points.shape)
        step *= delta * sizes / np.linalg.norm(step, axis=1, keepdims=True)
        change = abs(oracle.nc1(points + step, [20, 20, 20]) - before)
        # Here tr S_B is 2/3 of the mean square of the points' size, over which NC1 is.
        allowed = 1.5 * tolerances._moved("nc1", np.array([before]), np.array([delta]))[0]
        assert change <= allowed
    assert allowed < 3e-4 or spread == 1.0


def test_layers_add_up_by_their_sensitivity():
    reference = {"deep_rfm": deep_rfm([10.0, 4.0, 2.0])}
    found = tolerances.allowed("deep_rfm", "nc2", reference)
    expected = tolerances.HALF_OF_FLOAT64 * np.repeat([10.0, 14.0, 16.0], 3) * 1.5
    np.testing.assert_allclose(found, expected)
    square = tolerances.allowed("deep_rfm", "nc1", reference)[0]
    delta = 10 * tolerances.HALF_OF_FLOAT64
    assert square == pytest.approx(2 * delta * (0.5**0.5 + 0.5) + delta**2)


def test_a_gram_matrix_is_known_as_the_layer_that_was_applied():
    layers = deep_rfm([10.0, 4.0])
    run = dict(layers.loc[0, [*keys.RUN, "study", "kernel", "feature_map", "projection"]])
    rows = [run | {"layer": n + 1, "applied_layer": n, "within_sd": 0.0} for n in (0, 1, 2)]
    reference = {"deep_rfm": layers, "gram": tables.frame("gram", rows)}
    found = tolerances.allowed("gram", "within_sd", reference)
    np.testing.assert_allclose(found, tolerances.HALF_OF_FLOAT64 * np.array([10.0, 10.0, 14.0]))


def test_what_is_not_valid_is_not_compared():
    layers = deep_rfm([10.0, 4.0])
    layers.loc[layers["layer"] == 2, "valid"] = False
    found = tolerances.allowed("deep_rfm", "nc2", {"deep_rfm": layers})
    assert np.isnan(found).tolist() == [False] * 3 + [True] * 3


def test_untrained_networks_differ_by_rounding_and_trained_ones_as_seeds_do():
    frame = network({0: [0.1, 0.1, 0.1], 10: [0.7, 0.8, 0.9], 20: [0.7, 0.7, 0.7]})
    found = tolerances.allowed("network_nfa", "nfa", {"network_nfa": frame})
    np.testing.assert_allclose(found[:3], 1.1 * tolerances.HALF_OF_FLOAT32)
    np.testing.assert_allclose(found[3:6], tolerances.SPREAD * 0.1)
    # Seeds that agree by chance: what is usual for the run, a relative 0.0625, the median of the
    # two epochs' 0.125 and 0.
    np.testing.assert_allclose(found[6:], tolerances.SPREAD * 0.0625 * 0.7)


def test_of_one_seed_trained_networks_are_not_compared():
    frame = network({0: [0.1], 10: [0.7]})
    found = tolerances.allowed("network_nfa", "nfa", {"network_nfa": frame})
    assert np.isnan(found).tolist() == [False, True]


def test_cosine_features_magnify():
    """By more than ten a layer: after eight no digit is left, and runs differ as seeds do."""
    random = np.random.default_rng(2)
    size, gamma = 1024, 0.05
    factors = []
    for _ in range(5):
        weights = gamma * random.standard_cauchy((size, size))
        shifts = random.uniform(0, 2 * np.pi, size)
        point = random.standard_normal(size) / np.sqrt(size)
        step = 1e-8 * random.standard_normal(size) / np.sqrt(size)
        before, after = (
            np.sqrt(2 / size) * np.cos(weights @ x + shifts) for x in (point, point + step)
        )
        factors.append(np.linalg.norm(after - before) / np.linalg.norm(step))
    assert min(factors) > 10
    assert tolerances.HALF_OF_FLOAT64 * np.median(factors) ** 8 > 1


def test_of_cosine_features_seeds_say_how_far():
    frame = deep_rfm([2.0, 1.0], seeds=(0, 1)).assign(feature_map="cos")
    frame.loc[(frame["seed"] == 1) & (frame["layer"] == 2), "nc2"] = 0.7
    found = tolerances.allowed("deep_rfm", "nc2", {"deep_rfm": frame})
    second = (frame["layer"] == 2).to_numpy()
    np.testing.assert_allclose(found[second], tolerances.SPREAD * 0.2 / np.sqrt(2))
    one = {"deep_rfm": frame.query("seed == 0")}
    assert np.isnan(tolerances.allowed("deep_rfm", "nc2", one)).all()


def test_shares_of_points_are_counts():
    """Seeds that agree on all of 400 points may still differ by a few points from another."""
    rows = [
        {"study": "a", "dataset": "d", "run": "mlp", "seed": seed, "model": "mlp", "epoch": 1}
        | {"train_accuracy": 1.0, "test_accuracy": 0.9, "fitted": True}
        for seed in (0, 1)
    ]
    runs = pd.DataFrame({"dataset": ["d", "d"], "dataset_n": 400, "dataset_n_test": 100})
    reference = {"network_training": tables.frame("network_training", rows), "runs": runs}
    found = tolerances.allowed("network_training", "train_accuracy", reference)
    np.testing.assert_allclose(found, tolerances.SPREAD / 400)
    found = tolerances.allowed("network_training", "test_accuracy", reference)
    np.testing.assert_allclose(found, tolerances.SPREAD * 3 / 100)


def test_a_flag_on_which_seeds_differ_is_not_compared():
    rows = [
        {"study": "a", "dataset": "d", "run": "mlp", "seed": seed, "model": "mlp"}
        | {"epoch": epoch, "train_loss": 0.1, "fitted": fitted}
        for epoch, seed, fitted in ((1, 0, True), (1, 1, True), (2, 0, True), (2, 1, False))
    ]
    frame = tables.frame("network_training", rows)
    found = tolerances.allowed("network_training", "fitted", {"network_training": frame})
    assert np.isnan(found).tolist() == [False, False, True, True]


def test_columns_that_are_named_are_columns():
    """Or a typing error would leave one with the tolerance of another kind."""
    every = {
        name
        for of_table in (
            *(of_table for of_kind in columns.OF_A_RUN.values() for of_table in of_kind.values()),
            *columns.OF_A_STUDY.values(),
        )
        for name in of_table
    }
    assert {*tolerances.SQUARES, *tolerances.CONDITIONS} <= every
    assert {*tolerances.SHARES, *tolerances.TEST_SHARES} <= every
    assert {*tolerances.RECURSION, *tolerances.LOGARITHMS, "theory_claims"} <= {*tables.COMBINED}


# Claims are verdicts on numbers that other tables have.
COMPARED = set(tables.COMBINED) - {"gram_picture", "claims", "claim_values"}


@pytest.mark.parametrize("table", sorted(COMPARED))
def test_each_table_has_a_key_and_each_number_a_tolerance(table):
    """With columns of the types that files have."""
    values = {"string": "X", "int64": 1, "double": 0.5, "float": 0.5, "bool": True}
    row = {field.name: values[str(field.type)] for field in tables.COMBINED[table]}
    if "run" in row:
        row |= {"dataset": "d", "run": "r"} | ({"seed": 0} if "seed" in row else {})
    frame = tables.frame(table, [row])
    runs = pd.DataFrame({"dataset": ["d"], "dataset_n": 9, "dataset_n_test": 9})
    reference = {"deep_rfm": deep_rfm([2.0]), "runs": runs} | {table: frame}
    keyed = keys.of(table, frame)
    assert "study" in keyed
    for column in frame.columns.drop(keyed):
        allowed = tolerances.allowed(table, column, reference)
        assert allowed.shape == (1,)
        trained = "model" in frame
        assert trained or np.isfinite(allowed[0]), column
