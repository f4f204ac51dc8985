"""The ledger as a page to read: one HTML file that needs nothing else."""

import statistics
from collections.abc import Iterator, Mapping, Sequence
from html import escape

from .claim import Quantity
from .ledger import SUBJECTS, VERDICTS, Checked, Reading, number

STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; color: #1a1a1a; background: #fff;
       max-width: 62rem; margin: 2rem auto; padding: 0 1rem; }
h1, h2, h3 { line-height: 1.25; }
h2 { margin-top: 2.5rem; border-bottom: 1px solid #bbb; }
article { margin: 2rem 0; }
table { border-collapse: collapse; margin: .5rem 0; font-size: .9rem; }
.wide { overflow-x: auto; }
caption { text-align: left; font-weight: 600; }
th, td { text-align: left; vertical-align: top; padding: .25rem .6rem;
         border-bottom: 1px solid #ddd; }
.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
.verdict { white-space: nowrap; padding: .05rem .45rem; border-radius: .3rem; font-size: .9rem;
           font-weight: 600; border: 1px solid; }
.reproduced { color: #0b5d1e; background: #e5f5e8; }
.not_reproduced { color: #8f1414; background: #fdeaea; }
.not_measured { color: #444; background: #f0f0f0; }
.source { color: #555; }
"""

MEANING = {
    "reproduced": "each run and seed that the claim is about lies within the bounds",
    "not_reproduced": "some do not; the reason names them",
    "not_measured": "there is no such run, or none that can be trusted",
}


def page(
    study: str, checked: Sequence[Checked], figures: Mapping[str, Sequence[str]], identity: str
) -> str:
    """The ledger of a study as HTML.

    Parameters
    ----------
    figures : the study's, by their kind
    identity : of the ledger, for the head
    """
    title = f"Claims of the paper in the study {study}"
    by_id = {each.claim.id: each for each in checked}
    body = [f"<h1>{escape(title)}</h1>", *_introduction(checked), *_overview(checked)]
    for subject, claims in SUBJECTS.items():
        body.append(f"<h2>{escape(subject)}</h2>")
        for claim in claims:
            links = figures.get(claim.figure or "", ())
            body += _article(by_id[claim.id], study, links)
    return "\n".join(
        [
            "<!DOCTYPE html>",
            '<html lang="en">',
            "<head>",
            '<meta charset="utf-8">',
            f"<!-- identity: {identity} -->",
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f"<title>{escape(title)}</title>",
            f"<style>{STYLE}</style>",
            "</head>",
            "<body>",
            "<main>",
            *body,
            "</main>",
            "</body>",
            "</html>",
            "",
        ]
    )


def _introduction(checked: Sequence[Checked]) -> Iterator[str]:
    yield (
        "<p><cite>Average gradient outer product as a mechanism for deep neural collapse</cite> "
        "(NeurIPS 2024; v1 is its first version, arXiv 2402.13728v1): each claim is computed from "
        "this study's tables, and no verdict is given by hand. How to read it: docs/claims.md. "
        "Figures are linked where the study has them; <code>snakemake figures/</code> draws "
        "them.</p>"
    )
    yield "<ul>"
    for verdict in VERDICTS:
        count = sum(each.verdict == verdict for each in checked)
        yield f"<li><strong>{count}</strong> {_badge(verdict)}: {MEANING[verdict]}.</li>"
    yield "</ul>"


def _overview(checked: Sequence[Checked]) -> Iterator[str]:
    yield '<div class="wide"><table>'
    yield "<caption>All claims</caption>"
    yield _head("Claim", "Verdict", "In short", "Source")
    for each in checked:
        claim = each.claim
        link = f'<a href="#{escape(claim.id)}">{escape(claim.id)}</a>'
        yield (
            f'<tr><th scope="row">{link}</th><td>{_badge(each.verdict)}</td>'
            f"<td>{escape(claim.sentence)}{_not_printed(each)}</td><td>{escape(claim.source)}</td></tr>"
        )
    yield "</table></div>"


def _article(checked: Checked, study: str, figures: Sequence[str]) -> Iterator[str]:
    claim = checked.claim
    yield f'<article id="{escape(claim.id)}">'
    yield f"<h3>{escape(claim.id)} {_badge(checked.verdict)}</h3>"
    source = f'<span class="source">{escape(claim.source)}.{_not_printed(checked)}</span>'
    yield f"<p>{escape(claim.sentence)} {source}</p>"
    if checked.why:
        yield f"<p>Why: {escape(checked.why)}.</p>"
    yield '<div class="wide"><table>'
    yield "<caption>What it rests on</caption>"
    yield _head("Number", "Must be", "Paper", "Mean", "Least", "Largest")
    for quantity in claim.quantities:
        yield _row_of(quantity, checked)
    yield "</table></div>"
    if checked.measured:
        yield f"<details><summary>By run and seed ({len(checked.measured)})</summary>"
        yield '<div class="wide"><table>'
        yield _head("Run", "Number", "By seed", "Mean ± sd")
        yield from _rows_by_run(checked)
        yield "</table></div></details>"
    if figures:
        links = (
            f'<a href="../../figures/{escape(study)}/{escape(name)}.png">{escape(name)}</a>'
            for name in figures
        )
        yield f"<p>Figures: {', '.join(links)}</p>"
    yield "</article>"


def _row_of(quantity: Quantity, checked: Checked) -> str:
    values = [reading.values[quantity.name] for reading in checked.measured]
    paper = "" if quantity.paper is None else number(quantity.paper)
    found = (statistics.fmean(values), min(values), max(values)) if values else ()
    cells = [paper, *map(number, found), *[""] * (3 - len(found))]
    return (
        f'<tr><th scope="row">{escape(quantity.words)}</th>'
        f"<td>{escape(quantity.bounds or 'told only')}</td>"
        + "".join(f'<td class="number">{cell}</td>' for cell in cells)
        + "</tr>"
    )


def _rows_by_run(checked: Checked) -> Iterator[str]:
    """A row for each run and quantity: what each seed has, and their mean and sd."""
    runs: dict[tuple[str | None, str | None], list[Reading]] = {}
    for reading in checked.measured:
        runs.setdefault((reading.dataset, reading.run), []).append(reading)
    for (dataset, run), readings in runs.items():
        name = "-" if run is None else f"{dataset}, {run}"
        for quantity in checked.claim.quantities:
            values = [reading.values[quantity.name] for reading in readings]
            by_seed = "; ".join(
                f"{reading.seeds}: {number(value)}"
                for reading, value in zip(readings, values, strict=True)
            )
            spread = f"{number(statistics.fmean(values))}"
            if len(values) > 1:
                spread += f" ± {number(statistics.stdev(values))}"
            yield (
                f'<tr><th scope="row">{escape(name)}</th><td>{escape(quantity.name)}</td>'
                f'<td>{escape(by_seed)}</td><td class="number">{spread}</td></tr>'
            )


def _head(*names: str) -> str:
    cells = "".join(f'<th scope="col">{escape(name)}</th>' for name in names)
    return f"<thead><tr>{cells}</tr></thead>"


def _badge(verdict: str) -> str:
    return f'<span class="verdict {verdict}">{verdict.replace("_", " ")}</span>'


def _not_printed(checked: Checked) -> str:
    return "" if checked.claim.printed else " (Not printed so in the paper.)"
