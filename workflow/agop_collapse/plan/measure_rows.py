"""The rows of figures that draw any measure: against a setting, or of several runs in one panel."""

from collections.abc import Iterable, Sequence
from typing import Any

from ..common.epochs import measured_epochs
from ..files.columns import OF_A_RUN, OF_ANY_NETWORK, PROGRESS, measures
from .config_errors import ConfigError, unknown
from .figure_rows import (
    Request,
    Rows,
    applies_to,
    chosen,
    filter_label,
    full_label,
    lines,
    one_run_a_row,
    row_of,
    selector,
    value_label,
    value_of,
)
from .runs import Run, as_text, dataset_label, filter_keys
from .settings import RUN_KINDS, setting_label

# What can be drawn against a setting, layer or epoch, by the table that has it.
MEASURES = {kind: measures(kind) for kind in RUN_KINDS}
STAGES = {"deep_rfm": ("X", "MX", "PhiMX"), "networks": ("input", "right", "full")}
STAGES["own_networks"] = STAGES["networks"]
# Of any network not all layers have an activation behind them.
DEFAULT_STAGE = {"deep_rfm": "MX", "networks": "full", "own_networks": "right"}
STAGED = tuple(
    table for of_kind in OF_A_RUN.values() for table in of_kind if "stage" in of_kind[table]
)
# Of a layer as a whole, and so the same at each stage.
ALIKE = {"network_layers": OF_ANY_NETWORK | PROGRESS}
TRUST = {
    "deep_rfm": "deep_rfm",
    "networks": "network_training",
    "own_networks": "network_layers",
}
PLACES = ("layer", "epoch")
# Lines that a panel holds, of one network's epochs.
SHOWN_EPOCHS = 5


def sweep_rows(request: Request) -> Rows:
    """A panel for each filter: a measure against a setting, a line for each value of another."""
    block = request.block
    by = block.by or "dataset"
    kind = _kind_of(request, "rows", request.filters, {"x": block.x, "by": by})
    options = _measured(request, kind)
    rows: list[dict[str, Any]] = []
    drawn: dict[Run, None] = {}
    for wanted in request.filters:
        runs = [
            run
            for run in chosen(request, kind, [wanted])
            if run.value(block.x) is not None and applies_to(run, block.x) and applies_to(run, by)
        ]
        points: dict[tuple[str, Any], Run] = {}
        of_line = lines(runs)
        for run in of_line:
            line = dataset_label(run.dataset) if by == "dataset" else value_label(run, by)
            other = points.setdefault((line, run.value(block.x)), run)
            if other is not run:
                raise request.refuse(
                    f": {run.name} on {run.dataset} and {other.name} on {other.dataset} have the "
                    f"same {block.x} and {by}, so they are one point of one line; let `by` be what "
                    "they differ in, or choose by `rows`"
                )
        if len({x for _, x in points}) < 2:
            found = ", ".join(sorted({as_text(x) for _, x in points})) or "none"
            raise request.refuse(
                f" = {block.x!r}: the runs have one value of it only ({found})", "x"
            )
        selectors = [
            selector(run, of_line[run])
            | {"x": x if _is_number(x) else value_of(run, block.x), "line": line}
            for (line, x), run in points.items()
        ]
        label = filter_label(wanted, kind) if len(request.filters) > 1 else ""
        rows.append({"label": label, "runs": selectors})
        drawn |= dict.fromkeys(runs)
    _check_places(request, kind, options, drawn)
    x_label = setting_label(RUN_KINDS[kind], block.x)
    tables = tuple(dict.fromkeys([options["table"], TRUST[kind]]))
    return Rows(rows, list(drawn), tables, options | {"x_label": x_label})


def overlay_rows(request: Request) -> Rows:
    """A line for each run that passes a filter, named by the filter where it is the only one."""
    filters = request.block.lines or [{}]
    kind = _kind_of(request, "lines", filters, {})
    options = _measured(request, kind)
    x = request.block.x or ("epoch" if kind == "networks" else "layer")
    axes = [name for name in PLACES if name in OF_A_RUN[kind][options["table"]]]
    if x not in axes:
        raise ConfigError(unknown(f"{request.where}.x", x, axes))
    if getattr(request.block, x) is not None:
        raise request.refuse(f" = {getattr(request.block, x)!r}: {x} is on the x axis", x)
    labels: dict[Run, str] = {}
    seeds: dict[Run, list[int]] = {}
    drawn: dict[Run, None] = {}
    for wanted in filters:
        passing = chosen(request, kind, [wanted], "lines")
        alone = len(lines(passing)) == 1
        runs = [run for run in passing if run not in drawn]
        for run in lines(runs):
            named = filter_label(wanted, kind) if alone else ""
            labels[run] = named or full_label(request, run)
        seeds |= lines(runs)
        drawn |= dict.fromkeys(runs)
    if len(set(labels.values())) < len(labels):
        labels = {run: f"{dataset_label(run.dataset)}, {run.name}" for run in labels}
    if x == "epoch":
        for run in drawn:
            _expect_epochs(request, run, "x")
    _check_places(request, kind, options, drawn)
    rows = [row_of(label, run, seeds[run]) for run, label in labels.items()]
    tables = tuple(dict.fromkeys([options["table"], TRUST[kind]]))
    return Rows(rows, list(drawn), tables, options | {"x": x})


def layer_rows(request: Request) -> Rows:
    """One run a row, measured at one stage; of a single one that is trained here some epochs."""
    made = one_run_a_row(request)
    options = {"stage": _stage_of(request, request.draws), "epochs": None}
    asked = request.block.epoch
    if isinstance(asked, int):
        _check_places(request, request.draws, {"table": "network_layers"}, made.runs)
        options["epochs"] = [asked]
    elif asked is None and len(made.rows) == 1 and made.runs[0].is_made:
        options["epochs"] = _some_of(measured_epochs(made.runs[0].settings))
    return Rows(made.rows, made.runs, options=options)


def _some_of(epochs: Sequence[int]) -> list[int]:
    """The first, the last, and a few between them."""
    last = len(epochs) - 1
    steps = min(SHOWN_EPOCHS - 1, last)
    return [epochs[round(step * last / steps)] for step in range(steps + 1)]


def _measured(request: Request, kind: str) -> dict[str, Any]:
    """What is drawn, and where it is measured."""
    block = request.block
    table = next(name for name, columns in MEASURES[kind].items() if block.y in columns)
    staged = table in STAGED and block.y not in ALIKE.get(table, ())
    if block.stage is not None and not staged:
        raise request.refuse(f" = {block.stage!r}: {block.y} of {table} has no stage", "stage")
    stage = _stage_of(request, kind) if staged else None
    where = {
        "layer": block.layer or "last",
        "epoch": "last" if block.epoch is None else block.epoch,
    }
    return {"table": table, "y": block.y, "stage": stage} | where


def _stage_of(request: Request, kind: str) -> str:
    """The stage asked for, or the kind's own."""
    stage = request.block.stage or DEFAULT_STAGE[kind]
    if stage not in STAGES[kind]:
        raise ConfigError(unknown(f"{request.where}.stage", stage, STAGES[kind]))
    return stage


def _check_places(
    request: Request, kind: str, options: dict[str, Any], runs: Iterable[Run]
) -> None:
    """Raise ConfigError unless all runs are measured at the layer and epoch asked for."""
    columns = OF_A_RUN[kind][options["table"]]
    for key in PLACES:
        asked = getattr(request.block, key)
        if asked is None or asked == "last":
            continue
        if key not in columns:
            raise request.refuse(f" = {asked}: the table {options['table']} has no {key}", key)
        for run in runs:
            if key == "epoch":
                _expect_epochs(request, run, key)
            there = _places_of(run, key, "applied_layer" in columns)
            if there and asked not in there:
                raise request.refuse(f" = {asked}: {run.name} has {key} {_listed(there)}", key)


def _places_of(run: Run, key: str, with_input: bool) -> Sequence[int]:
    """The layers or epochs at which a run is measured; none where only its measurement will say."""
    if key == "epoch":
        return measured_epochs(run.settings)
    if run.kind == "own_networks":
        names = run.settings.layers.split()
        return range(1, len(names) + 1) if names != ["all"] else ()
    if run.kind == "networks":
        return range(1, run.settings.hidden_layers + 1)
    return range(1, run.settings.depth + with_input + 1)


def _expect_epochs(request: Request, run: Run, key: str) -> None:
    """Raise ConfigError where a figure names epochs, by a key, of a network without any."""
    if not run.is_made:
        raise request.refuse(f": {run.name} was trained elsewhere, and has no epochs", key)


def _listed(numbers: Sequence[int]) -> str:
    """Numbers for readers, such as "0, 10, ..., 500"."""
    if len(numbers) <= 4:
        return ", ".join(map(str, numbers))
    return f"{numbers[0]}, {numbers[1]}, ..., {numbers[-1]}"


def _kind_of(
    request: Request, of: str, filters: list[dict[str, Any]], settings: dict[str, str | None]
) -> str:
    """The kind of run that is drawn, by what the figure names."""
    named = {"y": request.block.y} | settings
    for key, value in named.items():
        if value is None:
            raise request.refuse(f": {key} must be given for the plot {request.block.plot}")
    used = [*named.items(), *((of, key) for wanted in filters for key in wanted)]
    fitting = [kind for kind in RUN_KINDS if all(value in _known(kind, key) for key, value in used)]
    if not fitting:
        for key, value in used:
            every = dict.fromkeys(name for kind in RUN_KINDS for name in _known(kind, key))
            if value not in every:
                what = "key" if key == of else "value"
                raise ConfigError(unknown(f"{request.where}.{key}", value, every, what))
        all_named = ", ".join(value for _, value in used)
        raise request.refuse(f": no kind of run has all of {all_named}")
    if request.block.stage is not None:
        fitting = [kind for kind in fitting if request.block.stage in STAGES[kind]] or fitting
    elsewhere = any("study" in wanted for wanted in filters)
    there = {run.kind for run in request.runs if elsewhere or run.study == request.study}
    fitting = [kind for kind in fitting if kind in there] or fitting[:1]
    if len(fitting) > 1:
        several = ", ".join(fitting)
        raise request.refuse(
            f": {several} all have what it shows; say which by a filter on kernel, model or "
            "network, or by its stage"
        )
    return fitting[0]


def _known(kind: str, key: str) -> list[str]:
    """What a figure of a kind of run may name by a key of its block."""
    if key == "y":
        return [column for columns in MEASURES[kind].values() for column in columns]
    if key == "x":
        return list(RUN_KINDS[kind].model_fields)
    if key == "by":
        return [name for name in filter_keys(kind) if name != "seed"]
    return filter_keys(kind)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
