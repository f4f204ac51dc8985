"""The table `runs`: a row for each run, with every setting as a typed column."""

import types
import typing
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ..files.columns import RUN_COLUMNS
from .runs import Run
from .settings import RUN_KINDS, Block, Dataset, applies, facts

if TYPE_CHECKING:
    from .configuration import Study

# Settings whose names other tables have for something else, on which a join would then go. Which
# layers are measured, network_layers has row by row.
LEFT_OUT = ("layers",)
COLUMN_TYPES = {int: "int64", float: "double", bool: "bool", str: "string"}


def runs_types() -> dict[str, str]:
    """The columns of the table, in order, and their types: int64, double, bool or string."""
    columns = dict.fromkeys(RUN_COLUMNS, "string") | {"seed": "int64"}
    columns |= {
        "kind": "string",
        "identity": "string",
        "torch_threads": "int64",
        "device": "string",
        "class_weighting": "string",
    }
    columns |= {f"dataset_{name}": kind for name, kind in column_types(Dataset).items()}
    for block in RUN_KINDS.values():
        columns |= column_types(block)
    return columns


def column_types(block: type[Block]) -> dict[str, str]:
    """The column type of each setting."""
    return {
        name: _column_type(info.annotation)
        for name, info in block.model_fields.items()
        # Whatever changes no result leaves no trace in one.
        if facts(block, name).counts and name not in LEFT_OUT
    }


def _column_type(annotation: Any) -> str:
    """Of a union the one type, if its values have one, else text."""
    found = {kind for kind in _python_types(annotation) if kind is not type(None)}
    return COLUMN_TYPES[found.pop()] if len(found) == 1 else "string"


def _python_types(annotation: Any) -> set[type]:
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is typing.Annotated:
        return _python_types(arguments[0])
    if origin is typing.Literal:
        return {type(value) for value in arguments}
    if origin in (typing.Union, types.UnionType):
        return set().union(*map(_python_types, arguments))
    return {annotation}


def runs_rows(study: "Study", identities: Mapping[Run, str]) -> list[dict[str, Any]]:
    """The rows of the table; a setting that a run does not have, or that has no effect, is None."""
    every = runs_types()
    rows = []
    for run in study.runs:
        row = dict.fromkeys(every) | {
            **{"study": run.study, "dataset": run.dataset, "run": run.name, "seed": run.seed},
            **{"kind": run.kind, "identity": identities[run]},
            **{"torch_threads": study.settings.torch_threads, "device": study.settings.device},
            **{"class_weighting": study.settings.class_weighting},
        }
        dataset = study.datasets[run.dataset]
        values = {f"dataset_{name}": value for name, value in dataset}
        values |= {name: value for name, value in run.settings if applies(run.settings, name)}
        for name, value in values.items():
            if name in every:
                as_text = every[name] == "string" and value is not None
                row[name] = str(value) if as_text else value
        rows.append(row)
    return rows
