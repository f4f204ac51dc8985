"""The jobs of a configuration: for each its identity, what its script is given, and its files.

The rules ask here, and hand over what they are told; nothing else knows how results hang together.
"""

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ..common.epochs import measured_epochs
from . import resources
from .figure_kinds import FIGURE_KINDS
from .identity import digest_of, identity
from .job import COMBINE, COMBINED, EXPORT, MADE, MEASURE, Job, Part, TargetError, once, plain
from .paths import FIGURE, REPORT
from .run_jobs import made_here
from .runs import Run, dataset_label
from .study_jobs import StudyJobs

# Runs of Deep RFM through whose layers a report leads; each adds some hundred KB to its page.
MOST_WALKS = 8


class Jobs(StudyJobs):
    """All jobs of all studies."""

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

    # Report

    @once
    def make_report(self, study: str) -> Job:
        """A page of a study's figures and tables, and what was recorded of its runs."""
        chosen, listed = self.studies[study], self.list_runs(study)
        parts = self._of_report(study)
        walked, unwalked = self._walked(study)
        pictures = self.parts(walked, "gram_picture")
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
                for run in walked
            ],
            "unwalked": len(unwalked),
            "cost": [each for run in chosen.runs for each in self._recorded(run)],
        }
        every = [part for of_table in parts.values() for part in of_table]
        ledger = self.check_claims(study)
        decisive = shown | {"columns": [part.columns for part in (*every, *pictures)]}
        decisive |= {"page": [digest_of(file.read_text(encoding="utf-8")) for file in page]}
        made_from = [*figures.values(), *every, *pictures, ledger, listed]
        made = identity(
            "make_report",
            decisive,
            self._code("make_report"),
            [each.identity for each in made_from],
        )
        given = {
            "identity": made,
            "parts": plain(parts),
            "pictures": plain({"gram_picture": pictures}),
            "figure_identities": [job.identity for job in figures.values()],
            "runs": listed.settings["rows"],
            "claims": ledger.identity,
        }
        rows = sum(
            self._rows(chosen.of_kind(kind), table)
            for kind, of_kind in COMBINED.items()
            for table in of_kind
        )
        largest = max((self._rows([run], "gram_picture") for run in walked), default=0)
        return Job(
            made,
            shown | given,
            {
                "figures": [job.outputs["png"] for job in figures.values()],
                "parts": [part.path for part in every],
                "pictures": [part.path for part in pictures],
                "claims": ledger.outputs["claims"],
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

    def _walked(self, study: str) -> tuple[list[Run], list[Run]]:
        """The runs of Deep RFM, each of its smallest seed: those that are walked, and those not."""
        first: dict[tuple, Run] = {}
        for run in self.studies[study].of_kind("deep_rfm"):
            if run.line not in first or run.seed < first[run.line].seed:
                first[run.line] = run
        runs = list(first.values())
        return runs[:MOST_WALKS], runs[MOST_WALKS:]

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
        found |= {f"make {run.folder}": self.make(run) for run in made_here(chosen.runs)}
        found |= {f"measure {run.folder}": self.measure(run) for run in chosen.runs}
        found |= {f"tables {rule}": job for rule, job in self.tables(study).items()}
        found["claims"] = self.check_claims(study)
        return found | {f"figure {name}": job for name, job in self.figures(study).items()}

    def behind(self, study: str) -> list[Job]:
        """All that a study keeps, and before it what its figures take from other studies."""
        elsewhere = self._runs_elsewhere(study)
        made = [*elsewhere, *(other for run in elsewhere for other in self._of_another_seed(run))]
        jobs = [self.prepare_data(run.study, run.dataset) for run in made]
        jobs += [self.make(run) for run in made_here(made)]
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
        others = ("compare", "manifest", "archive", "pack", "reference")
        found = {name: name for name in (*named, *others)}
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
