"""Metadata of a Research Object Crate, version 1.1 (w3id.org/ro/crate/1.1): what a folder holds."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

METADATA = "ro-crate-metadata.json"
VERSION = "https://w3id.org/ro/crate/1.1"
LICENCE = "https://spdx.org/licenses/MIT"
PAPER = "https://arxiv.org/abs/2402.13728"
AUTHORS = ("Daniel Beaglehole", "Peter Súkeník", "Marco Mondelli", "Mikhail Belkin")
FORMATS = {
    ".pdf": "application/pdf",
    ".png": "image/png",
    ".parquet": "application/vnd.apache.parquet",
    ".csv": "text/csv",
    ".json": "application/json",
    ".yaml": "application/yaml",
    ".md": "text/markdown",
    ".py": "text/x-python",
}


def metadata(
    folder: Path, names: Iterable[str], given: Mapping[str, Any], date: str
) -> dict[str, Any]:
    """The content of `ro-crate-metadata.json`, as JSON values.

    Parameters
    ----------
    names : of the folder's files
    given : of these study, description, commit and sources
    date : of publication, year-month-day
    """
    names = sorted(names)
    sources = [source for source in given["sources"].values() if source]
    about = given["description"] or f"Figures and tables of the study {given['study']}"
    root = {
        "@id": "./",
        "@type": "Dataset",
        "name": f"agop-collapse: the study {given['study']}",
        "description": f"{about}. Figures, tables, settings and code, without layers and weights.",
        "datePublished": date,
        "license": {"@id": LICENCE},
        "citation": {"@id": PAPER},
        "isBasedOn": [{"@id": source["url"]} for source in sources],
        "hasPart": [{"@id": name} for name in names],
    }
    return {
        "@context": f"{VERSION}/context",
        "@graph": [
            {
                "@id": METADATA,
                "@type": "CreativeWork",
                "conformsTo": {"@id": VERSION},
                "about": {"@id": "./"},
            },
            root,
            *(_file(folder, name, given["commit"]) for name in names),
            *(_source(source) for source in sources),
            {
                "@id": LICENCE,
                "@type": "CreativeWork",
                "name": "MIT License",
                "description": "Of the code (LICENSE). Data sets have their own.",
            },
            {
                "@id": PAPER,
                "@type": "ScholarlyArticle",
                "name": "Average gradient outer product as a mechanism for deep neural collapse",
                "author": list(AUTHORS),
            },
        ],
    }


def _file(folder: Path, name: str, commit: str | None) -> dict[str, Any]:
    entity: dict[str, Any] = {"@id": name, "@type": "File"}
    entity |= {"name": name, "contentSize": str((folder / name).stat().st_size)}
    if (folder / name).suffix in FORMATS:
        entity["encodingFormat"] = FORMATS[(folder / name).suffix]
    if name == "Snakefile":
        entity["@type"] = ["File", "SoftwareSourceCode"]
        entity["programmingLanguage"] = "Snakemake"
        if commit is not None:
            entity["version"] = commit
    return entity


def _source(source: Mapping[str, str]) -> dict[str, Any]:
    # No Dataset, which would be a part of the crate.
    return {
        "@id": source["url"],
        "@type": "CreativeWork",
        "name": source["name"],
        "creator": source["creators"],
        "license": source["licence"],
    }
