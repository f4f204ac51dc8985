"""The configuration's JSON schema, from settings.py, for editors and the workflow catalog.

python -m agop_collapse.plan.schema   (in workflow/) writes schemas/generated/config.schema.yaml
"""

import copy
from pathlib import Path
from typing import Any

import yaml

from .settings import (
    NAME,
    RUN_KINDS,
    RUN_NAME,
    Block,
    Dataset,
    Features,
    FigureSettings,
    StudySettings,
    Theory,
    TheoryKernel,
    facts,
)

PATH = Path(__file__).parents[2] / "schemas" / "generated" / "config.schema.yaml"
HEAD = (
    "# Written from agop_collapse/plan/settings.py, where to change a default, by\n"
    "# `python -m agop_collapse.plan.schema`, run in workflow/: do not edit.\n"
)


def schema() -> dict[str, Any]:
    """The schema, complete with descriptions and defaults."""
    study = _object(StudySettings, "Data sets, the runs over them, and the figures drawn of these.")
    study["required"] = ["datasets"]
    study["properties"] |= {
        "datasets": _mapping("dataset", "Data sets by name.", minProperties=1),
        "deep_rfm": _list("deep_rfm", "Deep RFM runs: for each block one a data set and seed."),
        "networks": _list("network", "Networks to train: for each block one a data set and seed."),
        "own_networks": _list(
            "own_network",
            "Whole networks of your own, trained here or elsewhere, to measure: for each block one "
            "a data set and seed.",
        ),
        "theory_kernel": {"$ref": "#/$defs/theory_kernel", "default": {}},
        "theory": {"$ref": "#/$defs/theory", "default": {}},
        "features": {"$ref": "#/$defs/features", "default": {}},
        "figures": _mapping(
            "figure",
            "Figures by name: the paper's (fig01, ..., ablation), each with its options or "
            "nothing, and your own, each with its plot.",
            default={},
        ),
    }
    figure = _object(FigureSettings)
    figure["type"] = ["object", "null"]
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "agop-collapse configuration",
        "description": "The default study, and the studies.",
        "type": "object",
        "additionalProperties": False,
        "required": ["studies"],
        "properties": {
            "study": {
                "description": "The study that `snakemake figures/` (also `tables`, `all`) builds.",
                "type": "string",
                "default": "demo",
            },
            "data_root": {
                "description": "Folder of the public data sets, shared by all studies: a folder "
                "for each kind, in torchvision's layout. What is missing is downloaded. The "
                "environment variable AGOP_COLLAPSE_DATA goes before it.",
                "type": "string",
                "minLength": 1,
                "default": "data",
            },
            "strict_claims": {
                "description": "Whether `snakemake claims` fails where a claim of the paper is not "
                "reproduced. The ledger is written in any case.",
                "type": "boolean",
                "default": False,
            },
            "studies": _mapping(
                "study",
                "Studies by name; results/ and figures/ have a folder for each.",
                minProperties=1,
            ),
        },
        "$defs": {
            "name": {
                "description": "A name that becomes part of file names.",
                "type": "string",
                "pattern": NAME,
            },
            "study": study,
            "dataset": _object(Dataset),
            "deep_rfm": _run_block("deep_rfm"),
            "network": _run_block("networks"),
            "own_network": _run_block("own_networks"),
            "theory_kernel": _object(TheoryKernel),
            "theory": _object(Theory),
            "features": _object(Features),
            "figure": figure,
        },
    }


def _object(block: type[Block], description: str = "") -> dict[str, Any]:
    """A block's schema; the declared bounds, and its docstring unless another text is given."""
    made = copy.deepcopy(block.model_json_schema())
    for part in made["properties"].values():
        part.pop("title", None)
    described = {"description": description or (block.__doc__ or "").strip()}
    rest = {key: made[key] for key in ("required",) if key in made}
    properties = {"properties": made["properties"]}
    return described | {"type": "object", "additionalProperties": False} | rest | properties


def _run_block(kind: str) -> dict[str, Any]:
    """A block of runs: each setting a value, or mostly a list of values to sweep."""
    made = _object(RUN_KINDS[kind])
    for key, part in made["properties"].items():
        if not facts(RUN_KINDS[kind], key).swept:
            continue
        told = {name: part.pop(name) for name in ("description", "default") if name in part}
        listed = {"type": "array", "minItems": 1, "uniqueItems": True, "items": copy.deepcopy(part)}
        options = part.get("anyOf", [part])
        made["properties"][key] = told | {"anyOf": [*options, listed]}
    made["properties"] = {
        "name": {
            "description": "Tells the runs of this block from others of the same data set.",
            "type": "string",
            "pattern": RUN_NAME,
        },
        "datasets": {
            "description": "Names of the study's data sets that this block is for.",
            "anyOf": [
                {"const": "all"},
                {"type": "array", "items": {"type": "string"}, "minItems": 1, "uniqueItems": True},
            ],
            "default": "all",
        },
        **made["properties"],
    }
    return made


def _mapping(of: str, description: str, **more: Any) -> dict[str, Any]:
    values = {"$ref": f"#/$defs/{of}"}
    names = {"$ref": "#/$defs/name"}
    kind = {"type": "object", "propertyNames": names, "additionalProperties": values}
    return {"description": description} | kind | more


def _list(of: str, description: str) -> dict[str, Any]:
    items = {"$ref": f"#/$defs/{of}"}
    return {"description": description, "type": "array", "items": items, "default": []}


def text() -> str:
    """The schema's file."""
    return HEAD + yaml.safe_dump(schema(), sort_keys=False, width=100, allow_unicode=True)


if __name__ == "__main__":
    PATH.write_text(text(), encoding="utf-8")
