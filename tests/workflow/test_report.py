"""The report as a user makes it, of studies of seconds."""

import base64
import io
import re
import shutil

import pandas as pd
import pytest
from agop_collapse.files.stamp import read_identity
from agop_collapse.report.plain import number
from studies import SWEEPS, TINY
from workflow_helpers import Workplace, in_parallel, jobs_run

pytestmark = pytest.mark.slow

STUDIES = ("tiny", "sweeps", "bare")


@pytest.fixture(scope="module")
def reported(tiny, tmp_path_factory) -> Workplace:
    """The built studies with a report each; `tiny`'s took no job but the report's own."""
    place = tiny.copy(tmp_path_factory.mktemp("reported"))
    runs = [place.run("report", study=study) for study in STUDIES]
    assert [dict(jobs_run(run)) for run in runs] == [{"make_report": 1}] * 3
    return place


def page(place: Workplace, study: str) -> str:
    return (place.work / f"results/{study}/report.html").read_text(encoding="utf-8")


def test_every_figure_is_there_with_its_caption(reported):
    for study, settings in (("tiny", TINY), ("sweeps", SWEEPS)):
        text = page(reported, study)
        found = re.findall(
            r'<img src="data:image/png;base64,([^"]+)" [^>]*alt="([^"]{40,})">\n'
            r"<figcaption>(.{40,}?) <span[^>]*>figures/\w+/(\w+)\.pdf",
            text,
        )
        assert [name for *_, name in found] == list(settings["figures"])
        for image, _, _, name in found:
            drawn = (reported.work / f"figures/{study}/{name}.png").read_bytes()
            assert base64.b64decode(image) == drawn


def test_numbers_of_a_caption_are_those_of_the_tables(reported):
    table = pd.read_parquet(reported.work / "results/tiny/tables/deep_rfm.parquet")
    run = table[(table["run"] == "laplace-relu-agop") & (table["stage"] == "MX")]
    nc1 = run.groupby("layer")["nc1"].mean()
    caption = re.search(r"<figcaption>(.+?) <span[^>]*>figures/tiny/fig03", page(reported, "tiny"))
    said = f"X falls from {number(nc1[1])} to {number(nc1[3])}, NC2"
    assert said in caption[1]


def test_downloads_are_the_tables_of_the_study_alone(reported):
    for study, name in (("tiny", "deep_rfm"), ("sweeps", "network_nfa"), ("tiny", "theory_rate")):
        (content,) = re.findall(
            rf'href="data:text/csv;base64,(\S+)" download="{name}.csv"', page(reported, study)
        )
        read = pd.read_csv(io.BytesIO(base64.b64decode(content)))
        table = pd.read_parquet(reported.work / f"results/{study}/tables/{name}.parquet")
        pd.testing.assert_frame_equal(read, table, check_dtype=False, check_exact=True)


def test_run_of_another_study_is_told_and_no_row_of_its_is(reported):
    text = page(reported, "sweeps")
    assert "study tiny" in text or "tiny, MLP" in text
    assert "<td>tiny</td>" not in text


def test_layers_cost_settings_and_versions(reported):
    text = page(reported, "tiny")
    assert text.count('data-walk="') == 3
    assert text.count("<li data-step=") == 3 * 4
    assert "16 of 16" in text  # jobs of six runs of Deep RFM and two networks
    assert "<td>torch</td>" in text
    assert "<dt>gain</dt><dd>1.0</dd>" in text


def test_study_without_runs_has_a_report(reported):
    text = page(reported, "bare")
    assert 'id="figures"' not in text
    assert "records of the runs are not there" in text


def test_report_is_made_again_for_what_it_shows_and_nothing_else(reported, tmp_path):
    place = reported.copy(tmp_path)
    for study in STUDIES:
        planned = place.jobs(study).make_report(study)
        assert read_identity(place.work / planned.outputs["report"]) == planned.identity
    # Layers and weights may go, and records of cost are no results.
    for folder in ("deep_rfm", "networks"):
        for made in (place.work / "results" / "tiny" / folder).glob("*/*/*"):
            for each in ("layers", "checkpoints", "benchmarks"):
                shutil.rmtree(made / each, ignore_errors=True)
    assert place.plan("report") == {}
    style = place.library / "report" / "page" / "page.css"
    style.write_text(style.read_text() + "\n")
    caption = place.library / "report" / "captions" / "theory.py"
    again = {"results/tiny/report.html": "make_report"}
    assert place.plan("report") == again
    style.write_text(style.read_text()[:-1])
    assert place.plan("report") == {}
    caption.write_text(caption.read_text().replace("The ratio falls", "Their ratio falls"))
    plans = in_parallel(lambda target: place.plan(*target), [["report"], ["figures/"]])
    assert plans == [again, {}]


def test_another_figure_in_the_place_of_one_is_refused(reported, tmp_path):
    place = reported.copy(tmp_path)
    figures = place.work / "figures" / "tiny"
    shutil.copy(figures / "fig03.png", figures / "fig07.png")
    run = place.run("report", "--forcerun", "make_report", succeed=False)
    assert "figures/tiny/fig07.png holds results of other settings, data or code" in run.stdout
