"""From filters on runs to the rows of a figure: what each kind of figure shows, and of which runs.

A row is a plain dict: its label, and for each of its runs, seeds aside, what selects it in the
tables (study, dataset, run, seeds), with what the kind of figure needs besides.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..files.columns import RUN_COLUMNS
from .config_errors import ConfigError, did_you_mean, unknown
from .figure_layers import spread_layers
from .registry import ACTIVATIONS, FEATURE_MAPS, KERNELS, LOSSES, MODELS, PROJECTIONS, label_of
from .runs import Run, as_text, dataset_label, filter_keys, typed_settings
from .settings import RUN_KINDS, FigureSettings, applies, setting_label

REGISTRIES = {
    "kernel": KERNELS,
    "feature_map": FEATURE_MAPS,
    "projection": PROJECTIONS,
    "model": MODELS,
    "activation": ACTIVATIONS,
    "loss": LOSSES,
}


@dataclass(frozen=True)
class Request:
    """What a figure's rows are made from.

    study, where : the study's name, and the figure's key path
    block : the figure as configured; filters : of its rows; runs : all that it may show
    draws : kind of the runs, where the kind of figure says it
    """

    study: str
    where: str
    block: FigureSettings
    filters: list[dict[str, Any]]
    runs: Sequence[Run]
    draws: str | None
    defaults: dict[str, Any] = field(default_factory=dict)

    def refuse(self, reason: str, key: str = "") -> ConfigError:
        """The error for what is wrong with the figure, or with one of its keys."""
        return ConfigError(f"{self.where}{'.' * bool(key)}{key}{reason}")


@dataclass(frozen=True)
class Rows:
    """What a figure shows: its rows, their runs of all seeds, tables and options for drawing."""

    rows: list[dict[str, Any]]
    runs: list[Run]
    tables: tuple[str, ...] = ()
    options: dict[str, Any] = field(default_factory=dict)


RowMaker = Callable[[Request], Rows]


def no_rows(request: Request) -> Rows:
    """For figures of a simulation."""
    return Rows([], [])


def one_run_a_row(request: Request) -> Rows:
    """A row for each run that passes a filter, each once."""
    rows: list[dict[str, Any]] = []
    drawn: dict[Run, None] = {}
    for wanted in request.filters:
        runs = chosen(request, request.draws, [wanted])
        for run, seeds in lines(runs).items():
            named = f", {filter_label({'seed': seeds}, run.kind)}" if "seed" in wanted else ""
            row = row_of(full_label(request, run) + named, run, seeds)
            rows += [row] if row not in rows else []
        drawn |= dict.fromkeys(runs)
    return Rows(rows, list(drawn))


def gram_rows(request: Request) -> Rows:
    """One run a row; layers that all of them have."""
    made = one_run_a_row(request)
    stage = request.defaults.get("stage", "MX")
    depth = min(run.settings.depth for run in made.runs)
    # Xtilde has one more than X: what the last layer's projection makes.
    deepest = depth if stage == "X" else depth + 1
    layers = _layers_of(request, deepest, f"a run of depth {depth} has layers 1 (the input)")
    pixels = request.block.pixels or "points"
    options = {"layers": layers, "stage": stage, "pixels": pixels}
    return Rows(made.rows, made.runs, options=options)


def _layers_of(request: Request, deepest: int, there: str) -> list[int]:
    """The layers asked for, or such as the paper shows."""
    layers = request.block.layers or spread_layers(deepest)
    if len(set(layers)) < len(layers):
        raise request.refuse(f" = {layers} must not hold anything twice", "layers")
    if max(layers) > deepest:
        raise request.refuse(f" = {layers}: {there} to {deepest}", "layers")
    return layers


def spectrum_rows(request: Request) -> Rows:
    """One run a row; of the layers asked for, or of all of a few."""
    made = one_run_a_row(request)
    depth = min(run.settings.depth for run in made.runs)
    layers = _layers_of(request, depth, f"a run of depth {depth} has layers 1")
    return Rows(made.rows, made.runs, options={"layers": layers})


def curve_rows(request: Request) -> Rows:
    """One run a row; NC2 as asked for."""
    made = one_run_a_row(request)
    nc2 = request.block.nc2 or request.defaults.get("nc2", "nc2")
    return Rows(made.rows, made.runs, options={"nc2": nc2})


def ablation_rows(request: Request) -> Rows:
    """Two runs a row: with the AGOP, and its like with M = I."""
    rows: list[dict[str, Any]] = []
    drawn: dict[Run, None] = {}
    for run, seeds in lines(chosen(request, "deep_rfm", request.filters)).items():
        pair = {each.settings.projection: each for each in (run, _other_projection(request, run))}
        row = {
            "label": full_label(request, pair["agop"]),
            "runs": [selector(pair[role], seeds) | {"role": role} for role in ("agop", "identity")],
        }
        rows += [row] if row not in rows else []
        of_pair = {each.line for each in pair.values()}
        drawn |= dict.fromkeys(
            each for each in request.runs if each.line in of_pair and each.seed in seeds
        )
    return Rows(rows, list(drawn))


def _other_projection(request: Request, run: Run) -> Run:
    """The run that differs in its projection alone."""
    projection = {"agop": "identity", "identity": "agop"}[run.settings.projection]
    wanted = typed_settings(run.settings) | {"projection": projection}
    for other in request.runs:
        beside = other.kind == "deep_rfm" and other.study == run.study
        if beside and other.dataset == run.dataset and typed_settings(other.settings) == wanted:
            return other
    raise request.refuse(
        f": {full_label(request, run)} needs a run of each projection, agop and identity, alike in "
        "all other settings"
    )


def chosen(
    request: Request, kind: str | None, filters: Iterable[dict[str, Any]], of: str = "rows"
) -> list[Run]:
    """The runs of a kind that pass a filter, in the filters' order, each once.

    Raises
    ------
    ConfigError : when a filter names what such runs do not have, or lets none of them pass.
    """
    found: dict[Run, None] = {}
    for wanted in filters:
        for key in wanted:
            if key not in filter_keys(kind):
                raise ConfigError(
                    unknown(f"{request.where}.{of}", key, filter_keys(kind), what="key")
                )
        passing = [
            run
            for run in request.runs
            if run.kind == kind
            and ("study" in wanted or run.study == request.study)
            and all(_passes(run, key, value) for key, value in wanted.items())
        ]
        if not passing and not wanted:
            raise request.refuse(": the study has no run that it could show")
        if not passing:
            criteria = ", ".join(f"{key}: {value}" for key, value in wanted.items())
            hints = (_like_a_name(request, key, value) for key, value in wanted.items())
            raise request.refuse(
                f": no run has {criteria}{''.join(hints)}; add one to the study, or leave the "
                "figure out"
            )
        found |= dict.fromkeys(passing)
    return list(found)


def _like_a_name(request: Request, key: str, value: Any) -> str:
    """A hint at the run or data set that may have been meant."""
    names = list({run.value(key) for run in request.runs}) if key in ("run", "dataset") else []
    return "" if value in names else did_you_mean(value, sorted(names))


def _passes(run: Run, key: str, wanted: Any) -> bool:
    value = run.value(key)
    options = wanted if isinstance(wanted, list) else [wanted]
    same = any(value == option and _is_bool(value) == _is_bool(option) for option in options)
    return same and applies_to(run, key)


def applies_to(run: Run, key: str) -> bool:
    """Whether a run's results depend on a setting, or it is a column that names the run."""
    return key in RUN_COLUMNS or applies(run.settings, key)


def lines(runs: Iterable[Run]) -> dict[Run, list[int]]:
    """One run of each, seeds aside, and the seeds that there are of it."""
    found: dict[tuple, list[Run]] = {}
    for run in runs:
        found.setdefault(run.line, []).append(run)
    return {alike[0]: sorted(run.seed for run in alike) for alike in found.values()}


def full_label(request: Request, run: Run) -> str:
    """Data set and name for readers, such as "MNIST, Gaussian, ReLU"; and another study's name."""
    label = f"{dataset_label(run.dataset)}, {run.label}"
    return label if run.study == request.study else f"{label}, study {run.study}"


def filter_label(wanted: dict[str, Any], kind: str) -> str:
    """A filter for readers, such as "gain = 0.01"."""
    parts = []
    for key, value in wanted.items():
        values = value if isinstance(value, list) else [value]
        if key == "dataset":
            parts.append(" and ".join(dataset_label(str(value)) for value in values))
        elif key in ("run", "study"):
            parts.append(" and ".join(map(str, values)))
        elif key in REGISTRIES:
            parts.append(" and ".join(label_of(REGISTRIES[key], str(value)) for value in values))
        elif key == "seed":
            parts.append(f"seed {' and '.join(map(str, values))}")
        else:
            name = setting_label(RUN_KINDS[kind], key)
            parts.append(f"{name} = {' and '.join(map(as_text, values))}")
    return ", ".join(parts)


def value_label(run: Run, key: str) -> str:
    """What a line of a sweep is called by one of its runs' settings."""
    return filter_label({key: run.value(key)}, run.kind)


def value_of(run: Run, key: str) -> str:
    """A setting that is no number, as an axis has it."""
    value = run.value(key)
    return label_of(REGISTRIES[key], value) if key in REGISTRIES else as_text(value)


def row_of(label: str, run: Run, seeds: list[int]) -> dict[str, Any]:
    return {"label": label, "runs": [selector(run, seeds)]}


def selector(run: Run, seeds: list[int]) -> dict[str, Any]:
    return {"study": run.study, "dataset": run.dataset, "run": run.name, "seeds": seeds}


def _is_bool(value: Any) -> bool:
    return isinstance(value, bool)
