"""The configuration: checked as a whole, and spelled out as studies of runs and figures."""

import ast
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..common.epochs import measured_epochs
from ..common.lookup import module_elsewhere, own_file, taken
from . import figures
from .config_errors import (
    LONGEST_NAME,
    ConfigError,
    as_yaml,
    check,
    check_apart,
    check_name,
    expect_mapping,
    unknown,
)
from .figures import Drawing
from .registry import MODELS
from .runs import Expanded, Run, checkpoint_of, expand, layers_of
from .settings import (
    KINDS_OF_KEY,
    RUN_KINDS,
    RUN_NAME,
    Dataset,
    DeepRFM,
    Features,
    FigureSettings,
    Network,
    OwnNetwork,
    StudySettings,
    Theory,
    TheoryKernel,
    Training,
    facts,
)

STUDY_KEYS = (
    *StudySettings.model_fields,
    "datasets",
    *RUN_KINDS,
    "theory_kernel",
    "theory",
    "features",
    "figures",
)
# Settings that may name code of the user's own, "module:object".
OWN_CODE = ("kernel", "backbone", "activation", "loss", "network")


@dataclass(frozen=True)
class Study:
    """A selection of runs, and figures drawn of them.

    settings : what is the study's own; its seeds are sorted, for their order says nothing
    datasets : by name; runs : in the order of the configuration; drawings : figures by name
    """

    name: str
    settings: StudySettings
    datasets: dict[str, Dataset]
    runs: tuple[Run, ...]
    theory_kernel: TheoryKernel
    theory: Theory
    features: Features
    drawings: dict[str, Drawing]

    def of_kind(self, kind: str) -> list[Run]:
        """The study's runs of one kind."""
        return [run for run in self.runs if run.kind == kind]


@dataclass(frozen=True)
class Configuration:
    """All studies, the one to build, where public data lie, and whether claims must hold."""

    study: str
    data_root: str
    strict_claims: bool
    studies: dict[str, Study]


def load(config: Mapping[str, Any]) -> Configuration:
    """Check a configuration, as read from YAML, and spell it out.

    Raises
    ------
    ConfigError : naming each mistake's key path, value and what is allowed; a mistake in how runs
        and figures belong together is told when the settings themselves are sound.
    """
    known = ("study", "data_root", "strict_claims", "studies")
    expect_mapping(config, "the configuration")
    mistakes = [
        unknown("the configuration", key, known, what="key") for key in config if key not in known
    ]
    data_root, chosen = config.get("data_root", "data"), config.get("study", "demo")
    for key, value in (("data_root", data_root), ("study", chosen)):
        if not isinstance(value, str):
            mistakes.append(f"{key} = {value!r} must be of type string")
        elif not value:
            mistakes.append(f"{key} must not be empty")
        elif key == "data_root":
            mistakes += _no_folder(key, value)
    strict = config.get("strict_claims", False)
    if strict in ("true", "false"):  # a text, where it comes from --config
        strict = strict == "true"
    if not isinstance(strict, bool):
        mistakes.append(f"strict_claims = {strict!r} must be of type boolean")
    if "studies" not in config:
        mistakes.append("the configuration: studies must be given")
        raise ConfigError("\n".join(mistakes))
    expect_mapping(config["studies"], "studies")
    if not config["studies"]:
        mistakes.append("studies must not be empty")
    parts = {}
    with _collected(mistakes):
        check_apart(config["studies"], "studies")
    for name, study in config["studies"].items():
        with _collected(mistakes):
            check_name(name, "studies")
            parts[name] = _check_study(name, study, f"studies.{name}")
    if mistakes:
        raise ConfigError("\n".join(sorted(set(mistakes))))
    if chosen not in parts:
        raise ConfigError(unknown("study", chosen, parts))

    runs = {name: part.runs for name, part in parts.items()}
    studies = {}
    for name, part in parts.items():
        with _collected(mistakes):
            drawings = figures.resolve(name, part.figures, runs, f"studies.{name}.figures")
            studies[name] = Study(
                name,
                part.settings,
                part.datasets,
                part.runs,
                part.theory_kernel,
                part.theory,
                part.features,
                drawings,
            )
    if mistakes:
        raise ConfigError("\n".join(sorted(set(mistakes))))
    return Configuration(chosen, data_root, strict, studies)


def data_root(configuration: Configuration, environment: Mapping[str, str]) -> str:
    """Where public data sets lie: as AGOP_COLLAPSE_DATA says, if it does.

    The variable is for clusters and shared machines, whose data lie where no configuration knows.

    Raises
    ------
    ConfigError : when the variable names what is no folder.
    """
    name = "AGOP_COLLAPSE_DATA"
    if not environment.get(name):
        return os.path.expanduser(configuration.data_root)
    if mistakes := _no_folder(f"the environment variable {name}", environment[name]):
        raise ConfigError("\n".join(mistakes))
    return os.path.expanduser(environment[name])


def _no_folder(name: str, value: str) -> list[str]:
    """What is wrong with the path of a folder, which need not be there."""
    if set(value) & set("{}"):
        return [f"{name} = {value!r}: Snakemake takes {{ and }} for its own; leave them out"]
    path = Path(os.path.expanduser(value))
    if path.exists() and not path.is_dir():
        return [f"{name} = {value!r} must be a folder, and is a file"]
    return []


class _collected:
    """Context that puts a ConfigError's lines into a list."""

    def __init__(self, mistakes: list[str]):
        self._mistakes = mistakes

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type | None, error: BaseException | None, _: Any) -> bool:
        if isinstance(error, ConfigError):
            self._mistakes += str(error).splitlines()
            return True
        return False


@dataclass(frozen=True)
class _Part:
    """A study before its figures, which may have other studies' runs, are resolved."""

    settings: StudySettings
    datasets: dict[str, Dataset]
    runs: tuple[Run, ...]
    theory_kernel: TheoryKernel
    theory: Theory
    features: Features
    figures: dict[str, FigureSettings]


def _check_study(name: str, values: Any, where: str) -> _Part:
    expect_mapping(values, where)
    mistakes = [
        unknown(where, key, STUDY_KEYS, what="key") for key in values if key not in STUDY_KEYS
    ]
    datasets: dict[str, Dataset] = {}
    drawn: dict[str, FigureSettings] = {}
    settings = StudySettings()
    theory_kernel, theory, wanted = TheoryKernel(), Theory(), Features()
    expanded: list[tuple[str, str, list[str], Expanded]] = []
    with _collected(mistakes):
        settings = _settings(values, where)
    with _collected(mistakes):
        datasets = _datasets(values, where)
    with _collected(mistakes):
        theory_kernel = check(
            TheoryKernel, values.get("theory_kernel", {}), f"{where}.theory_kernel"
        )
    with _collected(mistakes):
        theory = check(Theory, values.get("theory", {}), f"{where}.theory")
    with _collected(mistakes):
        wanted = check(Features, values.get("features", {}), f"{where}.features")
    for kind in RUN_KINDS:
        blocks = values.get(kind, [])
        if not isinstance(blocks, list):
            mistakes.append(f"{where}.{kind} = {blocks!r} must be of type array")
            continue
        for index, block in enumerate(blocks):
            path = f"{where}.{kind}[{index}]"
            chosen: list[str] = []
            with _collected(mistakes):
                chosen = _chosen_datasets(block, datasets, path)
            with _collected(mistakes):
                runs = _expand(kind, block, path)
                points = {name: datasets[name].n for name in chosen if name in datasets}
                _check_batches(runs, points, path)
                _check_own_networks(runs, settings.seeds, path)
                expanded += [(kind, path, chosen, each) for each in runs]
    with _collected(mistakes):
        drawn = figures.check_blocks(values.get("figures", {}), f"{where}.figures")
    if mistakes:
        raise ConfigError("\n".join(mistakes))
    runs = _distinct(name, expanded, settings.seeds)
    _check_features(wanted, runs, f"{where}.features")
    return _Part(settings, datasets, runs, theory_kernel, theory, wanted, drawn)


def _check_features(wanted: Features, runs: tuple[Run, ...], where: str) -> None:
    """Raise ConfigError on an epoch or a layer that no run has."""
    networks = [run for run in runs if run.kind == "networks"]
    there = {
        "epochs": {epoch for run in networks for epoch in measured_epochs(run.settings)},
        "layers": {layer for run in runs for layer in layers_of(run)},
    }
    for key, every in there.items():
        for number in getattr(wanted, key):
            if isinstance(number, int) and number not in every:
                known = ", ".join(map(str, sorted(every))) or "none"
                raise ConfigError(
                    f"{where}.{key}: no run of the study has {number}; there are: {known}"
                )


def _settings(values: dict[str, Any], where: str) -> StudySettings:
    own = {key: values[key] for key in StudySettings.model_fields if key in values}
    settings = check(StudySettings, own, where)
    if len(set(settings.seeds)) < len(settings.seeds):
        raise ConfigError(f"{where}.seeds = {settings.seeds} must not hold anything twice")
    return settings.model_copy(update={"seeds": sorted(settings.seeds)})


def _datasets(values: dict[str, Any], where: str) -> dict[str, Dataset]:
    if "datasets" not in values:
        raise ConfigError(f"{where}: datasets must be given")
    expect_mapping(values["datasets"], f"{where}.datasets")
    if not values["datasets"]:
        raise ConfigError(f"{where}.datasets must not be empty")
    datasets, mistakes = {}, []
    with _collected(mistakes):
        check_apart(values["datasets"], f"{where}.datasets")
    for name, block in values["datasets"].items():
        with _collected(mistakes):
            check_name(name, f"{where}.datasets")
            path = f"{where}.datasets.{name}"
            datasets[name] = check(Dataset, block, path)
            _check_dataset(datasets[name], path)
    if mistakes:
        raise ConfigError("\n".join(mistakes))
    return datasets


def _check_dataset(dataset: Dataset, where: str) -> None:
    for key, kinds in KINDS_OF_KEY.items():
        value = getattr(dataset, key)
        if value is not None and dataset.kind not in kinds:
            allowed = " or ".join(kinds)
            raise ConfigError(
                f"{where}.{key} = {value!r} is for the kind {allowed}, not {dataset.kind}"
            )
    if dataset.kind in KINDS_OF_KEY["path"] and dataset.path is None:
        raise ConfigError(f"{where}: path must be given for the kind {dataset.kind}")
    for key in ("path", "test_path"):
        path = getattr(dataset, key)
        if path is None:
            continue
        what = "file" if dataset.kind == "npz" else "folder"
        there = Path(path).is_file() if dataset.kind == "npz" else Path(path).is_dir()
        if not there:
            raise ConfigError(f"{where}.{key} = {path!r}: no such {what} in {Path.cwd()}")


def _chosen_datasets(block: Any, datasets: dict[str, Dataset], where: str) -> list[str]:
    """Names of the data sets that a block is for."""
    expect_mapping(block, where)
    chosen = block.get("datasets", "all")
    if chosen == "all":
        return list(datasets)
    if not isinstance(chosen, list) or not chosen:
        raise ConfigError(f"{where}.datasets = {chosen!r} must be 'all' or a list of names")
    for name in chosen:
        if datasets and not (isinstance(name, str) and name in datasets):
            raise ConfigError(unknown(f"{where}.datasets", name, datasets))
    if any(name in chosen[:index] for index, name in enumerate(chosen)):
        raise ConfigError(f"{where}.datasets = {chosen!r} must not hold anything twice")
    return chosen


def _expand(kind: str, block: dict[str, Any], where: str) -> list[Expanded]:
    expect_mapping(block, where)
    name = block.get("name")
    if name is not None and not (isinstance(name, str) and re.fullmatch(RUN_NAME, name)):
        raise ConfigError(
            f"{where}.name = {name!r} must be letters, digits, _, - and ., a letter first"
        )
    runs = list(expand(kind, block, where))
    for run in runs:
        if isinstance(run.settings, Network):
            _check_backbone(run.settings, where)
        if isinstance(run.settings, DeepRFM):
            _check_kernels(run.settings, where)
        for key in OWN_CODE:
            for place in (getattr(run.settings, key, None) or "").split():
                if ":" in place:
                    _check_own_file(place, f"{where}.{key}")
    return runs


def _check_backbone(network: Network, where: str) -> None:
    model, backbone = network.model, network.backbone
    if backbone is None and model not in MODELS:
        raise ConfigError(unknown(f"{where}.model", model, MODELS) + "; or give it a backbone")
    if backbone is not None and model in MODELS:
        raise ConfigError(
            f"{where}.model = {model!r} has a backbone of its own; "
            f"give the one of {backbone!r} another name"
        )


def _check_kernels(deep_rfm: DeepRFM, where: str) -> None:
    kernels, depth = len(deep_rfm.kernel.split()), deep_rfm.depth
    if kernels not in (1, depth):
        raise ConfigError(
            f"{where}.kernel = {deep_rfm.kernel!r} has {kernels} kernels, and the depth is "
            f"{depth}; give one kernel, or one for each layer"
        )


def _check_batches(runs: list[Expanded], points: Mapping[str, int], where: str) -> None:
    """Raise ConfigError where batch normalisation would meet a batch of a single point."""
    for run in runs:
        if not isinstance(run.settings, Network) or run.settings.model not in MODELS:
            continue
        size = run.settings.batch_size
        for dataset, n in points.items():
            if MODELS[run.settings.model].batch_norm and (size == 1 or n % size == 1):
                raise ConfigError(
                    f"{where}.batch_size = {size}: the {n} points of {dataset} leave a batch of a "
                    f"single one, which the batch normalisation of {run.settings.model} cannot be "
                    "trained on; change batch_size, or n"
                )


def _check_own_networks(runs: list[Expanded], seeds: list[int], where: str) -> None:
    """Raise ConfigError unless networks of one's own are to be trained, or have their files."""
    for run in runs:
        network = run.settings
        if not isinstance(network, OwnNetwork):
            continue
        if network.checkpoint is None:
            if network.epochs is None:
                raise ConfigError(
                    f"{where}: checkpoint must be given, or epochs to train the network for"
                )
            continue
        given = [key for key in Training.model_fields if key in network.model_fields_set]
        if given:
            raise ConfigError(
                f"{where}.{given[0]}: a network with a checkpoint is measured, not trained; leave "
                f"out {', '.join(given)}, or the checkpoint"
            )
        for seed in seeds:
            path = checkpoint_of(network, seed)
            if not Path(path).is_file():
                raise ConfigError(f"{where}.checkpoint = {path!r}: no such file in {Path.cwd()}")


def _check_own_file(place: str, where: str) -> None:
    file = own_file(place)
    if not file.is_file():
        raise ConfigError(f"{where} = {place!r}: no {file} in {Path.cwd()}")
    try:
        ast.parse(file.read_text(encoding="utf-8"))
    except (SyntaxError, ValueError) as error:
        raise ConfigError(f"{where} = {place!r}: {file} cannot be read: {error}") from None
    if other := module_elsewhere(file.with_suffix("").parts[0]):
        raise ConfigError(f"{where} = {taken(place, other)}")


def _distinct(
    study: str, expanded: list[tuple[str, str, list[str], Expanded]], seeds: list[int]
) -> tuple[Run, ...]:
    """The runs, each once, in the order of the configuration.

    Raises
    ------
    ConfigError : when two different runs have one name, or names that a file system may not tell
        apart.
    """
    seen: dict[tuple[str, str, str], tuple[str, Expanded]] = {}
    runs: list[Run] = []
    for kind, where, datasets, each in expanded:
        for dataset in datasets:
            if len(each.name) > LONGEST_NAME:
                raise ConfigError(
                    f"{where}: the run name {each.name} is longer than {LONGEST_NAME} characters; "
                    "give a shorter name, or sweep fewer settings in one block"
                )
            key = (kind, dataset, each.name.lower())
            if key in seen:
                _check_same(each, where, *seen[key], dataset)
                continue
            seen[key] = (where, each)
            runs += [
                Run(study, kind, dataset, each.name, seed, each.settings, each.label)
                for seed in seeds
            ]
    return tuple(runs)


def _check_same(
    each: Expanded, where: str, other_where: str, other: Expanded, dataset: str
) -> None:
    if each.name != other.name:
        raise ConfigError(
            f"{where}: the names {other.name} and {each.name} differ in capital letters only, and "
            "not every file system tells these apart; give one of the blocks another name"
        )
    differing = {
        key: (getattr(other.settings, key), value)
        for key, value in each.settings
        if value != getattr(other.settings, key)
    }
    if differing:
        difference = ", ".join(f"{key} {a!r} and {b!r}" for key, (a, b) in differing.items())
        short = other_where.rpartition(".")[2]
        advice = "Give one of them a name (name: ...)"
        if all(facts(type(each.settings), key).swept for key in differing):
            one_block = ", ".join(
                f"{key}: [{as_yaml(a)}, {as_yaml(b)}]" for key, (a, b) in differing.items()
            )
            advice += f", or make one block of both that sweeps ({one_block})"
        raise ConfigError(
            f"{where}: two different runs on {dataset} are called {each.name}: this one and that "
            f"of {short}, with {difference}. {advice}"
        )
