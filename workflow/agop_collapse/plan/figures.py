"""A study's figures: checked, and resolved to the runs and tables that each is drawn from."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .config_errors import (
    ConfigError,
    check,
    check_apart,
    check_name,
    did_you_mean,
    expect_mapping,
    unknown,
)
from .figure_kinds import FIGURE_KINDS, PAPER_FIGURES
from .figure_rows import Request
from .runs import Run
from .settings import FigureSettings

# Keys of a figure's block that every kind takes.
COMMON = ("plot", "title", "footer", "size")


@dataclass(frozen=True)
class Drawing:
    """A figure of a study, ready to be drawn.

    kind : of FIGURE_KINDS; block : the figure as configured
    rows, options : what the drawing module takes
    runs : that it is drawn from; tables : of each of them
    """

    name: str
    kind: str
    block: FigureSettings
    rows: list[dict[str, Any]]
    options: dict[str, Any]
    runs: tuple[Run, ...]
    tables: tuple[str, ...]


def check_blocks(values: Any, where: str) -> dict[str, FigureSettings]:
    """The figures of a study, each with its kind of plot and only such keys as this takes."""
    expect_mapping(values, where)
    check_apart(values, where)
    blocks, mistakes = {}, []
    for name, block in values.items():
        try:
            check_name(name, where)
            blocks[name] = _check_block(name, {} if block is None else block, f"{where}.{name}")
        except ConfigError as error:
            mistakes += str(error).splitlines()
    if mistakes:
        raise ConfigError("\n".join(mistakes))
    return blocks


def _check_block(name: str, values: Any, where: str) -> FigureSettings:
    if not isinstance(values, dict):
        raise ConfigError(f"{where} = {values!r} must be of type object or null")
    figure = check(FigureSettings, values, where)
    if name in PAPER_FIGURES:
        kind = PAPER_FIGURES[name].kind
        if figure.plot not in (None, kind):
            raise ConfigError(
                f"{where}.plot = {figure.plot!r}: {name} is a {kind}; give a figure of your own "
                "another name"
            )
        figure = figure.model_copy(update={"plot": kind})
    elif figure.plot is None:
        hint = did_you_mean(name, list(PAPER_FIGURES))
        raise ConfigError(
            f"{where} is no figure of the paper{hint}, and one of your own must say its plot: "
            f"{', '.join(FIGURE_KINDS)}. The paper's are {', '.join(PAPER_FIGURES)}"
        )
    elif figure.plot not in FIGURE_KINDS:
        raise ConfigError(unknown(f"{where}.plot", figure.plot, FIGURE_KINDS))
    allowed = (*COMMON, *FIGURE_KINDS[figure.plot].options)
    for key in values:
        if key not in allowed:
            raise ConfigError(
                f"{where}.{key} is not for the plot {figure.plot}, which takes {', '.join(allowed)}"
            )
    return figure


def resolve(
    study: str,
    blocks: Mapping[str, FigureSettings],
    runs: Mapping[str, tuple[Run, ...]],
    where: str,
) -> dict[str, Drawing]:
    """The drawings of a study.

    Parameters
    ----------
    study : its name
    blocks : its figures, of `check_blocks`
    runs : of every study, by name
    where : key path of the figures

    Raises
    ------
    ConfigError : when a figure has no runs, or asks for what they do not have.
    """
    every = [*runs[study], *(run for name in runs if name != study for run in runs[name])]
    drawings, mistakes = {}, []
    for name, block in blocks.items():
        try:
            drawings[name] = _resolve(study, name, block, runs, every, f"{where}.{name}")
        except ConfigError as error:
            mistakes += str(error).splitlines()
    if mistakes:
        raise ConfigError("\n".join(mistakes))
    return drawings


def _resolve(
    study: str,
    name: str,
    block: FigureSettings,
    runs: Mapping[str, tuple[Run, ...]],
    every: list[Run],
    where: str,
) -> Drawing:
    kind = FIGURE_KINDS[block.plot]
    paper = PAPER_FIGURES.get(name)
    filters = block.rows or (list(paper.rows) if paper else [{}])
    for key, given in (("rows", block.rows), ("lines", block.lines)):
        for index, wanted in enumerate(given or []):
            for other in _as_list(wanted.get("study", [])):
                if other not in runs:
                    raise ConfigError(unknown(f"{where}.{key}[{index}].study", other, runs))
    defaults = paper.defaults if paper else {}
    made = kind.rows(Request(study, where, block, filters, every, kind.draws, defaults))
    rows, drawn = made.rows, made.runs
    if not kind.all_seeds:
        rows, drawn = _of_smallest_seeds(rows, drawn)
    tables = made.tables or kind.tables
    return Drawing(name, block.plot, block, rows, made.options, tuple(drawn), tables)


def _of_smallest_seeds(
    rows: list[dict[str, Any]], runs: list[Run]
) -> tuple[list[dict[str, Any]], list[Run]]:
    """Rows of one seed each, and the runs that are left."""
    rows = [
        row | {"runs": [each | {"seeds": each["seeds"][:1]} for each in row["runs"]]}
        for row in rows
    ]
    shown = {
        (each["study"], each["dataset"], each["run"], *each["seeds"])
        for row in rows
        for each in row["runs"]
    }
    return rows, [run for run in runs if (run.study, run.dataset, run.name, run.seed) in shown]


def _as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
