"""The ledger: each claim held against a study's tables, to a verdict with its reason."""

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

import pandas as pd

from ..common.errors import UserError
from . import deep_rfm, experiments, networks, theory
from .claim import Claim, Quantity
from .evidence import Evidence, NotMeasured

REPRODUCED, NOT_REPRODUCED, NOT_MEASURED = "reproduced", "not_reproduced", "not_measured"
VERDICTS = (REPRODUCED, NOT_REPRODUCED, NOT_MEASURED)

# All claims, by what they are about.
SUBJECTS = {
    "Deep RFM": deep_rfm.CLAIMS,
    "Trained networks": networks.CLAIMS,
    "How the experiments are run": experiments.CLAIMS,
    "Theory": theory.CLAIMS,
}
CLAIMS = tuple(claim for claims in SUBJECTS.values() for claim in claims)
TABLES = frozenset(table for claim in CLAIMS for table in claim.tables)

# How many runs a reason names.
NAMED = 4


@dataclass(frozen=True)
class Reading:
    """What a run, or a seed of it, says of a claim.

    dataset, run : None of what is of no run
    seeds : as a text, as in "0, 1"
    values : of each quantity, by its name; none where it cannot be measured
    why : it cannot, or empty
    """

    dataset: str | None
    run: str | None
    seeds: str
    values: Mapping[str, float]
    why: str = ""

    @property
    def name(self) -> str:
        of_run = [] if self.run is None else [self.dataset, self.run]
        return ", ".join([*of_run, f"seed{'s' * (',' in self.seeds)} {self.seeds}"])

    def fails(self, claim: Claim) -> list[Quantity]:
        """The quantities out of their bounds."""
        return [each for each in claim.quantities if not each.holds(self.values[each.name])]


@dataclass(frozen=True)
class Checked:
    """A claim with its verdict, why, and what was read."""

    claim: Claim
    verdict: str
    why: str
    readings: tuple[Reading, ...]

    @property
    def measured(self) -> list[Reading]:
        return [reading for reading in self.readings if reading.values]


def check(claim: Claim, tables: Mapping[str, pd.DataFrame]) -> Checked:
    """Hold a claim against the tables of a study; those that it has no runs for are not there."""
    if missing := [table for table in claim.tables if table not in tables]:
        return Checked(claim, NOT_MEASURED, _lacking(claim, f"no table {missing[0]}"), ())
    readings = tuple(_read(claim, tables))
    if not readings:
        return Checked(claim, NOT_MEASURED, _lacking(claim, "no such run"), ())
    return Checked(claim, *_judge(claim, readings, tables), readings)


def _lacking(claim: Claim, what: str) -> str:
    return f"the study has no {claim.about} ({what})"


def _read(claim: Claim, tables: Mapping[str, pd.DataFrame]) -> Iterator[Reading]:
    """A reading of each run that a claim is about, or of each of its seeds."""
    if not claim.runs:
        of_claim = {table: tables[table] for table in claim.tables}
        seeds = sorted(set(of_claim[claim.tables[0]]["seed"]))
        yield _reading(claim, None, None, seeds, Evidence(of_claim, {}))
        return
    runs = tables["runs"]
    about = [claim.is_about(run) for run in runs.to_dict("records")]
    chosen = runs[pd.Series(about, index=runs.index, dtype=bool)]
    keys = ["dataset", "run"] if claim.seeds_together else ["dataset", "run", "seed"]
    for key, of_run in chosen.groupby(keys, sort=False):
        where = dict(zip(keys, key, strict=True)) | {"kind": of_run["kind"].iloc[0]}
        of_claim = {table: _select(tables[table], where) for table in claim.tables}
        evidence = Evidence(of_claim, of_run.iloc[0].to_dict())
        yield _reading(claim, where["dataset"], where["run"], sorted(of_run["seed"]), evidence)


def _select(table: pd.DataFrame, where: Mapping[str, object]) -> pd.DataFrame:
    """The rows of one run; runs of two kinds may have one name, and only `runs` holds both."""
    chosen = pd.Series(True, index=table.index)
    for column, value in where.items():
        if column in table:
            chosen &= table[column] == value
    return table[chosen]


def _reading(
    claim: Claim, dataset: str | None, run: str | None, seeds: Iterable[int], evidence: Evidence
) -> Reading:
    named = (dataset, run, ", ".join(map(str, seeds)))
    try:
        found = {name: float(value) for name, value in claim.measure(evidence).items()}
    except NotMeasured as why:
        return Reading(*named, {}, str(why))
    for each in claim.quantities:
        if each.decides and math.isnan(found[each.name]):
            return Reading(*named, {}, f"{each.words}: not defined here")
    return Reading(*named, found)


def _judge(
    claim: Claim, readings: tuple[Reading, ...], tables: Mapping[str, pd.DataFrame]
) -> tuple[str, str]:
    """Verdict and reason, from the bounds alone."""
    measured = [reading for reading in readings if reading.values]
    unmeasured = _together([reading for reading in readings if not reading.values])
    if not measured:
        return NOT_MEASURED, _some(unmeasured)
    failed = [reading for reading in measured if reading.fails(claim)]
    if failed:
        reasons = [f"{reading.name}: {_excess(claim, reading)}" for reading in failed]
        return NOT_REPRODUCED, f"{len(failed)} of {len(measured)} fail: {_some(reasons)}"
    datasets = {reading.dataset: None for reading in measured}
    if len(datasets) < claim.datasets:
        return NOT_MEASURED, (
            f"it holds on {', '.join(map(str, datasets))}, and must on {claim.datasets} data sets "
            "to count"
        )
    reasons = [f"all of {len(measured)} within bounds"] if len(measured) > 1 else []
    if claim.datasets > 1:
        runs = tables["runs"]
        kinds = runs.loc[runs["dataset"].isin(datasets), "dataset_kind"].unique()
        reasons.append(f"data sets {', '.join(datasets)} (of the kind {', '.join(kinds)})")
    if unmeasured:
        reasons.append(f"not measured: {_some(unmeasured)}")
    return REPRODUCED, "; ".join(reasons)


def _together(unmeasured: list[Reading]) -> list[str]:
    """Why runs are not measured, each reason once."""
    names: dict[str, list[str]] = {}
    for reading in unmeasured:
        names.setdefault(reading.why, []).append(reading.name)
    return [
        f"{of_reason[0]}{f' and {len(of_reason) - 1} more' * (len(of_reason) > 1)}: {why}"
        for why, of_reason in names.items()
    ]


def _some(reasons: list[str]) -> str:
    more = len(reasons) - NAMED
    return "; ".join(reasons[:NAMED]) + (f"; and {more} more" if more > 0 else "")


def _excess(claim: Claim, reading: Reading) -> str:
    return ", ".join(
        f"{each.name} {number(reading.values[each.name])}, not {each.bounds}"
        for each in reading.fails(claim)
    )


def number(value: float) -> str:
    """A number in three digits."""
    return f"{value:.3g}"


def claim_rows(study: str, checked: Iterable[Checked]) -> list[dict]:
    """Rows of the table claims, one for each claim."""
    return [
        {
            **{"study": study, "id": each.claim.id, "source": each.claim.source},
            **{"printed": each.claim.printed, "claim": each.claim.sentence},
            "predicate": each.claim.predicate,
            "paper": "; ".join(
                f"{quantity.name} {number(quantity.paper)}"
                for quantity in each.claim.quantities
                if quantity.paper is not None
            ),
            "measured": "; ".join(_summary(quantity, each) for quantity in each.claim.quantities)
            if each.measured
            else "",
            "tolerance": "; ".join(
                f"{quantity.name} {quantity.bounds}"
                for quantity in each.claim.quantities
                if quantity.decides
            ),
            **{"verdict": each.verdict, "why": each.why},
        }
        for each in checked
    ]


def _summary(quantity: Quantity, checked: Checked) -> str:
    """Mean of a quantity over all runs and seeds, and between which it lies."""
    values = [reading.values[quantity.name] for reading in checked.measured]
    mean = number(sum(values) / len(values))
    if len(values) == 1:
        return f"{quantity.name} {mean}"
    return f"{quantity.name} {mean} ({number(min(values))} to {number(max(values))})"


def value_rows(study: str, checked: Iterable[Checked]) -> list[dict]:
    """Rows of the table claim_values, one for each claim, run, seed and quantity."""
    rows = []
    for each in checked:
        for reading in each.readings:
            named = {"study": study, "dataset": reading.dataset, "run": reading.run}
            named |= {"seeds": reading.seeds, "id": each.claim.id}
            for quantity in each.claim.quantities:
                bounds = {"least": quantity.least, "most": quantity.most, "paper": quantity.paper}
                row = named | {"quantity": quantity.name, "words": quantity.words} | bounds
                rows.append(row | _value(quantity, reading))
    return rows


def _value(quantity: Quantity, reading: Reading) -> dict:
    if not reading.values:
        return {"value": None, "verdict": NOT_MEASURED, "why": reading.why}
    value = reading.values[quantity.name]
    verdict = REPRODUCED if quantity.holds(value) else NOT_REPRODUCED
    return {"value": value, "verdict": verdict, "why": ""}


def summary(claims: pd.DataFrame) -> str:
    """The table claims in a line: how many of each verdict, and which are not reproduced."""
    parts = []
    for verdict in VERDICTS:
        ids = claims.loc[claims["verdict"] == verdict, "id"]
        named = f" ({', '.join(ids)})" if verdict == NOT_REPRODUCED and len(ids) else ""
        parts.append(f"{len(ids)} {verdict.replace('_', ' ')}{named}")
    return ", ".join(parts)


def expect_reproduced(claims: pd.DataFrame) -> None:
    """Raise UserError, which names them, where claims of the table claims are not reproduced."""
    failed = claims[claims["verdict"] == NOT_REPRODUCED]
    if len(failed):
        reasons = [f"{each.id} ({each.source}): {each.why}" for each in failed.itertuples()]
        more = [f"and {len(reasons) - NAMED} more"] if len(reasons) > NAMED else []
        raise UserError(
            "\n".join(
                [
                    f"strict_claims is set, and not reproduced are {', '.join(failed['id'])}.",
                    *reasons[:NAMED],
                    *more,
                ]
            )
        )
