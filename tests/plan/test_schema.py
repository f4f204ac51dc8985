"""The configuration's JSON schema: as declared, complete, and in accord with the loader."""

import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from agop_collapse.plan.config_errors import ConfigError
from agop_collapse.plan.configuration import STUDY_KEYS, load
from agop_collapse.plan.registry import ACTIVATIONS, KERNELS, LOSSES, MODELS
from agop_collapse.plan.runs import expand
from agop_collapse.plan.schema import PATH, schema, text
from agop_collapse.plan.settings import (
    KINDS_OF_KEY,
    RUN_KINDS,
    Dataset,
    FigureSettings,
    Theory,
    TheoryKernel,
)
from configurations import config_of, example
from hypothesis import HealthCheck, assume, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

ROOT = Path(__file__).parents[2]
SCHEMA = yaml.safe_load(PATH.read_text(encoding="utf-8"))
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)


def test_file_is_what_the_declarations_say():
    advice = "run: cd workflow && python -m agop_collapse.plan.schema"
    assert PATH.read_text(encoding="utf-8") == text(), advice
    assert schema() == SCHEMA


def test_it_is_a_schema():
    VALIDATOR.check_schema(SCHEMA)


@pytest.mark.parametrize("config", ["shipped", "example"])
def test_configurations_are_valid(config):
    shipped = yaml.safe_load((ROOT / "config.yaml").read_text(encoding="utf-8"))
    VALIDATOR.validate(shipped if config == "shipped" else example())


@pytest.mark.parametrize(
    ("definition", "block"),
    [
        ("dataset", Dataset),
        ("theory_kernel", TheoryKernel),
        ("theory", Theory),
        ("figure", FigureSettings),
        *zip(("deep_rfm", "network", "own_network"), RUN_KINDS.values(), strict=True),
    ],
)
def test_block_has_every_setting_and_what_stands_beside(definition, block):
    properties = SCHEMA["$defs"][definition]["properties"]
    assert sorted(properties) == sorted([*block.beside, *block.model_fields])


def test_study_has_what_the_loader_takes():
    assert sorted(SCHEMA["$defs"]["study"]["properties"]) == sorted(STUDY_KEYS)


# Every property


def resolve(part: dict) -> dict:
    """A subschema with what it refers to."""
    if "$ref" not in part:
        return part
    name = part["$ref"].removeprefix("#/$defs/")
    return SCHEMA["$defs"][name] | {key: part[key] for key in part if key != "$ref"}


def properties(part: dict, path: str = "") -> list[tuple[str, dict, bool]]:
    """Path, subschema and whether it must be given, of every property below a schema."""
    part = resolve(part)
    found = []
    for key, inner in part.get("properties", {}).items():
        found.append((f"{path}.{key}", resolve(inner), key in part.get("required", [])))
        found += properties(inner, f"{path}.{key}")
    for key in ("additionalProperties", "items"):
        if isinstance(part.get(key), dict):
            found += properties(part[key], f"{path}.*")
    for option in part.get("anyOf", []):
        found += properties(option, path)
    return found


PROPERTIES = properties(SCHEMA)
# A block is named or not; there is no name that it has by default.
WITHOUT_DEFAULT = re.compile(r"\.(deep_rfm|networks|own_networks)\.\*\.name$")


def test_there_are_properties():
    assert len(PROPERTIES) > 60


@pytest.mark.parametrize(
    ("path", "part", "required"), PROPERTIES, ids=[path for path, _, _ in PROPERTIES]
)
def test_property_has_a_description_and_unless_required_a_valid_default(path, part, required):
    assert part["description"].endswith(".")
    if required or WITHOUT_DEFAULT.search(path):
        assert "default" not in part
    else:
        jsonschema.validate(part["default"], part | {"$defs": SCHEMA["$defs"]})


def objects(part: object) -> list[dict]:
    if isinstance(part, list):
        return [found for inner in part for found in objects(inner)]
    if not isinstance(part, dict):
        return []
    own = [part] if "properties" in part and "type" in part else []
    return own + [found for inner in part.values() for found in objects(inner)]


def test_no_object_takes_unknown_keys():
    assert len(objects(SCHEMA)) >= 6
    for part in objects(SCHEMA):
        assert part["additionalProperties"] is False, part.get("description")


# What the schema and the loader say of the same configuration


INVALID = [
    {"deep_rfm": [{"width": 0}]},
    {"deep_rfm": [{"width": 10**12}]},
    {"deep_rfm": [{"width": [8, 0]}]},
    {"deep_rfm": [{"width": []}]},
    {"deep_rfm": [{"width": [8, 8]}]},
    {"deep_rfm": [{"ridge": "1e-3"}]},
    {"deep_rfm": [{"kernel": "cauchy"}]},
    {"deep_rfm": [{"kernel": "my.py"}]},
    {"deep_rfm": [{"kernel": "laplace cauchy", "depth": 2}]},
    {"deep_rfm": [{"kernel": "laplace  laplace", "depth": 3}]},
    {"deep_rfm": [{"kernel": "laplace ", "depth": 2}]},
    {"deep_rfm": [{"kernel": ["laplace gaussian", "gaussian my.py"], "depth": 2}]},
    {"deep_rfm": [{"name": "a b"}]},
    {"deep_rfm": [{"name": "a,b"}]},
    {"deep_rfm": [{"datasets": "digits"}]},
    {"deep_rfm": [{"datasets": []}]},
    {"deep_rfm": [{"n_features": "input"}]},
    {"networks": [{}]},
    {"networks": [{"model": "mlp", "backbone": "my.py"}]},
    {"networks": [{"model": "mlp", "momentum": 1}]},
    {"seeds": []},
    {"seeds": [2**63]},
    {"datasets": {"1st": {"kind": "digits", "n": 9}}},
    {"datasets": {}},
    {"datasets": {"a": {"kind": "digits"}}},
    {"datasets": {"a": {"kind": "digits", "n": 10**12}}},
    {"theory_kernel": {"draws": 1}},
    {"theory_kernel": None},
    {"theory": {"layers": 2}},
    {"theory": {"ratios": []}},
    {"theory": {"ratios": [0.1, 0.1]}},
    {"theory": None},
    {"figures": {"own": {"rows": [{}], "plot": "gram"}}},
    {"figures": {"own": {"rows": [], "plot": "gram"}}},
    {"figures": {"own": {"rows": [{"width": None}], "plot": "gram"}}},
    {"figures": {"own": {"rows": [{"width": []}], "plot": "gram"}}},
    {"figures": {"own": {"size": [1], "plot": "gram"}}},
    {"figures": {"fig03": True}},
    {"unknown": 1},
]


def test_kernels_of_the_layers_own_are_right_for_both():
    config = config_of(
        deep_rfm=[{"kernel": "relu_ntk gaussian laplace", "depth": 3}, {"kernel": ["laplace"]}]
    )
    VALIDATOR.validate(config)
    load(config)


@pytest.mark.parametrize("parts", INVALID, ids=str)
def test_what_is_wrong_in_itself_is_so_for_both(parts):
    config = config_of(**parts)
    with pytest.raises(jsonschema.ValidationError):
        VALIDATOR.validate(config)
    with pytest.raises(ConfigError):
        load(config)


NAMES = st.from_regex(r"[A-Za-z][A-Za-z0-9_]{0,5}", fullmatch=True)
# Code of the user's own has to be there.
KNOWN = {"kernel": KERNELS, "model": MODELS, "activation": ACTIVATIONS, "loss": LOSSES}


def values(part: dict) -> st.SearchStrategy:
    """What a schema allows."""
    part = resolve(part)
    if "const" in part:
        return st.just(part["const"])
    if "enum" in part:
        return st.sampled_from(part["enum"])
    if "anyOf" in part:
        return st.one_of([values(option) for option in part["anyOf"]])
    match part["type"]:
        case "null":
            return st.none()
        case "boolean":
            return st.booleans()
        case "string":
            return NAMES if "pattern" in part else st.text(min_size=part.get("minLength", 0))
        case "integer":
            return st.integers(part["minimum"], part["maximum"])
        case "number":
            return st.floats(
                part.get("minimum", part.get("exclusiveMinimum")),
                part.get("maximum", part.get("exclusiveMaximum")),
                exclude_min="exclusiveMinimum" in part,
                exclude_max="exclusiveMaximum" in part,
                allow_nan=False,
                allow_infinity=False,
            )
        case "array":
            least, unique = part.get("minItems", 0), part.get("uniqueItems", False)
            return st.lists(values(part["items"]), min_size=least, max_size=3, unique=unique)
    raise NotImplementedError(part)


def blocks(definition: str, **fixed: st.SearchStrategy) -> st.SearchStrategy:
    """Objects with the required keys and any of the others."""
    part = SCHEMA["$defs"][definition]
    required, optional = {}, {}
    for name, inner in part["properties"].items():
        must = name in part.get("required", [])
        found = fixed[name] if name in fixed else values(inner)
        (required if must else optional)[name] = found
    return st.fixed_dictionaries(required, optional=optional)


def chosen(name: str) -> st.SearchStrategy:
    one = st.sampled_from(sorted(KNOWN[name]))
    return one | st.lists(one, min_size=1, max_size=3, unique=True)


@st.composite
def studies(draw) -> dict[str, Any]:
    others = dict.fromkeys(KINDS_OF_KEY, st.none())
    digits = blocks("dataset", kind=st.just("digits"), **others)
    datasets = draw(st.dictionaries(NAMES, digits, min_size=1, max_size=3))
    some = st.lists(st.sampled_from(sorted(datasets)), min_size=1, unique=True)
    parts: dict[str, Any] = {"datasets": datasets}
    for kind, definition in (("deep_rfm", "deep_rfm"), ("networks", "network")):
        fixed = {key: chosen(key) for key in KNOWN} | {"backbone": st.none()}
        found = draw(st.lists(blocks(definition, datasets=st.just("all") | some, **fixed)))
        # Names tell blocks apart; without, they may be runs of one name with different settings.
        parts[kind] = [block | {"name": f"run{index}"} for index, block in enumerate(found)]
    study = SCHEMA["$defs"]["study"]["properties"]
    for key in ("seeds", "torch_threads", "device", "description"):
        parts[key] = draw(values(study[key]))
    parts["seeds"] = sorted(set(parts["seeds"]))
    parts["theory_kernel"] = draw(blocks("theory_kernel"))
    parts["theory"] = draw(blocks("theory"))
    return parts


@given(parts=st.dictionaries(NAMES, studies(), min_size=1, max_size=2), chance=st.randoms())
@hypothesis_settings(
    max_examples=25, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)
def test_whatever_the_schema_allows_loads_and_is_complete(parts, chance):
    config = {"study": chance.choice(sorted(parts)), "studies": parts}
    VALIDATOR.validate(config)
    try:
        loaded = load(config)
    except ConfigError as error:  # which no schema can say
        assume("longer than 200 characters" not in str(error))
        assume("leave a batch of a single one" not in str(error))
        raise
    for name, given_parts in parts.items():
        study = loaded.studies[name]
        assert study.settings.seeds == given_parts["seeds"]
        found = {(run.kind, run.dataset, run.name, run.seed): run for run in study.runs}
        assert len(found) == len(study.runs)
        wanted = 0
        for kind in RUN_KINDS:
            for block in given_parts.get(kind, []):
                datasets = block.get("datasets", "all")
                datasets = given_parts["datasets"] if datasets == "all" else datasets
                for each in expand(kind, block, "here"):
                    wanted += len(datasets) * len(given_parts["seeds"])
                    run = found[kind, next(iter(datasets)), each.name, given_parts["seeds"][0]]
                    for key, value in run.settings:
                        asked = block.get(key, RUN_KINDS[kind].model_fields[key].default)
                        assert value in asked if isinstance(asked, list) else value == asked
        assert len(found) == wanted
