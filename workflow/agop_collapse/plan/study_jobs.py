"""The jobs of whole studies: tables, figures, and the claims that they bear out."""

from collections.abc import Iterable
from dataclasses import asdict, replace
from pathlib import Path

from ..files.columns import THEORY
from . import resources
from .config_errors import did_you_mean
from .figures import Drawing
from .identity import digest_of, identity
from .job import COMBINE, COMBINED, Job, Part, TargetError, once, plain
from .paths import CLAIM_VALUES, CLAIMS, FIGURE, TABLE
from .run_jobs import RunJobs
from .runs import Run, dataset_label, typed_settings
from .tables import runs_rows, runs_types

# What a footer says of the pixels of a Gram figure.
PIXELS = {
    "points": "; a pixel is a pair of points of a sample",
    "means": "; a pixel is a mean over pairs of points",
}


class StudyJobs(RunJobs):
    """Those of runs, and what is made of several."""

    # Tables

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
            {"identity": made, "parts": plain(parts)},
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
            settings | {"identity": made, "parts": plain(parts)},
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
            settings | {"identity": made, "parts": plain(parts)},
            {"parts": [part.path for part in every]},
            {name: path.format(study=study) for name, path in paths.items()},
        )
