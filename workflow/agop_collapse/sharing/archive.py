"""An archive of a study: one folder from which its figures can be drawn again, and its manifest.

Its files lie where Snakemake expects them, so that in the folder `snakemake figures/` plans the
drawing alone; no data, layers or weights are among them.
"""

import hashlib
import json
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from ..files.atomic import atomic, sync
from . import crate
from .reference import made_on

MANIFEST, README = "manifest.json", "README.md"


def write(folder: Path, given: Mapping[str, Any], date: str) -> None:
    """Fill a folder, which may hold a part of it already.

    Parameters
    ----------
    given : what `plan.shared.archived` says; of its results, by their names below the folder,
        where they lie
    date : of publication, year-month-day
    """
    for name, path in (*given["results"].items(), *given["code"].items()):
        _copy(Path(path), folder / name)
    _write(folder / "config.yaml", given["configuration"])
    _write(folder / README, _readme(given))
    records = [path for name, path in given["results"].items() if name.endswith("run.json")]
    made = made_on(records)
    made.pop("processor")  # this machine's, which need not be the one that computed
    facts = {key: given[key] for key in ("study", "identity", "commit", "changed", "sources")}
    names = sorted([*given["results"], *given["code"], "config.yaml", README])
    manifest = facts | {"made_on": made, "sha256": {name: _sha256(folder / name) for name in names}}
    _write(folder / MANIFEST, _json(manifest))
    _write(folder / crate.METADATA, _json(crate.metadata(folder, [*names, MANIFEST], given, date)))
    for each in [folder, *(path for path in folder.rglob("*") if path.is_dir())]:
        sync(each)


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)
    sync(target)


def _write(path: Path, text: str) -> None:
    with atomic(path) as partial:
        partial.write_text(text, encoding="utf-8")


def _json(values: Mapping[str, Any]) -> str:
    return json.dumps(values, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def _sha256(path: Path) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _readme(given: Mapping[str, Any]) -> str:
    study, needed = given["study"], given["needed"]
    lines = [
        f"# The study {study}",
        "",
        *([given["description"] + ".", ""] if given["description"] else []),
        f"Figures in `figures/{study}/`, tables in `results/{study}/tables/`, of each run what",
        "its figures are drawn from and `run.json` (settings, versions, device); the claims of the",
        f"paper that they bear out, `results/{study}/claims.html`; the configuration and the code:",
        f"{_code(given)}. No data, layers or weights.",
        "",
        "To draw the figures again, with Python 3.11 or newer:",
        "",
        "```sh",
        "pip install -r requirements.txt",
        "rm -r figures",
        "snakemake --cores 1 figures/",
        "```",
        "",
        "and to derive all again, from the data on, `snakemake -s everything.smk all`.",
        "",
        *(_needed(needed) if needed else []),
        "`manifest.json` has the SHA-256 of each file, and what all was computed on;",
        f"`{crate.METADATA}` is a Research Object Crate. The licence of the code is in `LICENSE`;",
        "how to cite it and the paper, in `CITATION.cff`. The data, which are not here:",
        "",
        *_sources(given["sources"]),
    ]
    return "\n".join(lines) + "\n"


def _code(given: Mapping[str, Any]) -> str:
    if given["commit"] is None:
        return "of no commit that is known"
    return f"commit {given['commit']}" + (", and changes to it" if given["changed"] else "")


def _needed(paths: Iterable[str]) -> list[str]:
    named = ", ".join(f"`{path}`" for path in paths)
    return [f"Snakemake plans with what the study names of one's own: lay there {named} first.", ""]


def _sources(sources: Mapping[str, Mapping[str, str] | None]) -> list[str]:
    return [
        f"- `{kind}`: {source['name']}, by {source['creators']}, {source['url']}; licence: "
        f"{source['licence']}"
        if source
        else f"- `{kind}`: the author's own"
        for kind, source in sources.items()
    ]
