"""The tables: their contract with users, their bytes, and readers that trust nothing."""

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from agop_collapse.files import tables
from agop_collapse.files.atomic import StorageError
from agop_collapse.files.stamp import read_identity
from processes import written_twice

A, B = "a1" * 32, "b2" * 32
RUN = "study dataset run seed"
DEEP_RFM, NETWORK = f"{RUN} kernel feature_map projection", f"{RUN} model"
OWN_NETWORK = f"{RUN} network"
POINTS = (
    "nc1 nc1_code nc2 nc2_mse trace_within trace_between "
    "nc1_pinv fuzziness vci cdnv cdnv_max cdnv_directional "
    "equinorm equiangle_sd max_angle etf_distance frame_distance target_distance condition_number "
    "gnc2 log_distance_mean log_distance_variance nc2_floor etf_distance_floor "
    "nc1_test_strong nc1_test_strong_pinv nc1_test_own nc1_test_weak nc2_test test_drift "
    "centre_accuracy "
    "test_centre_accuracy"
)
RATES = "stage nc1_rate nc1_rate_r2 fuzziness_rate fuzziness_rate_r2 layers"
CONTRACT = {
    "deep_rfm": f"{DEEP_RFM} layer stage {POINTS} train_mse solve_residual sensitivity "
    "within_distance between_distance train_accuracy test_accuracy agop_effective_rank valid",
    "gram": f"{DEEP_RFM} layer applied_layer within_mean within_sd between_mean between_sd "
    "within_mean_mu_g within_sd_mu_g between_mean_mu_g between_sd_mu_g",
    "gram_picture": f"{DEEP_RFM} layer stage pixel i j gram",
    "classes": f"{DEEP_RFM} class name points drawn",
    "agop_spectrum": f"{DEEP_RFM} layer index eigenvalue",
    "attribution": f"{DEEP_RFM} layer log_nc1_change share_projection share_features share_norm "
    "total_log_nc1_change total_share_projection total_share_features total_share_norm",
    "rates": f"{DEEP_RFM} {RATES}",
    "theory_layers": f"{DEEP_RFM} layer lambda_k lambda_k_r2 lambda_map lambda_map_r2 "
    "rate_expected kernel_within kernel_between kernel_between_best squared_norm "
    "squared_norm_collapsed squared_norm_best valid",
    "predictor": f"{DEEP_RFM} final_train_mse final_solve_residual final_sensitivity "
    "final_within_distance final_between_distance final_train_accuracy final_test_accuracy valid",
    "network_nc": f"{NETWORK} epoch layer stage {POINTS} trace_total",
    "network_readout": f"{NETWORK} epoch nc3 nc3_centred nc3_projected nc3_least_squares nc3_cos "
    "nc3_cos_min nc3_cos_centred nc3_cos_centred_min nc3_cos_projected nc3_cos_least_squares "
    "nc3_etf nc3_bias unc3 principal_cosine nc4 nc4_test",
    "network_attribution": f"{NETWORK} epoch layer log_nc1_change share_linear share_activation "
    "total_log_nc1_change total_share_linear total_share_activation",
    "network_rates": f"{NETWORK} epoch {RATES}",
    "network_nfa": f"{NETWORK} epoch layer nfa nfa_agop nfa_offdiagonal nfa_init nfa_independent "
    "nfa_independent_trained nfa_cosine nfa_depth nfa_centred nfa_change nfa_scale nfa_residual "
    "nfa_chance fitted_exponent overlap overlap_chance cnfa cnfa_cosine weight_change fact "
    "fact_residual fact_root bfact bfact_residual enfa enfa_cosine",
    "network_ansatz": f"{NETWORK} epoch layer weights jacobians power exponent pearson cosine "
    "scale residual",
    "network_ranks": f"{NETWORK} epoch layer weight_stable_rank weight_effective_rank "
    "weight_entropy_rank agop_stable_rank agop_effective_rank agop_entropy_rank "
    "features_stable_rank features_effective_rank features_entropy_rank small_within_tenth "
    "small_between_tenth small_explained_tenth small_within_effective_rank "
    "small_between_effective_rank small_explained_effective_rank small_within_stable_rank "
    "small_between_stable_rank small_explained_stable_rank nc1_factor class_alignment "
    "class_alignment_chance",
    "network_spectrum": f"{NETWORK} epoch layer of index value",
    "network_training": f"{NETWORK} epoch train_loss test_loss train_accuracy test_accuracy fitted",
    "network_layers": f"{OWN_NETWORK} epoch layer layer_name layer_kind groups outputs inputs "
    "stage nc1 nc1_code nc2 nc2_mse trace_within trace_between nfa nfa_agop nfa_offdiagonal "
    "nfa_independent nfa_cosine nfa_centred nfa_scale nfa_residual nfa_chance fitted_exponent "
    "overlap overlap_chance enfa enfa_cosine train_loss test_loss train_accuracy test_accuracy "
    "fitted",
    "nfa_summary": "study dataset run model nfa_mean nfa_sd nfa_sd_layers nfa_sd_seeds "
    "nfa_init_mean nfa_independent_mean nfa_independent_trained_mean "
    "values fitted paper_mean paper_sd",
    "theory_kernel": "study seed distance mapped_mean mapped_sd mapped_theory width draws",
    "theory_recursion": "study seed lambda_map lambda_k kappa kappa_value layer error "
    "error_rescaled nc1",
    "theory_rate": "study seed lambda_map lambda_k kappa kappa_value rate rate_expected nc1_rate "
    "floor floor_expected floor_slope",
    "theory_objective": "study seed labels classes per_class ridge source nonnegative number "
    "objective excess distance within between",
    "theory_random_features": "study seed feature_map width draws product mean mean_se expected "
    "variance variance_expected",
    "theory_claims": "study seed claim source printed statement stated found tolerance holds",
    "claims": "study id source printed claim predicate paper measured tolerance verdict why",
    "claim_values": "study dataset run seeds id quantity words least most paper value verdict why",
}
TEXTS_OF_CLAIMS = {"paper", "measured", "tolerance"}
OF_A_STUDY = {
    "nfa_summary",
    "claims",
    "claim_values",
    *(name for name in CONTRACT if name.startswith("theory")),
}
OF_A_STUDY -= {"theory_layers"}
TEXTS = "study dataset run kernel feature_map projection model stage name pixel of"
TEXTS += " weights jacobians power kappa labels source claim statement"
TEXTS += " network layer_name layer_kind"
TEXTS += " id predicate verdict why seeds quantity words"
INTEGERS = "seed layer layers applied_layer epoch index i j class points drawn values width draws"
INTEGERS += " classes per_class number groups outputs inputs"
DTYPES = dict.fromkeys(TEXTS.split(), "string") | dict.fromkeys(INTEGERS.split(), "int64")
DTYPES |= dict.fromkeys(["valid", "fitted", "nonnegative", "printed", "holds"], "bool")
DTYPES |= {"gram": "float"}


@pytest.mark.parametrize("table", CONTRACT)
def test_table_has_the_columns_that_users_rely_on(table):
    schema = tables.COMBINED[table]
    assert schema.names == CONTRACT[table].split()
    for field in schema:
        wanted = DTYPES.get(field.name, "double")
        if table == "claims" and field.name in TEXTS_OF_CLAIMS:
            wanted = "string"
        assert str(field.type) == wanted, field.name


def test_a_run_measures_what_does_not_name_it():
    """The same columns without those that tell runs apart, so that any study can share the file."""
    assert set(tables.COMBINED) == set(CONTRACT)
    assert set(tables.MEASURED) == set(CONTRACT) - OF_A_STUDY
    for table, schema in tables.MEASURED.items():
        naming = NETWORK if table.startswith("network") else DEEP_RFM
        naming = OWN_NETWORK if table == "network_layers" else naming
        assert f"{naming} {' '.join(schema.names)}" == CONTRACT[table]
        combined = tables.COMBINED[table]
        assert all(combined.field(field.name) == field for field in schema)
    assert " ".join(tables.RUN_COLUMNS) == RUN
    assert tables.KIND_COLUMNS == {
        "deep_rfm": ("kernel", "feature_map", "projection"),
        "networks": ("model",),
        "own_networks": ("network",),
    }


SCHEMAS = {("of a run", table): schema for table, schema in tables.MEASURED.items()} | {
    ("of a study", table): schema for table, schema in tables.COMBINED.items()
}
every_table = pytest.mark.parametrize("key", SCHEMAS, ids=" ".join)


def example(key: tuple[str, str], rows: int = 12) -> pd.DataFrame:
    """Rows of a table, every column filled, no two values of a column of numbers the same."""
    content = {}
    for number, field in enumerate(SCHEMAS[key], start=1):
        if field.type == pa.string():
            content[field.name] = [f"{field.name} {row % 3}" for row in range(rows)]
        elif field.type == pa.bool_():
            content[field.name] = [row % 2 == 0 for row in range(rows)]
        elif field.type == pa.int64():
            content[field.name] = [number * row for row in range(rows)]
        else:
            values = np.sqrt(np.arange(rows) + number)
            content[field.name] = values.astype(field.type.to_pandas_dtype())
    return pd.DataFrame(content)


TRAINING = "of a run", "network_training"


@pytest.fixture
def written(tmp_path) -> tuple[Path, pd.DataFrame]:
    path = tmp_path / "network_training.parquet"
    content = example(TRAINING)
    tables.save(path, "network_training", content, A)
    return path, content


@every_table
def test_what_was_written_is_read(tmp_path, key):
    path = tmp_path / "table.parquet"
    tables.save(path, key[1], example(key), A)
    found = tables.load(path, key[1], A)
    pd.testing.assert_frame_equal(found, example(key), check_exact=True)


@every_table
def test_absent_numbers_are_null_and_nothing_else_is(tmp_path, key):
    content = example(key)
    floats = [field.name for field in SCHEMAS[key] if pa.types.is_floating(field.type)]
    for row, column in enumerate(floats):
        content.loc[row % len(content), column] = np.nan
    path = tmp_path / "table.parquet"
    tables.save(path, key[1], content, A)
    pd.testing.assert_frame_equal(tables.load(path, key[1], A), content, check_exact=True)
    stored = pq.read_table(path)
    assert {name: stored[name].null_count for name in stored.column_names} == {
        name: int(name in floats) for name in content.columns
    }


def test_infinity_is_a_number(tmp_path):
    """The within-class distance where no class has two points."""
    content = example(("of a run", "deep_rfm"))
    content.loc[3, "within_distance"] = np.inf
    tables.save(tmp_path / "table", "deep_rfm", content, A)
    found = tables.load(tmp_path / "table", "deep_rfm", A)
    pd.testing.assert_frame_equal(found, content, check_exact=True)
    assert found["within_distance"].iloc[3] == np.inf


def test_any_parquet_reader_sees_numbers_and_no_index(written):
    path, content = written
    assert set(pq.read_schema(path).metadata) == {b"identity", b"table", b"sha256"}
    assert pq.read_schema(path).names == list(content.columns)
    pd.testing.assert_frame_equal(pd.read_parquet(path), content, check_exact=True)


def test_header_names_identity_and_table(written):
    path, _ = written
    metadata = pq.read_schema(path).metadata
    assert (metadata[b"identity"], metadata[b"table"]) == (A.encode(), b"network_training")
    assert read_identity(path) == A


def test_rows_without_a_value_are_null_and_unknown_columns_are_refused():
    rows = [{"epoch": 0, "train_loss": 0.5}, {"epoch": 1}]
    found = tables.frame("network_training", rows)
    assert list(found.columns) == tables.MEASURED["network_training"].names
    assert list(found["epoch"]) == [0, 1]
    assert found.loc[0, "train_loss"] == 0.5
    assert found.loc[1, ["train_loss", "test_loss"]].isna().all()
    with pytest.raises(ValueError, match="network_training has no column nc1, trian_loss"):
        tables.frame("network_training", [*rows, {"trian_loss": 1.0, "nc1": 1.0}])
    with pytest.raises(ValueError, match="network_training has no column seed"):
        tables.frame("network_training", [*rows, {"epoch": 2, "seed": 1}])


@pytest.mark.parametrize("table", tables.COMBINED)
def test_rows_that_name_their_study_are_of_its_table(table):
    found = tables.frame(table, [{"study": "demo"}, {"study": "tiny"}])
    assert list(found.columns) == CONTRACT[table].split()
    assert list(found["study"]) == ["demo", "tiny"]


@pytest.mark.parametrize("table", tables.COMBINED)
def test_table_without_rows_is_a_table(tmp_path, table):
    path = tmp_path / "table.parquet"
    expected = (tables.MEASURED.get(table) or tables.COMBINED[table]).names
    tables.save(path, table, tables.frame(table, []), A)
    assert list(tables.load(path, table, A).columns) == expected
    assert len(tables.load(path, table, A)) == 0


def test_bytes_are_the_same_in_two_processes(tmp_path):
    first, second = written_twice(
        f"""
from agop_collapse.files import tables
rows = [{{name: row for name in {{"layer", "index", "eigenvalue"}}}} for row in range(9)]
tables.save(path, "agop_spectrum", tables.frame("agop_spectrum", rows), "{A}")
""",
        tmp_path,
    )
    assert first == second


# --- tables of a study --------------------------------------------------------------------------


def columns_of(study: str, run: str, seed: int) -> dict:
    settings = {"kernel": "laplace", "feature_map": "relu", "projection": "agop"}
    return {"study": study, "dataset": "digits", "run": run, "seed": seed} | settings


def runs_parts(folder: Path) -> list[tuple[Path, dict, str]]:
    """Runs that differ in study, name or seed alone; two studies share a file."""
    parts = []
    for name, rows, identity in (("b", 3, A), ("a", 1, B), ("c", 2, A)):
        tables.save(folder / name, "gram", example(("of a run", "gram"), rows), identity)
    for name, identity, *run in (
        ("b", A, "tiny", "laplace-relu-agop,width=64", 0),
        ("a", B, "tiny", "laplace-relu-agop,width=256", 0),
        ("c", A, "tiny", "laplace-relu-agop,width=64", 1),
        ("b", A, "demo", "laplace-relu-agop,width=64", 0),
    ):
        # Planning's order of columns is not the table's.
        parts.append((folder / name, dict(reversed(columns_of(*run).items())), identity))
    return parts


def test_rows_of_runs_are_joined_in_order_and_told_apart_by_columns(tmp_path):
    parts = runs_parts(tmp_path)
    joined = tables.load_runs(parts, "gram")
    assert " ".join(joined.columns) == CONTRACT["gram"]
    assert list(joined.index) == list(range(9))
    groups = joined.groupby(["study", "dataset", "run", "seed"], sort=False)
    assert len(groups) == 4
    assert not joined.duplicated(["study", "dataset", "run", "seed", "layer"]).any()
    for (path, columns, identity), (key, rows) in zip(parts, groups, strict=True):
        assert key == tuple(columns[name] for name in RUN.split())
        for name, value in columns.items():
            assert (rows[name] == value).all()
        measured = tables.load(path, "gram", identity)
        found = rows[measured.columns].reset_index(drop=True)
        pd.testing.assert_frame_equal(found, measured, check_exact=True)


def test_joined_rows_are_a_studys_table(tmp_path):
    joined = tables.load_runs(runs_parts(tmp_path), "gram")
    tables.save(tmp_path / "table", "gram", joined, B)
    found = tables.load(tmp_path / "table", "gram", B)
    pd.testing.assert_frame_equal(found, joined, check_exact=True)
    assert pq.read_schema(tmp_path / "table").equals(tables.COMBINED["gram"])


@pytest.mark.parametrize(
    "change", [{"study": None}, {"model": "mlp"}], ids=["column missing", "column too many"]
)
def test_run_with_other_columns_is_refused(tmp_path, change):
    path, columns, identity = runs_parts(tmp_path)[0]
    columns = {name: value for name, value in (columns | change).items() if value is not None}
    with pytest.raises(ValueError, match=f"{path}: a run's columns .*, not "):
        tables.load_runs([(path, columns, identity)], "gram")


def test_run_of_another_identity_is_refused_among_others(tmp_path):
    parts = runs_parts(tmp_path)
    swapped = [(path, columns, A) for path, columns, _ in parts]
    with pytest.raises(StorageError, match=f"{tmp_path}/a holds results of other settings"):
        tables.load_runs(swapped, "gram")


def test_a_studys_table_is_not_a_runs(tmp_path):
    """Its rows would be named anew."""
    joined = tables.load_runs(runs_parts(tmp_path), "gram")
    tables.save(tmp_path / "table", "gram", joined, A)
    with pytest.raises(StorageError, match=f"{tmp_path}/table holds the table gram of a study"):
        tables.load_runs([(tmp_path / "table", columns_of("demo", "laplace", 0), A)], "gram")


# --- the table of runs --------------------------------------------------------------------------

TYPES = {"study": "string", "seed": "int64", "ridge": "double", "valid": "bool", "gain": "double"}


def test_runs_keep_their_types_and_what_they_lack_is_null(tmp_path):
    rows = [
        {"study": "demo", "seed": 2**53 + 1, "ridge": 0.1, "valid": True, "gain": None},
        {"ridge": 1, "seed": None, "study": "tiny"},
        {"study": None, "seed": -1, "ridge": None, "valid": False},
    ]
    path = tmp_path / "runs.parquet"
    tables.save_runs(path, rows, TYPES, A)
    stored = pq.read_table(path)
    assert {field.name: str(field.type) for field in stored.schema} == TYPES
    assert stored.column_names == list(TYPES)
    assert stored.to_pylist() == [{name: row.get(name) for name in TYPES} for row in rows]
    metadata = stored.schema.metadata
    assert (metadata[b"identity"], metadata[b"table"]) == (A.encode(), b"runs")
    assert read_identity(path) == A


def test_runs_are_read_with_the_settings_that_there_are(tmp_path):
    path = tmp_path / "runs.parquet"
    tables.save_runs(path, [{"study": "demo", "seed": 1, "gain": None}], TYPES, A)
    found = tables.load(path, "runs", A)
    assert list(found.columns) == list(TYPES)
    assert found.loc[0, ["study", "seed"]].tolist() == ["demo", 1]
    assert_refused(path, "runs", "of other settings, data or code", identity=B)
    content = bytearray(path.read_bytes())
    content[content.index(b"demo")] ^= 1
    path.write_bytes(content)
    assert_refused(path, "runs", "")


def test_a_column_that_no_run_has_keeps_its_type(tmp_path):
    tables.save_runs(tmp_path / "runs", [{}, {}], TYPES, A)
    stored = pq.read_table(tmp_path / "runs")
    assert {field.name: str(field.type) for field in stored.schema} == TYPES
    assert stored["seed"].null_count == 2


def test_runs_give_the_same_bytes_in_two_processes(tmp_path):
    first, second = written_twice(
        f"""
from agop_collapse.files import tables
rows = [{{name: 1.5 for name in {{"a", "b", "c"}}}} for row in range(9)]
tables.save_runs(path, rows, dict.fromkeys("abcd", "double"), "{A}")
""",
        tmp_path,
    )
    assert first == second


@pytest.mark.parametrize(
    "change",
    [{"seed": 0.5}, {"seed": True}, {"seed": 2**63}, {"ridge": "0.1"}, {"study": 7}, {"valid": 1}],
    ids=str,
)
def test_a_value_of_another_type_is_refused(tmp_path, change):
    path = tmp_path / "runs.parquet"
    (column,) = change
    with pytest.raises(StorageError, match=f"{path}: column {column}: "):
        tables.save_runs(path, [{"study": "demo", "seed": 0} | change], TYPES, A)
    assert list(tmp_path.iterdir()) == []


def test_a_setting_without_a_column_is_refused(tmp_path):
    with pytest.raises(ValueError, match="table runs has no column widht"):
        tables.save_runs(tmp_path / "runs.parquet", [{"widht": 7}], TYPES, A)


# --- what readers refuse ------------------------------------------------------------------------


def assert_refused(path: Path, table: str, reason: str, identity: str = A) -> None:
    with pytest.raises(StorageError) as refusal:
        tables.load(path, table, identity)
    assert str(path) in str(refusal.value)
    assert reason in str(refusal.value)
    assert f"delete {path} and run again" in str(refusal.value)


def test_missing_file_is_refused(tmp_path):
    assert_refused(tmp_path / "gram.parquet", "gram", "cannot be read")


@pytest.mark.parametrize("content", [b"", b"PAR1", b"some text\n" * 20])
def test_file_of_another_format_is_refused(tmp_path, content):
    path = tmp_path / "gram.parquet"
    path.write_bytes(content)
    assert_refused(path, "gram", "cannot be read")


@every_table
def test_file_of_another_identity_is_refused(tmp_path, key):
    tables.save(tmp_path / "table", key[1], example(key), A)
    assert_refused(tmp_path / "table", key[1], "of other settings, data or code", identity=B)


def test_identity_in_a_header_cannot_be_exchanged(written):
    """The checksum is over the identity too: a file cannot be passed off as another."""
    path, content = written
    other = path.with_name("other.parquet")
    tables.save(other, "network_training", content, B)
    digests = [pq.read_schema(place).metadata[b"sha256"] for place in (path, other)]
    assert digests[0] != digests[1]
    exchanged = pq.read_table(path).replace_schema_metadata(
        {"identity": B, "table": "network_training", "sha256": digests[0]}
    )
    pq.write_table(exchanged, path)
    for identity in (A, B):
        assert_refused(path, "network_training", "is damaged", identity)


@every_table
def test_another_table_is_refused(tmp_path, key):
    path = tmp_path / "table"
    tables.save(path, key[1], example(key), A)
    for other in set(tables.COMBINED) - {key[1]}:
        assert_refused(path, other, f"holds the table {key[1]}, not {other}")


def test_the_table_of_runs_is_not_another(tmp_path):
    tables.save_runs(tmp_path / "runs", [{"study": "demo"}], TYPES, A)
    assert_refused(tmp_path / "runs", "gram", "holds the table runs, not gram")


def test_file_cut_short_anywhere_is_refused(written):
    path, _ = written
    content = path.read_bytes()
    for length in range(len(content)):
        path.write_bytes(content[:length])
        assert_refused(path, "network_training", "")


@pytest.mark.slow
def test_no_flipped_bit_changes_what_is_read(written):
    """Every byte in turn: either the file is refused, or the byte carries nothing that is read."""
    path, expected = written
    content = path.read_bytes()
    refused = unnoticed_without_checksums = 0
    for position in range(len(content)):
        damaged = bytearray(content)
        damaged[position] ^= 0x10
        path.write_bytes(damaged)
        try:
            found = tables.load(path, "network_training", A)
        except StorageError:
            refused += 1
            if unnoticed_without_checksums <= 100:
                unnoticed_without_checksums += can_be_read_without_checksums(path)
        else:
            pd.testing.assert_frame_equal(found, expected, check_exact=True)
    assert refused > 0.4 * len(content)
    assert unnoticed_without_checksums > 100


def can_be_read_without_checksums(path: Path) -> bool:
    try:
        pq.read_table(path).to_pandas()
    except (OSError, pa.ArrowException, UnicodeDecodeError):
        return False
    return True


def test_table_with_other_columns_is_refused_by_readers(written, tmp_path):
    path, content = written
    pq.write_table(pa.Table.from_pandas(content[content.columns[::-1]]), path)
    assert_refused(path, "network_training", "are not")
    content["train_loss"] = content["train_loss"].astype("float32")
    pq.write_table(pa.Table.from_pandas(content), path)
    assert_refused(path, "network_training", "are not")


@pytest.mark.parametrize(
    "change",
    [
        lambda frame: frame.drop(columns="test_loss"),
        lambda frame: frame.assign(more=1.0),
        lambda frame: frame[frame.columns[::-1]],
        lambda frame: frame.assign(train_loss="much"),
        lambda frame: frame.assign(epoch=0.5),
        lambda frame: frame.assign(fitted="yes"),
        lambda frame: frame.assign(study="demo"),
    ],
    ids=["column missing", "column too many", "order", "text", "fraction", "flag", "study alone"],
)
def test_table_with_other_columns_is_refused_by_writers(written, change):
    path, content = written
    before = path.read_bytes()
    with pytest.raises(StorageError, match=f"{path}: "):
        tables.save(path, "network_training", change(content), A)
    assert path.read_bytes() == before
    assert list(path.parent.iterdir()) == [path]
