"""Write a study's report: its figures with captions, tables, cost, settings and versions."""

from agop_collapse_job import job  # isort: split

import pandas as pd
from agop_collapse.files import tables
from agop_collapse.files.atomic import atomic
from agop_collapse.files.places import located
from agop_collapse.report import recorded, run_settings
from agop_collapse.report.figures import figure
from agop_collapse.report.listing import listing
from agop_collapse.report.page import Report, render
from agop_collapse.report.walk import walk


def load(name, parts):
    """A table of the study, with its rows of runs of other studies below, if there are any."""
    own = [part for part in parts if part[1] is None]
    elsewhere = [part for part in parts if part[1] is not None]
    frames = [tables.load(path, name, identity) for path, _, identity in own]
    frames += [tables.load_runs(elsewhere, name)] if elsewhere else []
    return pd.concat(frames, ignore_index=True)


with job(snakemake) as given:
    every = located(given["parts"], snakemake.input.parts)
    loaded = {name: load(name, parts) for name, parts in every.items()}
    own = {name: table[table["study"] == given["study"]] for name, table in loaded.items()}
    own["runs"] = pd.DataFrame(given["runs"])
    figures = [
        figure(shown, path, identity, loaded)
        for shown, path, identity in zip(
            given["figures"], snakemake.input.figures, given["figure_identities"], strict=True
        )
    ]
    # One after the other: pictures are large.
    ((name, pictures),) = located(given["pictures"], snakemake.input.pictures).items()
    walks = [
        walk(each["label"], each["run"], tables.load_runs([part], name), loaded)
        for each, part in zip(given["walks"], pictures, strict=True)
    ]
    cost = recorded.cost(given["cost"])
    claims = tables.load(snakemake.input.claims, "claims", given["claims"])
    report = Report(
        study=given["study"],
        description=given["description"],
        folder=f"results/{given['study']}",
        identity=given["identity"],
        about=given["about"],
        figures=figures,
        walks=walks,
        unwalked=given["unwalked"],
        claims=claims,
        listings=[listing(name, table) for name, table in own.items() if len(table)],
        cost=listing("cost", cost),
        cost_total=recorded.total(cost),
        settings=run_settings.by_kind(given["runs"]),
        versions=recorded.versions(list(dict.fromkeys(each["record"] for each in given["cost"]))),
    )
    with atomic(snakemake.output[0]) as partial:
        partial.write_text(render(report), encoding="utf-8")
