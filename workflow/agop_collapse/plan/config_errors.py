"""From a mistake in the configuration to one line: the key path, the value, what is allowed."""

import difflib
import math
import re
from collections.abc import Iterable
from typing import Any, TypeVar

from pydantic import ValidationError

from ..common.errors import UserError
from .settings import NAME, Block

Checked = TypeVar("Checked", bound=Block)


class ConfigError(UserError):
    """A mistake in config.yaml; the message names the key, its value and what is allowed."""


def check(block: type[Checked], values: Any, where: str) -> Checked:
    """The block of some settings, complete with defaults.

    Parameters
    ----------
    block : what they are to be
    values : as read from YAML
    where : key path of the block in the configuration

    Raises
    ------
    ConfigError : with a line for each mistake.
    """
    expect_mapping(values, where)
    try:
        return block.model_validate(values)
    except ValidationError as error:
        lines = [_explain(block, mistake, where) for mistake in _mistakes(error)]
        raise ConfigError("\n".join(sorted(set(lines)))) from None


def expect_mapping(values: Any, where: str) -> None:
    """Raise ConfigError unless `values` is a mapping."""
    if not isinstance(values, dict):
        raise ConfigError(f"{where} = {values!r} must be of type object")


# Of one name in a path; file systems take 255 bytes, and temporary files need some of them.
LONGEST_NAME = 200


def check_apart(names: Iterable[Any], where: str) -> None:
    """Raise ConfigError where two names differ in capital letters only."""
    seen: dict[str, Any] = {}
    for name in names:
        other = seen.setdefault(str(name).lower(), name)
        if other != name:
            raise ConfigError(
                f"{where}: the names {other} and {name} differ in capital letters only, and not "
                "every file system tells these apart; change one of them"
            )


def check_name(name: Any, where: str) -> None:
    """Raise ConfigError unless `name` can be part of a path."""
    if not isinstance(name, str) or not re.fullmatch(NAME, name):
        raise ConfigError(f"{where}: {name!r} must be letters, digits and _, a letter first")
    if len(name) > LONGEST_NAME:
        raise ConfigError(f"{where}: {name!r} is longer than {LONGEST_NAME} characters")


def unknown(where: str, value: Any, known: Iterable[str], what: str = "value") -> str:
    """The line for a value, or key, that is not one of those known."""
    names = [str(name) for name in known]
    hint = did_you_mean(value, names)
    allowed = ", ".join(names)
    if what == "key":
        return f"{where} has the unknown key {value!r}{hint}; allowed: {allowed}"
    return f"{where} = {value!r} is not one of {allowed}{hint}"


def did_you_mean(value: Any, names: list[str]) -> str:
    """A hint at the name that is most like a value, if one is like it."""
    close = difflib.get_close_matches(str(value), names, n=1)
    return f" (did you mean {close[0]!r}?)" if close else ""


def _mistakes(error: ValidationError) -> list[dict[str, Any]]:
    """One for each key: of a value that may be of several types, pydantic tells each one's."""
    found: dict[Any, dict[str, Any]] = {}
    for mistake in error.errors(include_url=False):
        # After the key, loc has the position in a list, then names of the types that were tried.
        place = tuple(mistake["loc"][:1])
        place += tuple(part for part in mistake["loc"][1:2] if isinstance(part, int))
        if place in found and not _is_extra(mistake):
            found[place]["others"].append(mistake)
        else:
            found[place] = mistake | {"loc": place, "others": []}
    return list(found.values())


def _is_extra(mistake: dict[str, Any]) -> bool:
    return mistake["type"] == "extra_forbidden"


TYPES = {
    "int_type": "integer",
    "int_from_float": "integer",
    "float_type": "number",
    "string_type": "string",
    "bool_type": "boolean",
    "list_type": "array",
    "dict_type": "object",
}


def _explain(block: type[Block], mistake: dict[str, Any], where: str) -> str:
    key, value = mistake["loc"][0], mistake["input"]
    path = f"{where}.{key}" + "".join(f"[{part}]" for part in mistake["loc"][1:])
    context = mistake.get("ctx", {})
    kinds = [mistake["type"], *(other["type"] for other in mistake["others"])]
    if mistake["type"] == "extra_forbidden":
        return unknown(where, key, [*block.beside, *block.model_fields], what="key")
    if mistake["type"] == "missing":
        return f"{where}: {key} must be given"
    if mistake["others"]:  # a number or one of some words
        allowed = " or ".join(filter(None, map(_allowed, [mistake, *mistake["others"]])))
        return f"{path} = {value!r} must be {allowed}{number_hint(value)}"
    match kinds[0]:
        case "one_of":
            return f"{path} = {context['name']} is not one of {context['allowed']}"
        case "literal_error":
            words = _literals(context["expected"])
            return (
                f"{path} = {value!r} is not one of {', '.join(words)}{did_you_mean(value, words)}"
            )
        case "finite_number":
            return f"{path} = {value!r} must be of type finite number"
        case "greater_than_equal":
            return f"{path} = {value!r} must be at least {context['ge']:g}"
        case "greater_than":
            return f"{path} = {value!r} must be greater than {context['gt']:g}"
        case "less_than":
            return f"{path} = {value!r} must be less than {context['lt']:g}"
        case "less_than_equal":
            return f"{path} = {value!r} must be at most {context['le']:,}"
        case "int_parsing_size":
            return f"{path} = {value!r} is far too large"
        case "too_short" | "string_too_short":
            if context.get("min_length", 1) > 1:
                return f"{path} = {value!r} must have {context['min_length']} values"
            return f"{path} must not be empty"
        case "too_long":
            return f"{path} = {value!r} must have {context['max_length']} values"
        case "string_pattern_mismatch" if key in ("backbone", "network"):
            return f"{path} = {value!r} must be module:function, such as my_networks:small"
        case "string_pattern_mismatch":
            return f"{path}: {value!r} must be letters, digits and _, a letter first"
        case kind if kind in TYPES:
            expected = TYPES[kind]
            if isinstance(value, float) and not math.isfinite(value):
                expected = f"finite {expected}"
            return f"{path} = {value!r} must be of type {expected}{number_hint(value)}"
    return f"{path} = {value!r}: {mistake['msg']}"


def _allowed(mistake: dict[str, Any]) -> str:
    """What one of several types takes."""
    context = mistake.get("ctx", {})
    match mistake["type"]:
        case "literal_error":
            return context["expected"]
        case "int_type" | "int_from_float":
            return "an integer of at least 1"
        case "greater_than_equal":
            return f"an integer of at least {context['ge']}"
        case "less_than_equal":
            return f"an integer of at most {context['le']:,}"
        case kind if kind in TYPES:
            return f"of type {TYPES[kind]}"
    return ""


def _literals(expected: str) -> list[str]:
    """The values of pydantic's "'a', 'b' or 'c'"."""
    return [part.strip("'") for part in re.split(r", | or ", expected)]


def number_hint(value: Any) -> str:
    """YAML takes 1e3 and 1.5e3 for text: its floating-point numbers have a point and a sign."""
    if not isinstance(value, str) or not re.fullmatch(r"[+-]?\d+(\.\d*)?[eE][+-]?\d+", value):
        return ""
    number = float(value)
    if not math.isfinite(number):
        return ""
    whole = number.is_integer() and abs(number) < 1e15
    return f" (YAML takes this for text; write {int(number) if whole else as_yaml(number)})"


def as_yaml(value: Any) -> str:
    """A value as YAML reads it back."""
    if isinstance(value, bool) or value is None:
        return {True: "true", False: "false", None: "null"}[value]
    mantissa, exponential, exponent = str(value).partition("e")
    if isinstance(value, float) and exponential and "." not in mantissa:
        mantissa += ".0"
    return mantissa + exponential + exponent
