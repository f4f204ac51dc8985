"""The table `runs`: a row for each run, every setting a typed column."""

import itertools

import pytest
from agop_collapse.files import tables
from agop_collapse.files.columns import KIND_COLUMNS
from agop_collapse.plan.settings import RUN_KINDS, Dataset, Training
from agop_collapse.plan.tables import column_types, runs_rows, runs_types
from configurations import study

IDENTITY = "a" * 64


def rows(**parts) -> list[dict]:
    made = study(**{"seeds": [0], "device": "cpu"} | parts)
    return runs_rows(made, dict.fromkeys(made.runs, IDENTITY))


def test_columns_cover_every_setting():
    types = runs_types()
    for block in RUN_KINDS.values():
        assert set(block.model_fields) - set(types) <= {"block_rows", "checkpoint", "layers"}
    # Where a machine has the data, and how much of them it takes at a time, changes no result.
    assert {f"dataset_{name}" for name in Dataset.model_fields} - set(types) == {
        "dataset_path",
        "dataset_test_path",
    }


def test_columns_begin_with_what_names_the_run():
    assert list(runs_types().items())[:5] == [
        ("study", "string"),
        ("dataset", "string"),
        ("run", "string"),
        ("seed", "int64"),
        ("kind", "string"),
    ]


@pytest.mark.parametrize(
    ("column", "kind"),
    [
        ("identity", "string"),
        ("torch_threads", "int64"),
        ("device", "string"),
        ("dataset_kind", "string"),
        ("dataset_n", "int64"),
        ("dataset_size", "int64"),
        ("dataset_channels", "int64"),
        ("dataset_standardize_test", "string"),
        ("kernel", "string"),
        ("ridge", "double"),
        ("width", "int64"),
        # A number or the word input_dim.
        ("n_features", "string"),
        ("precision", "string"),
        ("gain", "double"),
        ("recreate_optimizer", "bool"),
        ("backbone", "string"),
    ],
)
def test_columns_are_of_the_settings_types(column, kind):
    assert runs_types()[column] == kind


def test_a_join_goes_on_what_names_a_run_and_nothing_else():
    naming = {"study", "dataset", "run", "seed"}.union(*KIND_COLUMNS.values())
    for table, schema in tables.COMBINED.items():
        if "run" in schema.names:  # the theory's are of none
            assert set(schema.names) & set(runs_types()) <= naming, table


def test_settings_of_several_kinds_are_of_one_type():
    """They share a column."""
    shared = set()
    for one, other in itertools.combinations(map(column_types, RUN_KINDS.values()), 2):
        both = one.keys() & other.keys()
        assert {name: one[name] for name in both} == {name: other[name] for name in both}
        shared |= both
    assert shared == {"width", "loss", *Training.model_fields}


def test_row_has_every_column_and_the_runs_values():
    deep_rfm, network = rows(
        torch_threads=2,
        datasets={"digits": {"kind": "digits", "n": 60, "n_test": 9}},
        deep_rfm=[{"ridge": 1, "name": "x"}],
        networks=[{"model": "mlp", "momentum": 0}],
    )
    for row in (deep_rfm, network):
        assert list(row) == list(runs_types())
        shared = {"study": "mine", "dataset": "digits", "seed": 0, "identity": IDENTITY}
        shared |= {"torch_threads": 2, "device": "cpu", "dataset_n": 60, "dataset_n_test": 9}
        assert shared.items() <= row.items()
    wanted = {"run": "x", "kind": "deep_rfm", "ridge": 1.0, "kernel": "laplace", "width": 1024}
    assert wanted.items() <= deep_rfm.items()
    wanted = {"run": "mlp", "kind": "networks", "momentum": 0.0, "model": "mlp", "width": 512}
    assert wanted.items() <= network.items()
    assert type(deep_rfm["ridge"]) is type(network["momentum"]) is float


def test_settings_of_the_other_kind_and_without_effect_are_null():
    relu, cos, network = rows(
        deep_rfm=[{}, {"feature_map": "cos", "n_features": 7}], networks=[{"model": "mlp"}]
    )
    settings = set(RUN_KINDS["deep_rfm"].model_fields) & set(runs_types())
    assert {key for key in settings if relu[key] is None} == {"n_features", "gamma"}
    assert {key for key in settings if cos[key] is None} == {"width", "weight_dist", "feature_bias"}
    assert cos["n_features"] == "7"
    assert relu["gain"] is relu["model"] is None
    assert network["kernel"] is network["ridge"] is None
    assert network["backbone"] is None
    assert relu["dataset_size"] is None


def test_rows_are_in_the_order_of_the_configuration():
    made = rows(seeds=[3, 1], deep_rfm=[{"name": "b"}, {"name": "a", "ridge": [0.5, 0.1]}])
    assert [(row["run"], row["seed"]) for row in made] == [
        ("b", 1),
        ("b", 3),
        ("a,ridge=0.5", 1),
        ("a,ridge=0.5", 3),
        ("a,ridge=0.1", 1),
        ("a,ridge=0.1", 3),
    ]


def test_identity_is_each_runs_own():
    made = study(seeds=[0, 1], deep_rfm=[{}])
    identities = {run: str(run.seed) * 64 for run in made.runs}
    assert [row["identity"] for row in runs_rows(made, identities)] == ["0" * 64, "1" * 64]


def test_table_can_be_written_as_it_is(tmp_path):
    made = rows(deep_rfm=[{"n_features": ["input_dim", 9], "feature_map": "cos"}])
    tables.save_runs(tmp_path / "runs.parquet", made, runs_types(), IDENTITY)
