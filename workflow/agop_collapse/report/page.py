"""The page: what a study's report shows, in one file that needs no other and no network."""

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from .figures import Figure
from .listing import Listing
from .run_settings import OfKind
from .walk import Walk

TEMPLATES = Path(__file__).with_name("page")
# What a verdict of the table `claims` is called.
VERDICTS = {
    "reproduced": "reproduced",
    "not_reproduced": "not reproduced",
    "not_measured": "not measured",
}


@dataclass(frozen=True)
class Report:
    """What a page shows.

    study, description : name and one line; folder : of the results; identity : of the report
    about : a few facts of the study, by what each is of
    claims : the table `claims`; None where there is none
    listings : tables to read, sort and download
    cost : the same of time, memory and disk; cost_total : of all jobs together
    versions : library, version, and how many runs were made with it
    unwalked : runs of Deep RFM that have no walk here
    """

    study: str
    description: str
    folder: str
    identity: str
    about: list[tuple[str, str]]
    figures: list[Figure]
    walks: list[Walk]
    unwalked: int
    claims: pd.DataFrame | None
    listings: list[Listing]
    cost: Listing
    cost_total: list[tuple[str, str]]
    settings: list[OfKind]
    versions: list[tuple[str, str, int]]


def render(report: Report) -> str:
    """The page as HTML, complete with its style, script and a policy that lets nothing in or out.

    All texts of the report are escaped: a name may hold any character. Style and script, which
    are not, are the project's own.
    """
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    style, script = (
        TEMPLATES.joinpath(name).read_text(encoding="utf-8") for name in ("page.css", "page.js")
    )
    policy = (
        f"default-src 'none'; img-src data:; style-src {_hash(style)}; "
        f"script-src {_hash(script)}; base-uri 'none'; form-action 'none'"
    )
    claims = [] if report.claims is None else report.claims.to_dict("records")
    return environment.get_template("page.html").render(
        report=report,
        claims=claims,
        verdicts=VERDICTS,
        counts=_counts(claims),
        policy=policy,
        style=style,
        script=script,
    )


def _counts(claims: Sequence[dict]) -> list[tuple[str, str, int]]:
    """How many claims have each verdict: its name, what it is called, and the number."""
    given = [claim["verdict"] for claim in claims]
    return [(name, called, given.count(name)) for name, called in VERDICTS.items()]


def _hash(text: str) -> str:
    """Of an element's text, as a content security policy names what it lets run."""
    digest = hashlib.sha256(text.encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode('ascii')}'"
