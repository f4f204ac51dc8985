"""Compare a study's tables with those of its reference, and say what is found on the terminal."""

from agop_collapse_job import job  # isort: split

import sys
from pathlib import Path

from agop_collapse.common.errors import UserError
from agop_collapse.sharing import compare, reference

with job(snakemake) as given:
    theirs, facts = reference.read(Path(given["reference"]))
    paths = {name: Path(path) for name, path in given["tables"].items()}
    ours = {
        name: reference.thinned(reference.read_table(path))
        for name, path in paths.items()
        if path.exists()
    }
    if not ours:
        raise UserError(
            f"no table of the study {given['study']} is there to compare; `snakemake tables` makes "
            "them"
        )
    same_machine = reference.made_on(given["records"]) == facts["made_on"]
    data = given["data"]
    other_data = {name for name, own in facts["data"].items() if data.get(name, own) != own}
    found = compare.compare(ours, theirs, same_machine, other_data)
    lines = [*reference.described(facts, same_machine), *compare.text(found)]
    print(*lines, sep="\n", file=sys.__stdout__)
    if found.differing:
        raise UserError(compare.verdict(found))
