"""The configuration: checked against the schema, completed, and spelled out as runs.

Without torch: the Snakefile imports it, and `snakemake -n` shall answer at once.
"""

import copy
import difflib
import functools
import math
import re
from pathlib import Path
from typing import Any

import jsonschema
import yaml

from ..common.errors import UserError
from .catalogue import DEEP_RFM_COLUMNS, FIGURES, MODELS, NETWORK_COLUMNS, PLOTS

SCHEMA = Path(__file__).parents[2] / "schemas" / "config.schema.yaml"

# Keys of a data set that only some kinds have.
KINDS_OF_KEY = {
    "path": ("image_folder", "npz"),
    "test_path": ("image_folder",),
    "size": ("image_folder",),
    "channels": ("image_folder",),
}


class ConfigError(UserError):
    """A mistake in config.yaml; the message names the key, its value and what is allowed."""


def load(config: dict[str, Any]) -> dict[str, Any]:
    """Check a configuration and return it with every default filled in.

    Raises
    ------
    ConfigError : naming each mistake's key path, value and what is allowed.
    """
    schema = _schema()
    validator = Validator(schema)
    problems = [_explain(error) for error in validator.iter_errors(config)]
    if problems:
        raise ConfigError("\n".join(sorted(problems)))
    config = _complete(copy.deepcopy(dict(config)), schema, schema)
    if config["study"] not in config["studies"]:
        raise ConfigError(_unknown("study", config["study"], config["studies"]))
    for name, study in config["studies"].items():
        _check_study(study, f"studies.{name}")
    return config


@functools.cache
def _schema() -> dict[str, Any]:
    # The reader in C, where PyYAML has it, is ten times as fast.
    return yaml.load(SCHEMA.read_text(), getattr(yaml, "CSafeLoader", yaml.SafeLoader))


def _is_integer(_: Any, value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_finite_number(_: Any, value: Any) -> bool:
    return _is_integer(_, value) or (isinstance(value, float) and math.isfinite(value))


# JSON Schema takes 2.0 for an integer, and Python's reader of YAML knows .inf and .nan.
Validator = jsonschema.validators.extend(
    jsonschema.Draft202012Validator,
    type_checker=jsonschema.Draft202012Validator.TYPE_CHECKER.redefine_many(
        {"integer": _is_integer, "number": _is_finite_number}
    ),
)


def _complete(value: Any, schema: dict[str, Any], root: dict[str, Any]) -> Any:
    """`value` with the schema's defaults for what it leaves out."""
    schema = _resolve(schema, root)
    if isinstance(value, list) and "items" in schema:
        return [_complete(item, schema["items"], root) for item in value]
    if value is None and "properties" in schema:
        value = {}
    if not isinstance(value, dict):
        return value
    properties = schema.get("properties", {})
    for key, subschema in properties.items():
        subschema = _resolve(subschema, root)
        if key not in value and "default" in subschema:
            value[key] = copy.deepcopy(subschema["default"])
    for key, item in value.items():
        subschema = properties.get(key, schema.get("additionalProperties"))
        if isinstance(subschema, dict):
            value[key] = _complete(item, subschema, root)
    return value


def _resolve(schema: dict[str, Any], root: dict[str, Any]) -> dict[str, Any]:
    """The schema that a reference, "#/$defs/name", stands for."""
    return root["$defs"][schema["$ref"].rsplit("/", 1)[1]] if "$ref" in schema else schema


def _path(parts: Any) -> str:
    text = ""
    for part in parts:
        text += f"[{part}]" if isinstance(part, int) else f".{part}"
    return text.removeprefix(".") or "the configuration"


def _explain(error: jsonschema.ValidationError) -> str:
    """One line for one schema error: the key path, the value, what is allowed."""
    where = _path(error.absolute_path)
    value, rule = error.instance, error.validator_value
    match error.validator:
        case "additionalProperties":
            known = error.schema.get("properties", {})
            unknown = sorted(set(value) - set(known), key=str)
            return "\n".join(_unknown(where, key, known, what="key") for key in unknown)
        case "required":
            missing = [key for key in rule if key not in value]
            return f"{where}: {', '.join(missing)} must be given"
        case "enum":
            return _unknown(where, value, rule)
        case "pattern" if where.endswith("backbone"):
            return f"{where} = {value!r} must be module:function, such as my_networks:small"
        case "pattern":
            return f"{where}: {value!r} must be letters, digits and _, a letter first"
        case "type":
            allowed = rule if isinstance(rule, str) else " or ".join(rule)
            if isinstance(value, float) and not math.isfinite(value):
                allowed = f"finite {allowed}"
            return f"{where} = {value!r} must be of type {allowed}{_number_hint(value)}"
        case "minimum":
            return f"{where} = {value!r} must be at least {rule}"
        case "exclusiveMinimum":
            return f"{where} = {value!r} must be greater than {rule}"
        case "exclusiveMaximum":
            return f"{where} = {value!r} must be less than {rule}"
        case "minItems" | "minProperties":
            return f"{where} must not be empty"
        case "uniqueItems":
            return f"{where} = {value!r} must not hold anything twice"
        case "oneOf":
            allowed = " or ".join(
                repr(option["const"]) if "const" in option else _option(option) for option in rule
            )
            return f"{where} = {value!r} must be {allowed}{_number_hint(value)}"
    return f"{where}: {error.message}"


def _number_hint(value: Any) -> str:
    """YAML takes 1e3 and 1.5e3 for text: its floating-point numbers have a point and a sign."""
    if not isinstance(value, str) or not re.fullmatch(r"[+-]?\d+(\.\d*)?[eE][+-]?\d+", value):
        return ""
    number = float(value)
    if number.is_integer() and abs(number) < 1e15:
        return f" (YAML takes this for text; write {int(number)})"
    mantissa, exponent = f"{number:e}".split("e")
    mantissa = mantissa.rstrip("0")
    return f" (YAML takes this for text; write {mantissa}{'0' * mantissa.endswith('.')}e{exponent})"


def _option(schema: dict[str, Any]) -> str:
    if schema["type"] == "array":
        return "a list of names"
    return f"an {schema['type']} of at least {schema['minimum']}"


def _unknown(where: str, value: Any, known: Any, what: str = "value") -> str:
    names = [str(name) for name in known]
    close = difflib.get_close_matches(str(value), names, n=1)
    hint = f" (did you mean {close[0]!r}?)" if close else ""
    allowed = ", ".join(names)
    if what == "key":
        return f"{where} has the unknown key {value!r}{hint}; allowed: {allowed}"
    return f"{where} = {value!r} is not one of {allowed}{hint}"


def _check_study(study: dict[str, Any], where: str) -> None:
    """What no schema says: names that refer to others, runs given twice, figures without runs."""
    for name, dataset in study["datasets"].items():
        _check_dataset(dataset, f"{where}.datasets.{name}")
    for kind, columns in (
        ("deep_rfm", DEEP_RFM_COLUMNS),
        ("networks", NETWORK_COLUMNS),
    ):
        seen: dict[tuple, int] = {}
        for index, block in enumerate(study[kind]):
            path = f"{where}.{kind}[{index}]"
            for dataset in _datasets(study, block):
                if dataset not in study["datasets"]:
                    raise ConfigError(_unknown(f"{path}.datasets", dataset, study["datasets"]))
                run = (dataset, *(block[column] for column in columns[1:]))
                if run in seen:
                    raise ConfigError(
                        f"{path}: the run {', '.join(run)} is already given by {kind}"
                        f"[{seen[run]}], and results would have the same paths; use another study"
                    )
                seen[run] = index
    for index, block in enumerate(study["networks"]):
        _check_backbone(block, f"{where}.networks[{index}]")
    for figure in study["figures"]:
        path = f"{where}.figures.{figure}"
        if figure not in FIGURES:
            raise ConfigError(_unknown(f"{where}.figures", figure, FIGURES, what="key"))
        _check_figure(study, figure, path)


def _check_dataset(dataset: dict[str, Any], where: str) -> None:
    kind = dataset["kind"]
    for key, kinds in KINDS_OF_KEY.items():
        if dataset[key] is not None and kind not in kinds:
            raise ConfigError(
                f"{where}.{key} = {dataset[key]!r} is for the kind {' or '.join(kinds)}, not {kind}"
            )
    if kind in KINDS_OF_KEY["path"] and dataset["path"] is None:
        raise ConfigError(f"{where}: path must be given for the kind {kind}")


def _check_backbone(block: dict[str, Any], where: str) -> None:
    model, backbone = block["model"], block["backbone"]
    if backbone is None and model not in MODELS:
        raise ConfigError(_unknown(f"{where}.model", model, MODELS) + "; or give it a backbone")
    if backbone is not None and model in MODELS:
        raise ConfigError(
            f"{where}.model = {model!r} has a backbone of its own; "
            f"give the one of {backbone!r} another name"
        )
    if backbone is not None and not backbone_file(backbone).is_file():
        raise ConfigError(
            f"{where}.backbone = {backbone!r}: no {backbone_file(backbone)} in {Path.cwd()}"
        )


def backbone_file(backbone: str) -> Path:
    """The file of a backbone "module:function", relative to the working folder."""
    module, _, _ = backbone.partition(":")
    return Path(*module.split(".")).with_suffix(".py")


def _check_figure(study: dict[str, Any], figure: str, where: str) -> None:
    spec = FIGURES[figure]
    known = DEEP_RFM_COLUMNS if _draws_deep_rfm(figure) else NETWORK_COLUMNS
    for row in study["figures"][figure].get("rows", []):
        for key in row:
            if key not in known:
                raise ConfigError(_unknown(f"{where}.rows", key, known, what="key"))
    for wanted in _row_filters(study, figure):
        if not any(wanted.items() <= run.items() for run in _runs_for(study, figure)):
            criteria = ", ".join(f"{key}: {value}" for key, value in wanted.items())
            raise ConfigError(
                f"{where}: no run has {criteria}; add one to the study, or leave the figure out"
            )
    for row in figure_rows(study, figure):
        runs = runs_of_row(study, figure, row)
        if spec.plot == "gram":
            depth = runs[0]["settings"]["depth"]
            # Xtilde has one more than X: what the last layer's projection makes.
            deepest = depth if spec.options.get("stage") == "X" else depth + 1
            layers = study["figures"][figure]["layers"]
            if max(layers) > deepest:
                raise ConfigError(
                    f"{where}.layers = {layers}: a run of depth {depth} has layers 1 (the input) "
                    f"to {deepest}"
                )
        if spec.plot == "ablation" and len({run["projection"] for run in runs}) < 2:
            name = ", ".join(row.values())
            raise ConfigError(f"{where}: {name} needs a run of each projection, agop and identity")


def _datasets(study: dict[str, Any], block: dict[str, Any]) -> list[str]:
    return list(study["datasets"]) if block["datasets"] == "all" else block["datasets"]


def deep_rfm_runs(study: dict[str, Any]) -> list[dict[str, Any]]:
    """The study's Deep RFM runs: dataset, kernel, feature_map, projection, seed and settings."""
    return _runs(study, "deep_rfm", DEEP_RFM_COLUMNS)


def network_runs(study: dict[str, Any]) -> list[dict[str, Any]]:
    """The study's networks: dataset, model, seed and settings."""
    return _runs(study, "networks", NETWORK_COLUMNS)


def _runs(study: dict[str, Any], kind: str, columns: tuple[str, ...]) -> list[dict[str, Any]]:
    return [
        {
            "dataset": dataset,
            **{column: block[column] for column in columns[1:]},
            "seed": seed,
            "settings": {key: value for key, value in block.items() if key != "datasets"},
        }
        for block in study[kind]
        for dataset in _datasets(study, block)
        for seed in study["seeds"]
    ]


def _draws_deep_rfm(figure: str) -> bool:
    return "kernel" in PLOTS[FIGURES[figure].plot].columns


def _runs_for(study: dict[str, Any], figure: str) -> list[dict[str, Any]]:
    return deep_rfm_runs(study) if _draws_deep_rfm(figure) else network_runs(study)


def _row_filters(study: dict[str, Any], figure: str) -> list[dict[str, str]]:
    return study["figures"][figure].get("rows") or list(FIGURES[figure].rows)


def figure_rows(study: dict[str, Any], figure: str) -> list[dict[str, str]]:
    """The figure's rows, each by the columns that name it; a filter may give several."""
    rows = [
        {column: run[column] for column in PLOTS[FIGURES[figure].plot].columns}
        for wanted in _row_filters(study, figure)
        for run in _runs_for(study, figure)
        if wanted.items() <= run.items()
    ]
    return [row for index, row in enumerate(rows) if row not in rows[:index]]


def runs_of_row(study: dict[str, Any], figure: str, row: dict[str, str]) -> list[dict[str, Any]]:
    """The runs, of all seeds, that a row of a figure is drawn from."""
    return [run for run in _runs_for(study, figure) if row.items() <= run.items()]


def figure_runs(study: dict[str, Any], figure: str) -> list[dict[str, Any]]:
    """The runs that a figure is drawn from, row by row."""
    runs = [run for row in figure_rows(study, figure) for run in runs_of_row(study, figure, row)]
    if PLOTS[FIGURES[figure].plot].all_seeds:
        return runs
    return [run for run in runs if run["seed"] == study["seeds"][0]]
