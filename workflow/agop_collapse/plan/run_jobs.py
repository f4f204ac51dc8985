"""The jobs of data sets and runs: prepare, build or train, measure, export."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ..common.epochs import measured_epochs
from ..common.lookup import own_file
from ..data import addresses
from ..files.contents import Contents
from . import resources
from .code_digest import code_digest, files_reached
from .config_errors import did_you_mean
from .configuration import Configuration
from .data_shapes import DataShape, shape_of
from .identity import identity
from .job import EXPORT, MADE, MEASURE, MEASURED, OF_MEASUREMENT, Job, Part, TargetError, once
from .paths import (
    DATA,
    EPOCH_FEATURES,
    FEATURES,
    STORE,
)
from .registry import ACTIVATIONS, KERNELS, LOSSES, MODELS, place_of, reader_of
from .runs import Run, checkpoint_of, layers_of, typed_settings
from .settings import KINDS_OF_KEY, Dataset, OwnNetwork


class RunJobs:
    """The jobs of data sets and runs, each made when it is asked for.

    Parameters
    ----------
    configuration : checked and spelled out
    workflow : the folder of scripts/ and agop_collapse/
    data_root : where public data sets lie
    contents : digests of the user's own data
    with_gpus : whether jobs that ask for a GPU are granted one
    """

    def __init__(
        self,
        configuration: Configuration,
        workflow: Path,
        data_root: str,
        contents: Contents,
        with_gpus: bool = True,
    ):
        self.studies = configuration.studies
        self._study = configuration.study
        self._scripts = Path(workflow, "scripts")
        self._library = Path(workflow, "agop_collapse")
        self._data_root = data_root
        self._contents = contents
        self._with_gpus = with_gpus
        self._runs = {
            (*run.line, run.seed): run for study in self.studies.values() for run in study.runs
        }
        self._made: dict[tuple, Any] = {}

    def run(self, kind: str, wildcards: Mapping[str, str]) -> Run:
        """The run that a path's wildcards name."""
        study, dataset, name, seed = (wildcards[key] for key in ("study", "dataset", "run", "seed"))
        found = self._runs.get((study, kind, dataset, name, int(seed)))
        if found is None or str(found.seed) != seed:
            there = list(dict.fromkeys(run.name for run in self.studies[study].of_kind(kind)))
            raise TargetError(
                f"The study {study} has no run {dataset}, {name}, seed {seed} of {kind} in the "
                f"configuration{did_you_mean(name, there)}; its runs are: "
                f"{', '.join(there) or 'none'}."
            )
        return found

    @once
    def _code(self, script: str, *places: str) -> str:
        return self._digest_of_code(self._scripts / f"{script}.py", self._files(places))

    def code_of_all(self, study: str) -> str:
        """Digest of the code of every script, and of all that a study's runs and data name."""
        first, *scripts = sorted(self._scripts.glob("*.py"))
        chosen = self.studies[study]
        places = {place for run in chosen.runs for place in _places(run).values()}
        places |= {reader_of(dataset.kind) for dataset in chosen.datasets.values()}
        return self._digest_of_code(first, [*scripts, *self._files(places)])

    def _digest_of_code(self, script: Path, entries: Iterable[Path]) -> str:
        try:
            return code_digest(script, self._library, entries)
        except (SyntaxError, ValueError, OSError) as error:
            raise TargetError(f"the code of {script.stem} cannot be read: {error}") from error

    def _files(self, places: Iterable[str]) -> list[Path]:
        """The files of places, of which several may stand with a space between them."""
        return [self._file(place) for several in places for place in several.split()]

    def _file(self, place: str) -> Path:
        """The file of a "module:object", the library's or the user's own."""
        first, *rest = place.partition(":")[0].split(".")
        if first == self._library.name:
            return self._library.joinpath(*rest).with_suffix(".py")
        return own_file(place)

    def own_code(self, runs: Iterable[Run]) -> list[Path]:
        """The files of the user's own that make some runs, relative to the working folder."""
        places = {place for run in runs for each in _places(run).values() for place in each.split()}
        entries = [self._file(place) for place in places]
        reached = {
            file
            for entry in entries
            if self._library not in entry.parents
            for file in files_reached(entry, self._library)
        }
        return sorted(file for file in reached if self._library not in file.parents)

    # Data

    def dataset(self, study: str, name: str) -> Dataset:
        """A data set's settings."""
        datasets = self.studies[study].datasets
        if name not in datasets:
            raise TargetError(
                f"The study {study} has no data set {name}; it has: {', '.join(datasets)}."
            )
        return datasets[name]

    @once
    def prepare_data(self, study: str, name: str) -> Job:
        """Images, standardised and sorted by class."""
        dataset = self.dataset(study, name)
        settings = typed_settings(dataset)
        reader = reader_of(dataset.kind)
        public = dataset.kind in addresses.ARCHIVES
        path = f"{self._data_root}/{dataset.kind}" if public else dataset.path
        own = {
            key: self._digest(getattr(dataset, key), f"{study}.datasets.{name}.{key}")
            for key in ("path", "test_path")
            if getattr(dataset, key) is not None
        }
        files = addresses.files_of(dataset.kind, path) if public else []
        checksums = [archive.sha256 for archive in addresses.ARCHIVES.get(dataset.kind, ())]
        made = identity(
            "prepare_data",
            settings | {"contents": own, "checksums": checksums},
            self._code("prepare_data", reader),
            [],
        )
        return Job(
            made,
            settings
            | {"identity": made, "reader": reader, "contents": own, "path": path}
            | {"name": f"studies.{study}.datasets.{name}", "options": _reader_options(dataset)}
            | {"test_path": dataset.test_path},
            {"files": [str(file) for file in files]},
            {"data": DATA.format(study=study, dataset=name)},
            **asdict(resources.prepare_data(dataset.kind, self._shape(study, name))),
        )

    def keeps_all(self, study: str) -> bool:
        """Whether layers and weights stay once they were measured."""
        return self.studies[study].settings.keep == "all"

    def _digest(self, path: str, key: str) -> str:
        """Digest of the user's own data."""
        try:
            return self._contents.digest(Path(path))
        except OSError as error:
            raise TargetError(f"studies.{key} = {path!r} cannot be read: {error}") from error

    # Runs

    @once
    def make(self, run: Run) -> Job:
        """A run's layers or checkpoints: what Deep RFM builds, or a network trains."""
        study, data = self.studies[run.study], self.prepare_data(run.study, run.dataset)
        rule, folder, record = MADE[run.kind]
        if not run.is_made:
            raise TargetError(
                f"{run.name} of the study {run.study} has a checkpoint of its own: it is measured, "
                "and not trained."
            )
        places = _places(run)
        settings = _without(OF_MEASUREMENT, typed_settings(run.settings)) | places
        chosen = _without(OF_MEASUREMENT, dict(run.settings))
        code = self._code(rule, *places.values())
        machine = {"torch_threads": study.settings.torch_threads, "device": study.settings.device}
        decisive = settings | machine | {"seed": run.seed}
        made = identity(rule, decisive, code, [data.identity])
        alike = {key: value for key, value in decisive.items() if key not in _lengths(run)}
        given = {
            "identity": made,
            "stem": identity(rule, alike, code, [data.identity]),
            "store": STORE,
            "data": data.identity,
            "settings": chosen | places,
            "seed": run.seed,
            "keep": study.settings.keep,
            "record": self._record(run, code) | {"settings": chosen},
            **machine,
        }
        if run.kind == "own_networks":
            given["layers"] = _layer_names(run.settings)
        return Job(
            made,
            given,
            {"data": data.outputs["data"]},
            {folder: f"{run.folder}/{folder}", "record": f"{run.folder}/{record}"},
            transient=() if self.keeps_all(run.study) else (folder,),
            **self._needs(rule, run),
        )

    @once
    def measure(self, run: Run) -> Job:
        """The tables of one run."""
        if run.kind == "own_networks":
            return self._measure_own(run)
        chosen = {"class_weighting": self.studies[run.study].settings.class_weighting}
        outputs = {table: f"{run.folder}/{table}.parquet" for table in MEASURED[run.kind]}
        others = [self.make(other) for other in self._of_another_seed(run)]
        rule = MEASURE[run.kind]
        job = self._of_made(rule, run, chosen, outputs, self._needs(rule, run), others)
        job.settings["seed"] = run.seed
        if run.kind == "networks":
            job.settings["other"] = others[0].settings["stem"] if others else None
            for name in (MADE["networks"].folder, "record"):
                job.inputs[f"other_{name}"] = [other.outputs[name] for other in others]
        return job

    def _record(self, run: Run, code: str) -> dict[str, Any]:
        """What a run is, for its run.json."""
        return {
            **{"study": run.study, "kind": run.kind, "dataset": run.dataset, "run": run.name},
            **{"seed": run.seed, "settings": dict(run.settings), "code": code},
            **{"dataset_settings": dict(self.dataset(run.study, run.dataset))},
            "dataset_identity": self.prepare_data(run.study, run.dataset).identity,
            "torch_threads": self.studies[run.study].settings.torch_threads,
        }

    def _of_made(
        self,
        rule: str,
        run: Run,
        chosen: dict[str, Any],
        outputs: dict[str, str],
        needs: dict[str, Any],
        others: Iterable[Job] = (),
    ) -> Job:
        """A job on the layers or checkpoints of a run.

        chosen : what decides its result beside these and the machine
        needs : of `_needs`
        others : that made what the run is compared with
        """
        made, data = self.make(run), self.prepare_data(run.study, run.dataset)
        folder = MADE[run.kind].folder
        decisive = {key: made.settings[key] for key in ("torch_threads", "device")} | chosen
        places = _places(run).values()
        made_from = [job.identity for job in (data, made, *others)]
        found = identity(rule, decisive, self._code(rule, *places), made_from)
        given = {
            "identity": found,
            "data": data.identity,
            "made": made.identity,
            "stem": made.settings["stem"],
            "settings": made.settings["settings"],
            **decisive,
        }
        inputs = {"data": data.outputs["data"], folder: made.outputs[folder]}
        return Job(found, given, inputs, outputs, **needs)

    def _measure_own(self, run: Run) -> Job:
        """The table of a network of the user's own, with the weights of its training or others."""
        study, data = self.studies[run.study].settings, self.prepare_data(run.study, run.dataset)
        rule, places = MEASURE[run.kind], _places(run)
        made = [self.make(run)] if run.is_made else []
        path = checkpoint = None
        if not made:
            path = checkpoint_of(run.settings, run.seed)
            checkpoint = self._digest(path, f"{run.study}.{run.kind}.{run.name}.checkpoint")
        code = self._code(rule, *places.values())
        machine = {"torch_threads": study.torch_threads, "device": study.device}
        decisive = {"settings": typed_settings(run.settings) | places, "checkpoint": checkpoint}
        decisive |= {"seed": run.seed} | machine
        measured = identity(rule, decisive, code, [job.identity for job in (data, *made)])
        brought = {} if made else {"checkpoint": checkpoint}
        given = {
            "identity": measured,
            "data": data.identity,
            "stem": made[0].settings["stem"] if made else None,
            "settings": dict(run.settings) | places,
            "layers": _layer_names(run.settings),
            "path": path,
            "checkpoint": checkpoint,
            "seed": run.seed,
            "record": self._record(run, code) | brought,
            **machine,
        }
        names = MADE[run.kind].folder, "record"
        outputs = {table: f"{run.folder}/{table}.parquet" for table in MEASURED[run.kind]}
        return Job(
            measured,
            given,
            {"data": data.outputs["data"]}
            | {name: [job.outputs[name] for job in made] for name in names},
            outputs | {"record": f"{run.folder}/run.json"},
            **self._needs(rule, run),
        )

    def _of_another_seed(self, run: Run) -> list[Run]:
        """What a network is compared with: the same run of the smallest other seed, if any.

        So more seeds in a study change nothing of those that it has.
        """
        others = sorted(set(self.studies[run.study].settings.seeds) - {run.seed})
        return [self._runs[*run.line, seed] for seed in others[:1] if run.kind == "networks"]

    def _needs(self, rule: str, run: Run, *more: int) -> dict[str, Any]:
        """What a job of a run needs, as the function of `resources.Costs` of its rule says."""
        study = self.studies[run.study].settings
        needs = getattr(self._costs(run.study), rule)(
            run.settings, self._shape(run.study, run.dataset), *more
        )
        return {"threads": study.torch_threads, "gpus": resources.gpus(study)} | asdict(needs)

    @once
    def _shape(self, study: str, dataset: str) -> DataShape:
        return shape_of(self.dataset(study, dataset))

    @once
    def _costs(self, study: str) -> resources.Costs:
        return resources.Costs(self.studies[study].settings, self.on_gpu(study))

    def on_gpu(self, study: str) -> bool:
        """Whether a study's costly jobs compute on a GPU."""
        return self._with_gpus and resources.gpus(self.studies[study].settings) > 0

    @once
    def export(self, run: Run, epoch: int | None = None) -> Job:
        """The points of a run's layers, as files for other programs; of a network at an epoch."""
        layers = _asked_of(layers_of(run), self.studies[run.study].features.layers)
        path = (FEATURES if epoch is None else EPOCH_FEATURES).format(
            kind=run.kind, epoch=epoch, **run.named
        )
        chosen = {"layers": layers, "epoch": epoch, "named": run.named}
        rule, outputs = EXPORT[run.kind], {"features": path}
        return self._of_made(rule, run, chosen, outputs, self._needs(rule, run, len(layers)))

    def features(self, study: str) -> dict[str, Job]:
        """The points that a study's block `features` asks for, by their folder."""
        chosen = self.studies[study].features
        jobs = []
        for run in self.studies[study].runs:
            if run.kind == "deep_rfm":
                jobs.append(self.export(run))
            elif run.kind == "networks":
                epochs = _asked_of(measured_epochs(run.settings), chosen.epochs)
                jobs += [self.export(run, epoch) for epoch in epochs]
        return {job.outputs["features"]: job for job in jobs if job.settings["layers"]}

    def parts(self, runs: Iterable[Run], table: str) -> list[Part]:
        """One table of some runs."""
        jobs = [(run, self.measure(run)) for run in runs]
        return [Part(job.outputs[table], run.columns, job.identity) for run, job in jobs]


def made_here(runs: Iterable[Run]) -> list[Run]:
    """Those of some runs that are built or trained here, not brought along."""
    return [run for run in runs if run.is_made]


def _without(names: Iterable[str], settings: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in settings.items() if name not in names}


def _layer_names(network: OwnNetwork) -> str | list[str]:
    """The layers of a network to measure: "all", or a list."""
    return "all" if network.layers == "all" else network.layers.split()


def _asked_of(there: Sequence[int], asked: str | list[int]) -> list[int]:
    """Of numbers those that a block asks for: "all", the "last", or some."""
    if asked == "last":
        return list(there[-1:])
    return [number for number in there if asked == "all" or number in asked]


def _reader_options(dataset: Dataset) -> dict[str, Any]:
    """The keys of a data set that its kind alone has, as far as they are given."""
    values = {key: getattr(dataset, key) for key in KINDS_OF_KEY if key != "path"}
    return {key: value for key, value in values.items() if value is not None}


def _lengths(run: Run) -> tuple[str, ...]:
    """Settings that say how much of the same there is: a longer run begins as a shorter one."""
    if run.kind == "deep_rfm":
        return ("depth",)
    return ("epochs",) if run.settings.schedule == "constant" else ()


def _places(run: Run) -> dict[str, str]:
    """Where the code of what a run names lies; of several kernels, with a space between them."""
    settings = run.settings
    if run.kind == "deep_rfm":
        return {"kernel": place_of(KERNELS, settings.kernel)}
    if run.kind == "own_networks":
        return {"network": settings.network, "loss": place_of(LOSSES, settings.loss)}
    return {
        "backbone": settings.backbone or place_of(MODELS, settings.model),
        "activation": place_of(ACTIVATIONS, settings.activation),
        "loss": place_of(LOSSES, settings.loss),
    }
