"""The configuration: what it completes, what it refuses and in which words, and its runs."""

import copy
import math
import re
from pathlib import Path

import jsonschema
import pytest
import yaml
from agop_collapse.plan import settings
from agop_collapse.plan.catalogue import (
    DEEP_RFM_COLUMNS,
    FIGURES,
    MODELS,
    NETWORK_COLUMNS,
    PLOTS,
)
from agop_collapse.plan.settings import ConfigError
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

ROOT = Path(__file__).parents[2]
SCHEMA = yaml.safe_load(settings.SCHEMA.read_text())

EXAMPLE = """
study: mine
studies:
  mine:
    seeds: [0, 4]
    datasets:
      first: {kind: digits, n: 300}
      second: {kind: digits, n: 200}
    deep_rfm:
      - {feature_map: relu, kernel: laplace, depth: 3}
      - {feature_map: relu, kernel: gaussian, depth: 3, datasets: [second]}
      - {feature_map: cos, kernel: laplace, depth: 3}
      - {feature_map: relu, kernel: laplace, projection: identity, depth: 3}
    networks:
      - {model: mlp, datasets: [first]}
    figures:
      fig03:
      fig05: {layers: [1, 4]}
      fig07:
      ablation:
"""


def example() -> dict:
    return yaml.safe_load(EXAMPLE)


def changed(path: str, value: object) -> dict:
    """The example with one key, such as "deep_rfm[0].ridge" of its study, set to a value."""
    config = example()
    keys = [int(key) if key.isdigit() else key for key in re.findall(r"\w+", path)]
    place = config["studies"]["mine"]
    for key in keys[:-1]:
        place = place[key]
    place[keys[-1]] = value
    return config


def test_defaults_are_filled_in_and_what_is_given_stays():
    study = settings.load(example())["studies"]["mine"]
    assert study["seeds"] == [0, 4]
    assert study["torch_threads"] == 1
    dataset = {"kind": "digits", "n": 300, "n_test": 0, "standardize_test": "train"}
    assert study["datasets"]["first"] == dataset | dict.fromkeys(settings.KINDS_OF_KEY)
    assert [block["datasets"] for block in study["deep_rfm"]] == ["all", ["second"], "all", "all"]
    # The paper's settings (science.md, section 2).
    assert study["deep_rfm"][0] == {
        "datasets": "all",
        "kernel": "laplace",
        "feature_map": "relu",
        "projection": "agop",
        "depth": 3,
        "bandwidth": 2.0,
        "ridge": 0.0,
        "iterations": 1,
        "agop_norm": "max",
        "width": 1024,
        "weight_dist": "uniform",
        "n_features": 4096,
        "gamma": 0.05,
        "precision": "float64",
        "block_rows": 4096,
    }
    mlp = study["networks"][0]
    paper = {"optimizer": "sgd", "learning_rate": 0.05, "momentum": 0.0, "batch_size": 128}
    paper |= {"width": 512, "gain": 0.3, "epochs": 500, "measure_every": 10}
    assert paper.items() <= mlp.items()
    assert mlp["recreate_optimizer"] is True
    assert mlp["arithmetic"] == "float32"
    assert study["figures"]["fig05"]["layers"] == [1, 4]


def test_smallest_configuration_is_complete():
    config = {"study": "a", "studies": {"a": {"datasets": {"b": {"kind": "digits", "n": 2}}}}}
    study = settings.load(config)["studies"]["a"]
    assert study["seeds"] == [0, 1, 2]
    assert study["deep_rfm"] == study["networks"] == []
    assert study["figures"] == {}


def test_default_study_is_the_demo():
    assert settings.load(yaml.safe_load((ROOT / "config.yaml").read_text()))["study"] == "demo"
    config = example()
    del config["study"]
    config["studies"]["demo"] = config["studies"]["mine"]
    assert settings.load(config)["study"] == "demo"


def test_loading_leaves_its_argument_and_is_idempotent():
    config = example()
    complete = settings.load(config)
    assert config == example()
    assert settings.load(complete) == complete


MISTAKES = [
    # key of the study, its value, what the line must hold: place, value, what is allowed
    ("seed", [1], ["studies.mine ", "'seed'", "did you mean 'seeds'?", "torch_threads"]),
    ("deep_rfm[0].ridg", 0.1, ["studies.mine.deep_rfm[0] ", "'ridg'", "did you mean 'ridge'?"]),
    ("networks[0].lr", 0.1, ["studies.mine.networks[0] ", "'lr'", "learning_rate"]),
    ("datasets.first.N", 9, ["studies.mine.datasets.first ", "'N'", "standardize_test"]),
    ("figures.fig05.layer", [1], ["studies.mine.figures.fig05 ", "did you mean 'layers'?"]),
    ("figures.fig3", None, ["studies.mine.figures ", "'fig3'", "did you mean 'fig03'?", "fig10"]),
    ("seeds", 3, ["studies.mine.seeds = 3", "array"]),
    ("seeds", [], ["studies.mine.seeds", "empty"]),
    ("seeds", [0, 0], ["studies.mine.seeds = [0, 0]", "twice"]),
    ("seeds", [-1], ["studies.mine.seeds[0] = -1", "at least 0"]),
    ("seeds", [True], ["studies.mine.seeds[0] = True", "integer"]),
    ("device", "gpu", ["studies.mine.device = 'gpu'", "auto, cpu, cuda"]),
    ("torch_threads", 0, ["studies.mine.torch_threads = 0", "at least 1"]),
    ("torch_threads", 1.5, ["studies.mine.torch_threads = 1.5", "integer"]),
    ("datasets", {}, ["studies.mine.datasets", "empty"]),
    ("datasets", {"1st": {"kind": "digits", "n": 9}}, ["studies.mine.datasets", "'1st'", "letter"]),
    ("datasets.first", {"kind": "digits"}, ["studies.mine.datasets.first: n must be given"]),
    ("datasets.first.n", 1, ["studies.mine.datasets.first.n = 1", "at least 2"]),
    # JSON Schema would take these for integers; a slice or a path does not.
    ("datasets.first.n", 200.0, ["studies.mine.datasets.first.n = 200.0", "integer"]),
    ("seeds", [1.0], ["studies.mine.seeds[0] = 1.0", "integer"]),
    ("deep_rfm[2].n_features", 64.0, [".deep_rfm[2].n_features = 64.0", "'input_dim'", "integer"]),
    ("datasets.first.n", "many", ["studies.mine.datasets.first.n = 'many'", "integer"]),
    ("datasets.first.path", "x", ["datasets.first.path = 'x'", "image_folder or npz, not digits"]),
    ("datasets.first.kind", "npz", ["studies.mine.datasets.first: path must be given"]),
    ("datasets.first.kind", "digit", [".first.kind = 'digit'", "digits", "did you mean 'digits'?"]),
    ("deep_rfm", {"depth": 3}, ["studies.mine.deep_rfm = {'depth': 3}", "array"]),
    ("deep_rfm", None, ["studies.mine.deep_rfm = None", "array"]),
    ("deep_rfm[0]", None, ["studies.mine.deep_rfm[0] = None", "object"]),
    ("deep_rfm[0].ridge", -0.1, ["studies.mine.deep_rfm[0].ridge = -0.1", "at least 0"]),
    ("deep_rfm[0].ridge", math.nan, ["studies.mine.deep_rfm[0].ridge = nan", "finite"]),
    ("deep_rfm[0].bandwidth", 0, ["studies.mine.deep_rfm[0].bandwidth = 0", "greater than 0"]),
    ("deep_rfm[0].bandwidth", math.inf, ["deep_rfm[0].bandwidth = inf", "finite"]),
    ("deep_rfm[0].kernel", "laplacian", [".deep_rfm[0].kernel = 'laplacian'", "laplace, gaussian"]),
    ("deep_rfm[2].n_features", "input", [".deep_rfm[2].n_features = 'input'", "'input_dim'", "1"]),
    ("deep_rfm[2].n_features", 0, ["studies.mine.deep_rfm[2].n_features = 0", "'input_dim'", "1"]),
    ("deep_rfm[1].datasets", "second", [".deep_rfm[1].datasets = 'second'", "'all'", "list"]),
    ("deep_rfm[1].datasets", [], [".deep_rfm[1].datasets = []", "'all'", "list"]),
    ("deep_rfm[1].datasets", ["third"], [".deep_rfm[1].datasets = 'third'", "first, second"]),
    (
        "deep_rfm[1].kernel",
        "laplace",
        [".deep_rfm[1]", "second, laplace, relu, agop", "deep_rfm[0]"],
    ),
    ("networks[0].momentum", 1, ["studies.mine.networks[0].momentum = 1", "less than 1"]),
    ("networks[0].model", "mpl", [".networks[0].model = 'mpl'", "did you mean 'mlp'?", "backbone"]),
    ("networks[0].model", "net-1", ["studies.mine.networks[0].model", "'net-1'", "letters"]),
    ("networks[0].backbone", "my.py", ["networks[0].backbone", "'my.py'", "module:function"]),
    ("networks[0].backbone", "my:net", [".model = 'mlp'", "'my:net'", "another name"]),
    (
        "networks[0]",
        {"model": "own", "backbone": "no:net"},
        ["'no:net'", "no no.py in", str(Path.cwd())],
    ),
    ("theory_kernel", {"draws": 1}, ["studies.mine.theory_kernel.draws = 1", "at least 2"]),
    ("networks[0]", {}, ["studies.mine.networks[0]", "model must be given"]),
    (
        "networks[0].arithmetic",
        "fp16",
        ["studies.mine.networks[0].arithmetic = 'fp16'", "float32, tf32, bf16"],
    ),
    ("networks[0].recreate_optimizer", "no", [".recreate_optimizer = 'no'", "boolean"]),
    ("networks", [{"model": "mlp"}] * 2, [".networks[1]", "first, mlp", "networks[0]"]),
    (
        "networks",
        [],
        ["studies.mine.figures.fig07", "no run has model: mlp", "leave the figure out"],
    ),
    ("deep_rfm[2].feature_map", "relu", ["studies.mine.deep_rfm[2]", "first, laplace, relu, agop"]),
    ("figures", ["fig03"], ["studies.mine.figures = ['fig03']", "object"]),
    ("figures.fig03", True, ["studies.mine.figures.fig03 = True", "object or null"]),
    ("figures.fig03", {"rows": [{}]}, ["studies.mine.figures.fig03.rows[0]", "empty"]),
    ("figures.fig03", {"rows": [{"model": "mlp"}]}, ["fig03.rows", "'model'", "feature_map"]),
    ("figures.fig07", {"rows": [{"dataset": "second"}]}, ["fig07", "no run has dataset: second"]),
    ("figures.fig05", None, ["fig05.layers = [1, 3, 7, 13, 19]", "depth 3", "1 (the input) to 4"]),
    ("figures.fig09", None, ["studies.mine.figures.fig09", "no run has model: vgg11"]),
    (
        "figures.v1_fig02",
        {"layers": [4]},
        ["v1_fig02.layers = [4]", "depth 3", "1 (the input) to 3"],
    ),
    (
        "figures.fig05",
        {"layers": [2, 5]},
        ["fig05.layers = [2, 5]", "depth 3", "1 (the input) to 4"],
    ),
    ("figures.fig05", {"layers": [0]}, ["studies.mine.figures.fig05.layers[0] = 0", "at least 1"]),
    ("deep_rfm[3].feature_map", "cos", ["figures.ablation", "cos", "each projection", "identity"]),
]


MISTAKE_NAMES = [f"{path} = {value!r}"[:60] for path, value, _ in MISTAKES]


def refusal(config: dict) -> str:
    with pytest.raises(ConfigError) as caught:
        settings.load(config)
    return str(caught.value)


@pytest.mark.parametrize(("path", "value", "parts"), MISTAKES, ids=MISTAKE_NAMES)
def test_mistake_is_one_line_with_its_place_value_and_what_is_allowed(path, value, parts):
    if path == "deep_rfm[3].feature_map":  # but for the ablation there is nothing wrong with it
        config = changed(path, value)
        config["studies"]["mine"]["deep_rfm"][3]["kernel"] = "gaussian"
    else:
        config = changed(path, value)
    message = refusal(config)
    assert "\n" not in message
    for part in parts:
        assert part in message


def test_mistake_in_any_study_is_found():
    config = example()
    config["studies"]["other"] = {"datasets": {"d": {"kind": "digits", "n": 0}}}
    assert refusal(config) == "studies.other.datasets.d.n = 0 must be at least 2"


def test_all_mistakes_are_told_at_once():
    config = changed("device", "gpu")
    config["studies"]["mine"]["seeds"] = []
    config["stdy"] = "mine"
    lines = refusal(config).splitlines()
    assert len(lines) == 3
    for start in (
        "the configuration has the unknown key 'stdy'",
        "studies.mine.device",
        "studies.mine.seeds",
    ):
        assert any(line.startswith(start) for line in lines)


def test_figure_without_its_runs_is_refused():
    config = example()
    del config["studies"]["mine"]["deep_rfm"][2]
    assert "studies.mine.figures.fig05: no run has feature_map: cos" in refusal(config)


def test_ablation_without_the_other_projection_is_refused():
    config = example()
    del config["studies"]["mine"]["deep_rfm"][0]
    config["studies"]["mine"]["figures"] = {"ablation": None}
    message = refusal(config)
    assert message.startswith("studies.mine.figures.ablation: ")
    assert "first, laplace, relu needs a run of each projection, agop and identity" in message


@pytest.mark.parametrize("config", [{}, {"studies": None}, {"studies": {}}, {"studies": []}])
def test_configuration_without_studies_is_refused(config):
    assert re.search("studies (must|=)|studies must be given", refusal(config))


@pytest.mark.parametrize(
    ("study", "reason"),
    [("main", "study = 'main' is not one of mine"), (3, "study = 3 must be of type string")],
)
def test_default_study_must_be_one_of_the_studies(study, reason):
    assert refusal(example() | {"study": study}).startswith(reason)


@pytest.mark.parametrize("text", ["1e-3", "1E-3", "-2e5", "3e+2", "1.5e3"])
def test_number_that_yaml_takes_for_text_is_explained(text):
    value = yaml.safe_load(text)
    assert value == text  # YAML 1.1 wants a point in a float, and a sign in its exponent
    message = refusal(changed("deep_rfm[0].ridge", value))
    assert message.startswith(f"studies.mine.deep_rfm[0].ridge = {value!r} must be of type number")
    advice = re.search(r"YAML takes this for text; write (\S+)\)", message)[1]
    assert yaml.safe_load(advice) == float(text)


@pytest.mark.parametrize("path", ["datasets.first.n", "deep_rfm[2].n_features"])
@pytest.mark.parametrize("text", ["1e3", "1.0e3"])
def test_advice_for_such_an_integer_works(path, text):
    advice = re.search(r"write (\S+)\)", refusal(changed(path, text)))[1]
    settings.load(changed(path, yaml.safe_load(advice)))
    assert yaml.safe_load(advice) == 1000


@pytest.mark.parametrize("text", ["little", "", "nan", "inf"])
def test_text_that_is_no_number_gets_no_such_advice(text):
    assert "YAML" not in refusal(changed("deep_rfm[0].ridge", text))


# The schema


def resolve(schema: dict) -> dict:
    """A subschema with what it refers to."""
    if "$ref" not in schema:
        return schema
    return SCHEMA["$defs"][schema["$ref"].removeprefix("#/$defs/")] | {
        key: value for key, value in schema.items() if key != "$ref"
    }


def properties(schema: dict, path: str = "") -> list[tuple[str, dict, bool]]:
    """Path, subschema and whether it must be given, of every property below a schema."""
    schema = resolve(schema)
    found = []
    for key, part in schema.get("properties", {}).items():
        found.append((f"{path}.{key}", resolve(part), key in schema.get("required", [])))
        found += properties(part, f"{path}.{key}")
    for key in ("additionalProperties", "items"):
        if isinstance(schema.get(key), dict):
            found += properties(schema[key], f"{path}.*")
    for option in schema.get("oneOf", []):
        found += properties(option, path)
    return found


PROPERTIES = properties(SCHEMA)
# Filters on the runs: one that is left out is no filter.
WITHOUT_DEFAULT = re.compile(r"\.figures\.\*\.rows(\.\*\.\w+)?$")


def test_schema_is_a_schema():
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    assert len(PROPERTIES) > 40


@pytest.mark.parametrize(
    ("path", "schema", "required"), PROPERTIES, ids=lambda part: str(part)[:60]
)
def test_property_has_a_description_and_a_default(path, schema, required):
    assert schema["description"].endswith(".")
    if required or WITHOUT_DEFAULT.search(path):
        assert "default" not in schema
    else:
        jsonschema.validate(schema["default"], schema | {"$defs": SCHEMA["$defs"]})


def objects(schema: object) -> list[dict]:
    if isinstance(schema, list):
        return [found for part in schema for found in objects(part)]
    if not isinstance(schema, dict):
        return []
    own = [schema] if "properties" in schema and "type" in schema else []
    return own + [found for part in schema.values() for found in objects(part)]


def test_no_object_takes_unknown_keys():
    assert len(objects(SCHEMA)) >= 6
    for schema in objects(SCHEMA):
        assert schema["additionalProperties"] is False, schema.get("description")


# The demo


@pytest.fixture(scope="module")
def demo() -> dict:
    return settings.load(yaml.safe_load((ROOT / "config.yaml").read_text()))["studies"]["demo"]


def test_demo_is_all_of_the_digits_on_the_cpu_with_three_seeds(demo):
    assert demo["datasets"]["digits"]["kind"] == "digits"
    assert demo["datasets"]["digits"]["n"] == 1797
    assert demo["seeds"] == [0, 1, 2]
    assert demo["device"] == "cpu"


@pytest.mark.parametrize(
    "wanted",
    [
        {"kernel": "laplace", "feature_map": "relu", "projection": "agop", "ridge": 0.0},
        {"kernel": "gaussian", "feature_map": "relu", "projection": "agop", "ridge": 1e-3},
        {"kernel": "laplace", "feature_map": "cos", "projection": "agop", "gamma": 0.05},
        {"kernel": "laplace", "feature_map": "relu", "projection": "identity"},
    ],
    ids=lambda wanted: "-".join(map(str, wanted.values())),
)
def test_demo_has_the_deep_rfms_that_its_claims_are_read_from(demo, wanted):
    """science.md, section 4. The width decides the margin of NC2 (claim C2)."""
    (block,) = [block for block in demo["deep_rfm"] if wanted.items() <= block.items()]
    always = {"bandwidth": 2.0, "agop_norm": "max", "precision": "float64", "iterations": 1}
    assert always.items() <= block.items()
    assert block["depth"] >= (10 if wanted["projection"] == "agop" else 8)
    assert block["width" if wanted["feature_map"] == "relu" else "n_features"] >= 1024


def test_demo_has_the_mlp_that_leaves_the_plateau(demo):
    (mlp,) = [block for block in demo["networks"] if block["model"] == "mlp"]
    wanted = {"width": 256, "gain": 0.3, "learning_rate": 0.1, "momentum": 0.9, "batch_size": 64}
    wanted |= {"optimizer": "sgd", "recreate_optimizer": False, "epochs": 60}
    assert wanted.items() <= mlp.items()
    assert 10 % mlp["measure_every"] == 0


def test_demo_has_the_figures_of_the_paper_that_it_has_runs_for(demo):
    wanted = {"fig01", "fig02", "fig03", "fig04", "fig05", "fig06", "fig07", "fig10", "ablation"}
    assert wanted <= set(demo["figures"])


# Runs and the rows of figures


@pytest.fixture(scope="module")
def study() -> dict:
    return settings.load(example())["studies"]["mine"]


def key(run: dict) -> str:
    return " ".join(str(value) for name, value in run.items() if name != "settings")


def test_deep_rfm_runs_are_one_for_each_block_data_set_and_seed(study):
    runs = settings.deep_rfm_runs(study)
    assert [key(run) for run in runs] == [
        "first laplace relu agop 0",
        "first laplace relu agop 4",
        "second laplace relu agop 0",
        "second laplace relu agop 4",
        "second gaussian relu agop 0",
        "second gaussian relu agop 4",
        "first laplace cos agop 0",
        "first laplace cos agop 4",
        "second laplace cos agop 0",
        "second laplace cos agop 4",
        "first laplace relu identity 0",
        "first laplace relu identity 4",
        "second laplace relu identity 0",
        "second laplace relu identity 4",
    ]
    for run in runs:
        assert run["settings"]["kernel"] == run["kernel"]
        assert "datasets" not in run["settings"]


def test_network_runs_are_one_for_each_block_data_set_and_seed(study):
    runs = settings.network_runs(study)
    assert [key(run) for run in runs] == ["first mlp 0", "first mlp 4"]
    assert runs[0]["settings"]["width"] == 512


def rows(study: dict, figure: str, *filters: dict) -> list[str]:
    options = {"rows": list(filters)} if filters else {}
    study = study | {"figures": study["figures"] | {figure: options}}
    return [" ".join(row.values()) for row in settings.figure_rows(study, figure)]


def test_figure_has_a_row_for_each_run_that_passes_its_filters_seeds_aside(study):
    relu = ["first laplace relu agop", "second laplace relu agop", "second gaussian relu agop"]
    cos = ["first laplace cos agop", "second laplace cos agop"]
    assert rows(study, "fig03") == rows(study, "fig06") == relu
    assert rows(study, "fig04") == rows(study, "fig05") == cos
    assert rows(study, "fig01") == cos + relu
    assert rows(study, "fig07") == rows(study, "fig10") == ["first mlp"]


def test_rows_of_a_figure_can_be_chosen_and_are_not_repeated(study):
    assert rows(study, "fig03", {"kernel": "gaussian"}) == ["second gaussian relu agop"]
    chosen = [
        {"dataset": "second", "feature_map": "relu", "projection": "agop"},
        {"kernel": "gaussian"},
    ]
    assert rows(study, "fig03", *chosen) == [
        "second laplace relu agop",
        "second gaussian relu agop",
    ]
    assert rows(study, "fig03", *reversed(chosen)) == [
        "second gaussian relu agop",
        "second laplace relu agop",
    ]


def test_row_of_an_ablation_has_both_projections(study):
    assert rows(study, "ablation") == ["first laplace relu", "second laplace relu"]
    row = settings.figure_rows(study, "ablation")[1]
    assert [key(run) for run in settings.runs_of_row(study, "ablation", row)] == [
        "second laplace relu agop 0",
        "second laplace relu agop 4",
        "second laplace relu identity 0",
        "second laplace relu identity 4",
    ]


def test_runs_of_a_row_are_its_seeds(study):
    (row,) = settings.figure_rows(study, "fig07")
    seeds = ["first mlp 0", "first mlp 4"]
    assert [key(run) for run in settings.runs_of_row(study, "fig07", row)] == seeds


def runs(study: dict, figure: str, **options: object) -> list[str]:
    study = study | {"figures": study["figures"] | {figure: options}}
    return [key(run) for run in settings.figure_runs(study, figure)]


def test_runs_of_a_figure_are_those_of_its_rows(study):
    assert runs(study, "fig07") == ["first mlp 0", "first mlp 4"]
    assert runs(study, "fig03", rows=[{"dataset": "second", "kernel": "gaussian"}]) == [
        "second gaussian relu agop 0",
        "second gaussian relu agop 4",
    ]


def test_gram_figure_needs_the_first_seed_only(study):
    assert runs(study, "fig05") == ["first laplace cos agop 0", "second laplace cos agop 0"]


def test_figure_of_a_simulation_needs_no_run(study):
    assert rows(study, "v1_fig04") == runs(study, "v1_fig04") == []


@pytest.mark.parametrize("figure", FIGURES)
def test_catalogue_filters_by_columns_that_the_plot_has(figure):
    spec = FIGURES[figure]
    columns = PLOTS[spec.plot].columns
    assert bool(spec.rows) == bool(columns)
    for wanted in spec.rows:
        known = DEEP_RFM_COLUMNS if "kernel" in columns else NETWORK_COLUMNS
        assert set(wanted) <= set(known)


# Any configuration


NAMES = st.from_regex(r"[A-Za-z][A-Za-z0-9_]{0,5}", fullmatch=True)


def values(schema: dict) -> st.SearchStrategy:
    """What a schema allows."""
    schema = resolve(schema)
    if "const" in schema:
        return st.just(schema["const"])
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    if "oneOf" in schema:
        return st.one_of([values(option) for option in schema["oneOf"]])
    match schema["type"]:
        case "boolean":
            return st.booleans()
        case "string":
            return NAMES if "pattern" in schema else st.text(max_size=9)
        case "integer":
            least = schema.get("minimum", -9)
            return st.integers(least, max(least, schema.get("maximum", 10**5)))
        case "number":
            return st.floats(
                schema.get("minimum", schema.get("exclusiveMinimum", -1e9)),
                schema.get("maximum", schema.get("exclusiveMaximum", 1e9)),
                exclude_min="exclusiveMinimum" in schema,
                exclude_max="exclusiveMaximum" in schema,
            )
        case "array":
            least = schema.get("minItems", 0)
            unique = schema.get("uniqueItems", False)
            items = values(schema["items"])
            return st.lists(items, min_size=least, max_size=3, unique=unique)
        case "object":
            return blocks(schema)
    raise NotImplementedError(schema)


def blocks(schema: dict, **fixed: st.SearchStrategy) -> st.SearchStrategy:
    """Objects with the required keys and any of the others."""
    required, optional = {}, {}
    for name, part in schema["properties"].items():
        must = name in schema.get("required", []) or name in fixed
        (required if must else optional)[name] = fixed[name] if name in fixed else values(part)
    return st.fixed_dictionaries(required, optional=optional)


def distinct(names: list[str], found: list[dict], columns: tuple[str, ...]) -> list[dict]:
    """The blocks without those that repeat a run."""
    seen: set[tuple] = set()
    kept = []
    for block in found:
        datasets = names if block["datasets"] == "all" else block["datasets"]
        defaults = SCHEMA["$defs"]["deep_rfm"]["properties"]
        run = [block.get(column, defaults.get(column, {}).get("default")) for column in columns]
        runs = {(dataset, *run) for dataset in datasets}
        if not runs & seen:
            seen |= runs
            kept.append(block)
    return kept


@st.composite
def studies(draw) -> dict:
    definitions = SCHEMA["$defs"]
    others = dict.fromkeys(settings.KINDS_OF_KEY, st.none())
    digits = blocks(definitions["dataset"], kind=st.just("digits"), **others)
    datasets = draw(st.dictionaries(NAMES, digits, min_size=1, max_size=3))
    some = st.lists(st.sampled_from(sorted(datasets)), min_size=1, unique=True)
    given = {}
    for kind, definition, columns in (
        ("deep_rfm", "deep_rfm", ("kernel", "feature_map", "projection")),
        ("networks", "network", ("model",)),
    ):
        fixed = {"datasets": st.just("all") | some}
        if kind == "networks":
            fixed |= {"model": st.sampled_from(MODELS), "backbone": st.none()}
        block = blocks(definitions[definition], **fixed)
        given[kind] = distinct(list(datasets), draw(st.lists(block, max_size=4)), columns)
    handled = {"datasets", "deep_rfm", "networks", "figures"}
    study = definitions["study"]
    rest = {name: part for name, part in study["properties"].items() if name not in handled}
    return draw(blocks({"properties": rest})) | {"datasets": datasets} | given


@given(studies=st.dictionaries(NAMES, studies(), min_size=1, max_size=2), chance=st.randoms())
@hypothesis_settings(suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
def test_whatever_the_schema_allows_loads_and_is_complete(studies, chance):
    config = {"study": chance.choice(sorted(studies)), "studies": studies}
    loaded = settings.load(config)
    for name, study in studies.items():
        complete = loaded["studies"][name]
        assert set(complete) == set(SCHEMA["$defs"]["study"]["properties"])
        for kind, definition in (("deep_rfm", "deep_rfm"), ("networks", "network")):
            for given_block, block in zip(study[kind], complete[kind], strict=True):
                assert given_block.items() <= block.items()
                assert set(block) == set(SCHEMA["$defs"][definition]["properties"])
        runs = settings.deep_rfm_runs(complete) + settings.network_runs(complete)
        assert len({key(run) for run in runs}) == len(runs)


KEYS = st.text("aé1_.- '", max_size=3) | st.integers() | st.none() | st.booleans()
JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(KEYS, inner, max_size=2),
    max_leaves=3,
)


def places(value: object, path: tuple = ()) -> list[tuple]:
    inner = value.items() if isinstance(value, dict) else ()
    inner = enumerate(value) if isinstance(value, list) else inner
    return [path, *(found for name, item in inner for found in places(item, (*path, name)))]


@given(place=st.sampled_from(places(example())), junk=JUNK, name=KEYS)
def test_junk_anywhere_is_refused_in_words_if_at_all(place, junk, name):
    """Never by the traceback of some other exception."""
    for spoil in (replace, insert):
        config = spoil(copy.deepcopy(example()), place, junk, name)
        try:
            settings.load(config)
        except ConfigError as error:
            for line in str(error).splitlines():
                assert re.match(r"(the configuration|stud(y|ies)\b)", line)


def replace(config: dict, place: tuple, junk: object, name: object) -> object:
    if not place:
        return junk
    parent = config
    for part in place[:-1]:
        parent = parent[part]
    parent[place[-1]] = junk
    return config


def insert(config: dict, place: tuple, junk: object, name: object) -> dict:
    parent = config
    for part in place:
        parent = parent[part]
    if isinstance(parent, dict):
        parent[name] = junk
    elif isinstance(parent, list):
        parent.append(junk)
    return config
