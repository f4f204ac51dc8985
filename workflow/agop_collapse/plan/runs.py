"""Runs: a kind, a data set, settings and a seed; and how blocks with sweeps become runs."""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ..files.columns import RUN_COLUMNS
from .config_errors import ConfigError, check
from .paths import RUN
from .registry import DATASET_LABELS, FEATURE_MAPS, KERNELS, MODELS, PROJECTIONS, Entry, label_of
from .settings import RUN_KINDS, Block, DeepRFM, OwnNetwork, applies, facts, setting_label

# The settings that a name begins with where none is given, and how figures call their values.
NAMING: dict[str, dict[str, dict[str, Entry]]] = {
    "deep_rfm": {"kernel": KERNELS, "feature_map": FEATURE_MAPS, "projection": PROJECTIONS},
    "networks": {"model": MODELS},
    "own_networks": {"network": {}},
}


@dataclass(frozen=True)
class Run:
    """One Deep RFM or one network.

    study, kind (of RUN_KINDS), dataset, name, seed : where its results lie
    settings : a block of its kind, complete
    label : what figures call it, without its data set
    """

    study: str
    kind: str
    dataset: str
    name: str
    seed: int
    settings: Block
    label: str

    @property
    def named(self) -> dict[str, Any]:
        """What names the run in the tables."""
        return {"study": self.study, "dataset": self.dataset, "run": self.name, "seed": self.seed}

    @property
    def folder(self) -> str:
        """Where its results lie."""
        return RUN.format(kind=self.kind, **self.named)

    @property
    def columns(self) -> dict[str, Any]:
        """What its rows begin with in the tables."""
        return self.named | {name: getattr(self.settings, name) for name in NAMING[self.kind]}

    @property
    def is_made(self) -> bool:
        """Whether its layers or weights are made here, not brought along."""
        return not isinstance(self.settings, OwnNetwork) or self.settings.checkpoint is None

    @property
    def line(self) -> tuple[str, str, str, str]:
        """What its seeds have in common."""
        return self.study, self.kind, self.dataset, self.name

    def value(self, key: str) -> Any:
        """A setting, or a column that names the run."""
        return self.named[key] if key in RUN_COLUMNS else getattr(self.settings, key)


def filter_keys(kind: str) -> list[str]:
    """What runs of a kind can be chosen by."""
    return [*RUN_COLUMNS, *RUN_KINDS[kind].model_fields]


def layers_of(run: Run) -> range:
    """The layers that a run has points of: a network's from its head's input to its outputs.

    A network of one's own has none.
    """
    if run.kind == "deep_rfm":
        return range(1, run.settings.depth + 1)
    return range(run.settings.hidden_layers + 2 if run.kind == "networks" else 0)


def checkpoint_of(network: OwnNetwork, seed: int) -> str:
    """The file of the weights that a network is brought along with, for a seed."""
    return network.checkpoint.replace("{seed}", str(seed))


def typed_settings(settings: Block) -> dict[str, Any]:
    """Settings that have an effect, by name, keys sorted, each number of its declared type."""
    return {
        name: value + 0.0 if isinstance(value, float) else value  # 0.0 for -0.0
        for name, value in sorted(settings)
        if facts(type(settings), name).counts and applies(settings, name)
    }


@dataclass(frozen=True)
class Expanded:
    """One of a block's runs, data set and seed aside: see `expand`."""

    name: str
    label: str
    settings: Block


def expand(kind: str, block: dict[str, Any], where: str) -> Iterator[Expanded]:
    """The runs of a block, data sets and seeds aside: one for each combination of listed values.

    A name is the given one, or that of the kind, such as laplace-relu-agop or mlp, with the swept
    settings after it: mlp,gain=0.3.

    Parameters
    ----------
    kind : of RUN_KINDS
    block : settings as read; a list of values is a sweep; `name` and `datasets` are not settings
    where : key path of the block in the configuration

    Raises
    ------
    ConfigError : for each mistake, naming the value in its list.
    """
    declared = RUN_KINDS[kind]
    values = {key: value for key, value in block.items() if key not in ("name", "datasets")}
    swept = [key for key in declared.model_fields if facts(declared, key).swept]
    lists = {key: values[key] for key in swept if isinstance(values.get(key), list)}
    _check_lists(declared, values, lists, where)
    for combination in itertools.product(*lists.values()):
        settings = check(declared, values | dict(zip(lists, combination, strict=True)), where)
        # A single value in a list sweeps nothing, but names the run as the next value will.
        yield Expanded(*_name(kind, block.get("name"), list(lists), settings), settings)


def _check_lists(
    declared: type[Block], values: dict[str, Any], lists: dict[str, list], where: str
) -> None:
    """Each value of each list alone, so that a mistake is named once and in its place."""
    first = {key: options[0] for key, options in lists.items() if options}
    mistakes = [f"{where}.{key} must not be empty" for key, options in lists.items() if not options]
    for key, options in lists.items():
        for index, option in enumerate(options):
            if option in options[:index]:
                mistakes.append(f"{where}.{key} = {options!r} must not hold anything twice")
            try:
                check(declared, values | first | {key: option}, where)
            except ConfigError as error:
                place = f"{where}.{key}"
                mistakes += [
                    f"{place}[{index}]{line.removeprefix(place)}"
                    for line in str(error).splitlines()
                    if line.startswith(place) and not line[len(place)].isalnum()
                ]
    rest = {key: value for key, value in values.items() if key not in lists}
    try:
        check(declared, rest | first, where)
    except ConfigError as error:
        swept = tuple(f"{where}.{key}" for key in lists)
        mistakes += [line for line in str(error).splitlines() if not line.startswith(swept)]
    if mistakes:
        raise ConfigError("\n".join(dict.fromkeys(mistakes)))


def _name(kind: str, given: str | None, swept: list[str], settings: Block) -> tuple[str, str]:
    """Name and label of a run."""
    naming = NAMING[kind]
    if given is None:
        swept = [key for key in swept if key not in naming]
        name = "-".join(_short(getattr(settings, key)) for key in naming)
        labels = [label_of(entries, getattr(settings, key)) for key, entries in naming.items()]
        if isinstance(settings, DeepRFM) and settings.projection == "agop":
            labels.pop()  # being the rule, it is not mentioned
    else:
        name, labels = given, [given]
    declared = type(settings)
    for key in swept:
        value = getattr(settings, key)
        name += f",{key}={as_text(value)}"
        labels.append(f"{setting_label(declared, key)} = {as_text(value)}")
    return name, ", ".join(labels)


def _short(names: str) -> str:
    """A name, or several with a space between them, in a run's; of the user's own the object's."""
    return "_".join(as_text(name).rpartition(".")[2] for name in names.split())


def as_text(value: Any) -> str:
    """A value as names and labels have it: the shortest digits of a number; safe in paths."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return repr(value).removesuffix(".0")
    return str(value).replace(":", ".").replace(" ", "_")


def dataset_label(name: str) -> str:
    """What figures call a data set."""
    return DATASET_LABELS.get(name, name)
