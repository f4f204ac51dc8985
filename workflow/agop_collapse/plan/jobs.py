"""The jobs of a configuration: for each its identity, what its script is given, and its files.

The rules ask here, and hand over what they are told; nothing else knows how results hang together.
"""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import wraps
from pathlib import Path
from typing import Any, NamedTuple

from ..common.epochs import measured_epochs
from ..common.errors import UserError
from ..common.lookup import own_file
from ..data import addresses
from ..files.columns import OF_A_RUN, THEORY
from ..files.contents import Contents
from . import resources
from .code_digest import code_digest, files_reached
from .config_errors import did_you_mean
from .configuration import Configuration
from .data_shapes import DataShape, shape_of
from .figure_kinds import FIGURE_KINDS
from .figures import Drawing
from .identity import digest_of, identity
from .paths import (
    CLAIM_VALUES,
    CLAIMS,
    DATA,
    EPOCH_FEATURES,
    FEATURES,
    FIGURE,
    REPORT,
    STORE,
    TABLE,
)
from .registry import ACTIVATIONS, KERNELS, LOSSES, MODELS, place_of, reader_of
from .runs import Run, checkpoint_of, dataset_label, layers_of, typed_settings
from .settings import KINDS_OF_KEY, Dataset, OwnNetwork
from .tables import runs_rows, runs_types

# What each run's measurement makes, and of that what a study's tables hold of all its runs.
MEASURED = {kind: tuple(of_kind) for kind, of_kind in OF_A_RUN.items()}
COMBINED = {
    kind: tuple(table for table in of_kind if table != "gram_picture")
    for kind, of_kind in MEASURED.items()
}


class Made(NamedTuple):
    """What makes a run, the folder that has it then, and the file that says what it is."""

    rule: str
    folder: str
    record: str = "run.json"


MADE = {
    "deep_rfm": Made("build_deep_rfm", "layers"),
    "networks": Made("train_network", "checkpoints"),
    # Of which some are brought along, and only measured: run.json comes with the measurement.
    "own_networks": Made("train_own_network", "checkpoints", "training.json"),
}
# Settings that say what is measured of a run, not how it is made.
OF_MEASUREMENT = ("layers",)
# What a footer says of the pixels of a Gram figure.
PIXELS = {
    "points": "; a pixel is a pair of points of a sample",
    "means": "; a pixel is a mean over pairs of points",
}
MEASURE = {
    "deep_rfm": "measure_deep_rfm",
    "networks": "measure_network",
    "own_networks": "measure_own_network",
}
# Runs of Deep RFM through whose layers a report leads; each adds some hundred KB to its page.
MOST_WALKS = 8
EXPORT = {"deep_rfm": "export_deep_rfm", "networks": "export_network"}
COMBINE = {
    "deep_rfm": "combine_deep_rfm",
    "networks": "combine_networks",
    "own_networks": "combine_own_networks",
}


class TargetError(UserError):
    """A target that the configuration has nothing for."""


@dataclass(frozen=True)
class Job:
    """One job.

    identity : of what it makes
    settings : plain values, what its script is given
    inputs, outputs : paths by name, as the rule has them
    threads, mem_mb, seconds, disk_mb, gpus : what it needs; the seconds are those of a slow core
    """

    identity: str
    settings: dict[str, Any]
    inputs: dict[str, Any] = field(default_factory=dict)
    outputs: dict[str, str] = field(default_factory=dict)
    threads: int = 1
    mem_mb: int = 250
    seconds: float = 5
    disk_mb: int = 1
    gpus: int = 0

    @property
    def minutes(self) -> int:
        """After which a cluster may end it: three times what it takes, and ten more."""
        return 10 + math.ceil(3 * self.seconds / 60)


class Part(NamedTuple):
    """A table that another is made from, or a figure.

    columns : what its rows begin with, for a run's; None for a study's, which has them
    """

    path: str
    columns: dict[str, Any] | None
    identity: str


def once(method: Callable) -> Callable:
    """A method of `Jobs` whose result for some arguments is made when first asked for, and kept."""

    @wraps(method)
    def kept(jobs: "Jobs", *arguments: Any) -> Any:
        key = (method.__name__, *arguments)
        if key not in jobs._made:
            jobs._made[key] = method(jobs, *arguments)
        return jobs._made[key]

    return kept


class Jobs:
    """The jobs of all studies, each made when it is asked for.

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

    def of(self, rule: str, wildcards: Mapping[str, str]) -> Job:
        """The job of a rule for a path's wildcards.

        Raises
        ------
        TargetError : when the configuration has no such thing; the message says what there is.
        """
        for kind in MEASURE:
            if rule == MEASURE[kind]:
                return self.measure(self.run(kind, wildcards))
        for kind in MADE:
            if rule == MADE[kind].rule:
                return self.make(self.run(kind, wildcards))
        for kind in EXPORT:
            if rule == EXPORT[kind]:
                run = self.run(kind, wildcards)
                return self.export(run, _measured(run, wildcards.get("epoch")))
        study = wildcards["study"]
        for kind in COMBINE:
            if rule == COMBINE[kind]:
                return self.combine(study, kind)
        match rule:
            case "prepare_data":
                return self.prepare_data(study, wildcards["dataset"])
            case "plot_figure":
                return self.plot_figure(study, wildcards["figure"])
        return getattr(self, rule)(study)

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
        entries = [self._file(place) for several in places for place in several.split()]
        try:
            return code_digest(self._scripts / f"{script}.py", self._library, entries)
        except (SyntaxError, ValueError, OSError) as error:
            raise TargetError(f"the code of {script} cannot be read: {error}") from error

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

    # Tables

    def parts(self, runs: Iterable[Run], table: str) -> list[Part]:
        """One table of some runs."""
        jobs = [(run, self.measure(run)) for run in runs]
        return [Part(job.outputs[table], run.columns, job.identity) for run, job in jobs]

    @once
    def combine(self, study: str, kind: str) -> Job:
        """The tables of all runs of a kind, whose parts are measured together too."""
        runs = self.studies[study].of_kind(kind)
        if not runs:
            raise TargetError(f"The study {study} has no {kind} to make tables of.")
        parts = {table: self.parts(runs, table) for table in COMBINED[kind]}
        job = self._from_parts("combine_tables", study, parts, parts)
        needs = resources.combine_tables([self._rows(runs, table) for table in parts])
        return replace(job, **asdict(needs))

    def _rows(self, runs: Iterable[Run], table: str) -> int:
        """About as many rows as a table of some runs has."""
        return sum(
            resources.table_rows(run.settings, self._shape(run.study, run.dataset), table)
            for run in runs
        )

    def _from_parts(
        self, script: str, study: str, parts: dict[str, list[Part]], made_tables: Iterable[str]
    ) -> Job:
        every = [part for of_table in parts.values() for part in of_table]
        decisive = {"columns": [part.columns for part in every]}
        made = identity(script, decisive, self._code(script), [part.identity for part in every])
        return Job(
            made,
            {"identity": made, "parts": _plain(parts)},
            {"parts": [part.path for part in every]},
            {table: TABLE.format(study=study, table=table) for table in made_tables},
        )

    @once
    def summarise_nfa(self, study: str) -> Job:
        """The neural feature ansatz of a study's networks, in one number each."""
        tables = self.combine(study, "networks")
        parts = {
            name: [Part(tables.outputs[name], None, tables.identity)]
            for name in ("network_nfa", "network_training")
        }
        job = self._from_parts("summarise_nfa", study, parts, ["nfa_summary"])
        job.outputs["csv"] = str(Path(job.outputs["nfa_summary"]).with_suffix(".csv"))
        return job

    @once
    def list_runs(self, study: str) -> Job:
        """The table of a study's runs, with every setting."""
        chosen = self.studies[study]
        first = {run: self.make if run.is_made else self.measure for run in chosen.runs}
        rows = runs_rows(chosen, {run: job(run).identity for run, job in first.items()})
        settings = {"rows": rows, "types": runs_types()}
        made = identity("list_runs", settings, self._code("list_runs"), [])
        path = TABLE.format(study=study, table="runs")
        return Job(made, settings | {"identity": made}, {}, {"runs": path})

    @once
    def simulate_theory_kernel(self, study: str) -> Job:
        """What ReLU features do to distances, simulated."""
        chosen = self.studies[study]
        settings = typed_settings(chosen.theory_kernel) | {
            "study": study,
            "seed": chosen.settings.seeds[0],
            "torch_threads": chosen.settings.torch_threads,
        }
        rule = "simulate_theory_kernel"
        made = identity(rule, settings, self._code(rule), [])
        made_tables = {"theory_kernel": TABLE.format(study=study, table="theory_kernel")}
        needs = {"threads": chosen.settings.torch_threads}
        needs |= asdict(self._costs(study).simulate_theory_kernel(chosen.theory_kernel))
        return Job(made, settings | {"identity": made}, {}, made_tables, **needs)

    @once
    def derive_theory(self, study: str) -> Job:
        """The paper's theorems, computed: several tables at once."""
        chosen = self.studies[study]
        threads = chosen.settings.torch_threads
        settings = {
            "settings": typed_settings(chosen.theory),
            "study": study,
            "seed": chosen.settings.seeds[0],
            "torch_threads": threads,
        }
        made = identity("derive_theory", settings, self._code("derive_theory"), [])
        paths = {table: TABLE.format(study=study, table=table) for table in THEORY}
        needs = {"threads": threads} | asdict(resources.THEORY)
        return Job(made, settings | {"identity": made}, {}, paths, **needs)

    def tables(self, study: str) -> dict[str, Job]:
        """What makes the tables of a study, by its rule."""
        chosen = self.studies[study]
        kinds = [kind for kind in COMBINE if chosen.of_kind(kind)]
        found = {COMBINE[kind]: self.combine(study, kind) for kind in kinds}
        if chosen.of_kind("networks"):
            found["summarise_nfa"] = self.summarise_nfa(study)
        shown = {table for each in chosen.drawings.values() for table in each.tables}
        if "theory_kernel" in shown:
            found["simulate_theory_kernel"] = self.simulate_theory_kernel(study)
        if shown & THEORY.keys():
            found["derive_theory"] = self.derive_theory(study)
        return found | {"list_runs": self.list_runs(study)}

    # Figures

    def drawing(self, study: str, figure: str) -> Drawing:
        """A figure of a study."""
        drawings = self.studies[study].drawings
        if figure not in drawings:
            names = ", ".join(drawings) or "none"
            raise TargetError(
                f"The study {study} has no figure {figure}{did_you_mean(figure, list(drawings))}; "
                f"it has: {names}."
                " Add it to the study's figures in the configuration."
            )
        return drawings[figure]

    @once
    def plot_figure(self, study: str, figure: str) -> Job:
        """A figure, as PDF and PNG."""
        drawing = self.drawing(study, figure)
        parts = {table: self.parts(drawing.runs, table) for table in drawing.tables}
        if not drawing.runs:
            parts = {table: [self._of_theory(study, table)] for table in drawing.tables}
        every = [part for of_table in parts.values() for part in of_table]
        rows = sum(self._rows(drawing.runs, table) for table in drawing.tables)
        place = f"agop_collapse.plots.{drawing.kind}"
        settings = {
            "plot": place,
            "rows": drawing.rows,
            "options": drawing.options,
            "title": drawing.block.title,
            "size": drawing.block.size,
            "footer": self._footer(study, drawing) if drawing.block.footer else None,
        }
        style = Path(self._library, "plots", "paper.mplstyle")
        decisive = settings | {"columns": [part.columns for part in every]}
        decisive |= {"style": digest_of(style.read_text(encoding="utf-8"))}
        path = FIGURE.format(study=study, figure=figure)
        made = identity(
            "plot_figure",
            decisive,
            self._code("plot_figure", f"{place}:draw"),
            [part.identity for part in every],
        )
        return Job(
            made,
            settings | {"identity": made, "parts": _plain(parts)},
            {"parts": [part.path for part in every]},
            {ending: f"{path}.{ending}" for ending in ("pdf", "png")},
            **asdict(resources.plot_figure(rows)),
        )

    def _of_theory(self, study: str, table: str) -> Part:
        """A table of a study's theory."""
        derive = self.derive_theory if table in THEORY else self.simulate_theory_kernel
        job = derive(study)
        return Part(job.outputs[table], None, job.identity)

    def _footer(self, study: str, drawing: Drawing) -> str:
        """What a reader must know of where a figure comes from."""
        runs = drawing.runs
        if not runs:
            return f"study {study}; simulated"
        sizes = {
            f"{dataset_label(run.dataset)} (n = {self.dataset(run.study, run.dataset).n:,})": None
            for run in runs
        }
        studies = list(dict.fromkeys(run.study for run in runs))
        seeds = sorted({run.seed for run in runs})
        named = f"{'studies' if len(studies) > 1 else 'study'} {', '.join(studies)}"
        drawn = f"seed{'s' if len(seeds) > 1 else ''} {', '.join(map(str, seeds))}"
        pixels = PIXELS.get(drawing.options.get("pixels"), "")
        return f"{named}; {', '.join(sizes)}; {drawn}{pixels}"

    def figures(self, study: str) -> dict[str, Job]:
        """The figures of a study, by name."""
        return {name: self.plot_figure(study, name) for name in self.studies[study].drawings}

    # Claims

    @once
    def check_claims(self, study: str) -> Job:
        """The paper's claims held against all of a study's tables."""
        parts = {
            table: [Part(path, None, job.identity)]
            for job in self.tables(study).values()
            for table, path in job.outputs.items()
            if path.endswith(".parquet")
        }
        every = [part for of_table in parts.values() for part in of_table]
        figures: dict[str, list[str]] = {}
        for name, drawing in sorted(self.studies[study].drawings.items()):
            figures.setdefault(drawing.kind, []).append(name)
        settings = {"study": study, "figures": figures}
        code, made_from = self._code("check_claims"), [part.identity for part in every]
        made = identity("check_claims", settings, code, made_from)
        paths = {"claims": f"{CLAIMS}.parquet", "claim_values": f"{CLAIM_VALUES}.parquet"}
        paths["page"] = f"{CLAIMS}.html"
        return Job(
            made,
            settings | {"identity": made, "parts": _plain(parts)},
            {"parts": [part.path for part in every]},
            {name: path.format(study=study) for name, path in paths.items()},
        )

    # Report

    @once
    def make_report(self, study: str) -> Job:
        """A page of a study's figures and tables, and what was recorded of its runs."""
        chosen, listed = self.studies[study], self.list_runs(study)
        parts = self._of_report(study)
        walked = self._walked(study)
        pictures = {run: self.parts([run], "gram_picture")[0] for run in walked[:MOST_WALKS]}
        figures = self.figures(study)
        page = sorted(Path(self._library, "report", "page").iterdir())
        shown = {
            "study": study,
            "description": chosen.settings.description,
            "about": self._facts(study),
            "figures": [self._shown(study, name) for name in figures],
            "walks": [
                {"label": f"{dataset_label(run.dataset)}, {run.label}, seed {run.seed}"}
                | {"run": run.named | {"seeds": [run.seed]}}
                for run in pictures
            ],
            "unwalked": len(walked) - len(pictures),
            "cost": [each for run in chosen.runs for each in self._recorded(run)],
        }
        every = [part for of_table in parts.values() for part in of_table]
        ledger = self.check_claims(study)
        claims = Part(ledger.outputs["claims"], None, ledger.identity)
        every += [*pictures.values(), claims]
        decisive = shown | {"columns": [part.columns for part in every]}
        decisive |= {"page": [digest_of(file.read_text(encoding="utf-8")) for file in page]}
        made_from = [*figures.values(), *every, listed]
        made = identity(
            "make_report",
            decisive,
            self._code("make_report"),
            [each.identity for each in made_from],
        )
        given = {
            "identity": made,
            "parts": _plain(parts),
            "pictures": [tuple(part) for part in pictures.values()],
            "figure_identities": [job.identity for job in figures.values()],
            "runs": listed.settings["rows"],
            "claims": tuple(claims),
        }
        rows = sum(
            self._rows(chosen.of_kind(kind), table)
            for kind, of_kind in COMBINED.items()
            for table in of_kind
        )
        largest = max((self._rows([run], "gram_picture") for run in pictures), default=0)
        return Job(
            made,
            shown | given,
            {
                "figures": [job.outputs["png"] for job in figures.values()],
                "parts": [part.path for part in every],
            },
            {"report": REPORT.format(study=study)},
            **asdict(resources.make_report(rows, largest)),
        )

    def _of_report(self, study: str) -> dict[str, list[Part]]:
        """The tables of a study, and of the runs of other studies that its figures show."""
        found: dict[str, list[Part]] = {}
        for rule, job in self.tables(study).items():
            # Its settings are in the report itself.
            if rule != "list_runs":
                paths = (path for path in job.outputs.items() if path[1].endswith(".parquet"))
                found |= {table: [Part(path, None, job.identity)] for table, path in paths}
        for run in self._runs_elsewhere(study):
            for table in COMBINED[run.kind]:
                found.setdefault(table, []).extend(self.parts([run], table))
        return found

    def _walked(self, study: str) -> list[Run]:
        """The runs of Deep RFM, each of its smallest seed."""
        first: dict[tuple, Run] = {}
        for run in self.studies[study].of_kind("deep_rfm"):
            if run.line not in first or run.seed < first[run.line].seed:
                first[run.line] = run
        return list(first.values())

    def _shown(self, study: str, name: str) -> dict[str, Any]:
        """A figure as a report needs it."""
        drawing = self.drawing(study, name)
        description = FIGURE_KINDS[drawing.kind].description
        return {
            **{"name": name, "kind": drawing.kind, "title": drawing.block.title},
            **{"description": description, "rows": drawing.rows, "options": drawing.options},
            "file": FIGURE.format(study=study, figure=name),
        }

    def _recorded(self, run: Run) -> list[dict[str, Any]]:
        """Of each job of a run where its time and memory, its results and its record lie."""
        jobs = {MADE[run.kind].rule: self.make(run)} if run.is_made else {}
        jobs |= {MEASURE[run.kind]: self.measure(run)}
        return [
            {"dataset": run.dataset, "run": run.name, "seed": run.seed, "rule": rule}
            | {"benchmark": f"{run.folder}/benchmarks/{rule}.tsv"}
            | {"outputs": list(job.outputs.values()), "record": f"{run.folder}/run.json"}
            for rule, job in jobs.items()
        ]

    def _facts(self, study: str) -> list[tuple[str, str]]:
        """What a reader must know of a study before all else."""
        chosen = self.studies[study]
        settings = chosen.settings
        sizes = [
            f"{dataset_label(name)} (n = {dataset.n:,})"
            for name, dataset in chosen.datasets.items()
        ]
        threads = f"{settings.torch_threads} thread{'s' if settings.torch_threads > 1 else ''}"
        return [
            ("Data sets", ", ".join(sizes)),
            ("Runs, seeds aside", str(len({run.line for run in chosen.runs}))),
            ("Seeds", ", ".join(map(str, settings.seeds))),
            ("Device", f"{settings.device}, {threads} a job"),
        ]

    # All of it

    def everything(self, study: str) -> dict[str, Job]:
        """All that a study keeps: each job, from the data to the figures, by a name of its own."""
        chosen = self.studies[study]
        found = {f"data {name}": self.prepare_data(study, name) for name in chosen.datasets}
        found |= {f"make {run.folder}": self.make(run) for run in _made(chosen.runs)}
        found |= {f"measure {run.folder}": self.measure(run) for run in chosen.runs}
        found |= {f"tables {rule}": job for rule, job in self.tables(study).items()}
        found["claims"] = self.check_claims(study)
        return found | {f"figure {name}": job for name, job in self.figures(study).items()}

    def behind(self, study: str) -> list[Job]:
        """All that a study keeps, and before it what its figures take from other studies."""
        elsewhere = self._runs_elsewhere(study)
        made = [*elsewhere, *(other for run in elsewhere for other in self._of_another_seed(run))]
        jobs = [self.prepare_data(run.study, run.dataset) for run in made]
        jobs += [self.make(run) for run in _made(made)]
        jobs += [self.measure(run) for run in elsewhere]
        jobs += self.everything(study).values()
        return list({tuple(job.outputs.values()): job for job in jobs}.values())

    def _runs_elsewhere(self, study: str) -> list[Run]:
        """The runs of other studies that a study's figures show."""
        drawings = self.studies[study].drawings.values()
        shown = dict.fromkeys(run for drawing in drawings for run in drawing.runs)
        return [run for run in shown if run.study != study]

    def targets(self) -> dict[str, str]:
        """What may be asked for, and what is to be written for it, for suggestions."""
        named = ("tables", "claims", "report", "all", "plan", "download", "features")
        found = {name: name for name in (*named, "compare", "archive", "reference")}
        found["figures"] = "figures/"
        for name, study in self.studies.items():
            ours = name == self._study
            all_of_it = "figures/" if ours else f"figures/ --config study={name}"
            found |= {name: all_of_it, f"figures/{name}": all_of_it}
            outputs = [self.plot_figure(name, figure).outputs["pdf"] for figure in study.drawings]
            outputs += [
                path
                for job in self.tables(name).values()
                for path in job.outputs.values()
                if path.endswith(".parquet")
            ]
            outputs.append(REPORT.format(study=name))
            for output in outputs:
                found[output] = output
                if ours:
                    found |= {Path(output).name: output, Path(output).stem: output}
        return found

    def public_files(self, study: str) -> list[str]:
        """Files of all public data sets that a study, or a figure of it, is made from."""
        datasets = [(study, name) for name in self.studies[study].datasets]
        datasets += [(run.study, run.dataset) for run in self._runs_elsewhere(study)]
        files = [file for each in datasets for file in self.prepare_data(*each).inputs["files"]]
        return list(dict.fromkeys(files))


def _made(runs: Iterable[Run]) -> list[Run]:
    """Those of some runs that are built or trained here, not brought along."""
    return [run for run in runs if run.is_made]


def _without(names: Iterable[str], settings: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in settings.items() if name not in names}


def _layer_names(network: OwnNetwork) -> str | list[str]:
    """The layers of a network to measure: "all", or a list."""
    return "all" if network.layers == "all" else network.layers.split()


def _measured(run: Run, epoch: str | None) -> int | None:
    """The epoch of a path, which must be one that is measured."""
    if epoch is None:
        return None
    there = measured_epochs(run.settings)
    if int(epoch) not in there or f"{int(epoch):05d}" != epoch:
        raise TargetError(
            f"{run.name} of the study {run.study} is not measured at epoch {epoch}, but at: "
            f"{', '.join(f'{number:05d}' for number in there)}."
        )
    return int(epoch)


def _asked_of(there: Sequence[int], asked: str | list[int]) -> list[int]:
    """Of numbers those that a block asks for: "all", the "last", or some."""
    if asked == "last":
        return list(there[-1:])
    return [number for number in there if asked == "all" or number in asked]


def _reader_options(dataset: Dataset) -> dict[str, Any]:
    """The keys of a data set that its kind alone has, as far as they are given."""
    values = {key: getattr(dataset, key) for key in KINDS_OF_KEY if key != "path"}
    return {key: value for key, value in values.items() if value is not None}


def _plain(parts: Mapping[str, list[Part]]) -> dict[str, list[tuple]]:
    """Without a class of this room, which no script reaches."""
    return {table: [tuple(part) for part in of_table] for table, of_table in parts.items()}


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
