"""Derive a study again, elsewhere, and hold it and what lies here against its manifest.

    python workflow/verify.py --config study=laptop

takes all options of Snakemake, derives in a temporary folder, on another number of cores and in
another order of jobs than `snakemake manifest` had, and says which files are not the same bytes.
"""

import argparse
import csv
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from agop_collapse.common.errors import UserError
from agop_collapse.sharing import manifest

SNAKEFILE = Path(__file__).resolve().parents[1] / "Snakefile"
# Of the working folder what is derived; all else, as data and code of one's own, serves both.
DERIVED = {"results", "figures", "archive"}


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--cores", type=int, help="to derive on; half of those that there are")
    given, options = parser.parse_known_args(arguments)
    cores = given.cores or max(1, (os.cpu_count() or 1) // 2)
    folder = Path(tempfile.mkdtemp(prefix="agop-collapse-verify-"))
    for entry in Path().iterdir():
        if entry.name not in DERIVED and not entry.name.startswith("."):
            (folder / entry.name).symlink_to(entry.resolve())
    wrong = 0
    try:
        wrong = verify(folder, cores, options)
    except UserError as error:
        sys.exit(f"verify: {error}")
    finally:
        if not wrong:
            shutil.rmtree(folder)
    if wrong:
        print(f"DIFFERENT: {wrong:,} of the files. What was derived is left in {folder}.")
        return 1
    print("THE SAME: every file, to the last bit.")
    return 0


def verify(folder: Path, cores: int, options: Sequence[str]) -> int:
    """Derive in a folder, say what is found, and return how many files differ here or there.

    options : of Snakemake, which say what study it is

    Raises
    ------
    UserError : when the study has no manifest, or cannot be derived.
    """
    outputs = planned(folder, options)
    (path,) = (Path(output) for output, rule in outputs.items() if rule == "make_manifest")
    listed = manifest.read(path)
    here = manifest.otherwise(listed["files"], Path())
    _say(here, f"Here, other than {path} says:")
    # The runs that come last in the plan are made first.
    runs = [output for output in outputs if output.endswith("/run.json")]
    order = ["--prioritize", *runs[len(runs) // 2 :]] if runs else []
    snakemake(folder, options, "manifest", "--cores", str(cores), *order)
    again = manifest.read(folder / path)
    there = manifest.otherwise(listed["files"], folder)
    there |= dict.fromkeys(again["files"].keys() - listed["files"].keys(), "not in the manifest")
    _say(there, f"Derived again, other than {path} says:")
    if there and (facts := manifest.differing(listed, again)):
        print(f"The two manifests differ in {', '.join(facts)}, too.")
    print(f"{len(listed['files']):,} files of the study {listed['study']} are compared.")
    return len({*here, *there})


def planned(folder: Path, options: Sequence[str]) -> dict[str, str]:
    """Each output that a manifest is of, and its own: the rule that makes it."""
    run = snakemake(folder, options, "manifest", "--summary", stdout=subprocess.PIPE, text=True)
    rows = csv.DictReader(run.stdout.splitlines(), delimiter="\t")
    return {row["output_file"]: row["rule"] for row in rows}


def snakemake(
    folder: Path, options: Sequence[str], target: str, *more: str, **how: Any
) -> subprocess.CompletedProcess:
    """Run Snakemake in a folder.

    how : options of `subprocess.run`

    Raises
    ------
    UserError : when it fails, and has said why.
    """
    command = [sys.executable, "-m", "snakemake", target, "--snakefile", str(SNAKEFILE)]
    run = subprocess.run([*command, "--directory", str(folder), *options, *more], **how)
    if run.returncode:
        raise UserError("the study could not be derived again, for the reason given above")
    return run


def _say(wrong: dict[str, str], heading: str) -> None:
    lines = [heading, *(f"    {path}: {what}" for path, what in wrong.items())]
    if wrong:
        print("\n".join(lines), flush=True)


if __name__ == "__main__":
    sys.exit(main())
