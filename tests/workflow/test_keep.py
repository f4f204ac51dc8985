"""`keep: tables`: layers and weights go once they were measured, and come again when asked for."""

import pytest
from studies import SMALL
from workflow_helpers import Workplace, contents, jobs_run

pytestmark = pytest.mark.slow

RUN = "results/small/deep_rfm/digits/laplace-relu-agop/seed0"


@pytest.fixture(scope="module")
def place(tmp_path_factory) -> Workplace:
    """With all that the study keeps."""
    place = Workplace.make(tmp_path_factory.mktemp("keep"), {"small": SMALL})
    place.run(study="small")
    return place


def test_tables_are_those_of_a_study_that_keeps_all(place, tiny):
    wanted = contents(tiny.work / "results" / "tiny")
    found = contents(place.work / "results" / "small")
    of_runs = {path for path in found if "/seed" in path and path.endswith(".parquet")}
    assert len(of_runs) == 36
    assert {path: found[path] for path in of_runs} == {path: wanted[path] for path in of_runs}


def test_no_layers_or_weights_are_left_and_nothing_is_to_be_done(place):
    left = [path.name for path in (place.work / "results").rglob("*.safetensors")]
    assert left == ["digits.safetensors"]
    assert not (place.work / "results" / ".store").exists()
    assert "Nothing to be done" in place.run("-n", study="small").stdout
    said = place.run("plan", study="small").stdout
    jobs, there = next(line.split()[2:4] for line in said.splitlines() if "study small" in line)
    assert jobs == there


def test_layers_that_are_asked_for_come_again_and_go(place, tiny, tmp_path):
    place = place.copy(tmp_path)
    before = contents(place.work / "results")
    run = place.run(f"{RUN}/features", study="small")
    assert jobs_run(run) == {"build_deep_rfm_for_tables": 1, "export_deep_rfm": 1}
    after = contents(place.work / "results")
    assert {path for path in after if "features" not in path} == before.keys()
    assert "layers" not in {path.name for path in (place.work / RUN).iterdir()}
    # As the target, they stay: the same as those of a study that keeps them.
    place.run(f"{RUN}/layers", study="small")
    layers = contents(place.work / RUN / "layers")
    assert layers == contents(tiny.work / RUN.replace("small", "tiny") / "layers")
    assert len(layers) == 5


def test_each_study_keeps_what_it_says(tmp_path):
    studies = {"small": SMALL, "kept": SMALL | {"keep": "all"}}
    place = Workplace.make(tmp_path, studies)
    said = {study: place.run("-n", study=study).stdout for study in studies}
    assert "Would remove temporary output results/small/deep_rfm/" in said["small"]
    assert "Would remove temporary output results/small/networks/" in said["small"]
    assert "Would remove" not in said["kept"]
