"""Every write of a job may fail, or be its last: none is lost in silence, none leaves a half.

A part of the cases of `python tests/every_write.py`, which tries all; and the order of writes.
"""

import json
import subprocess
import sys

import pytest
from workflow_helpers import ROOT
from writes import Call, not_durable

# One of so many cases; the next job begins with another.
EVERY = 20


@pytest.fixture(scope="module")
def found() -> dict:
    command = [sys.executable, "tests/every_write.py", "--every", str(EVERY)]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert run.stdout, run.stderr
    return json.loads(run.stdout)


@pytest.mark.slow
def test_each_fault_is_told_leaves_no_half_file_and_the_next_run_mends_it(found):
    assert "\n".join(found["wrong"]) == ""
    tried = [sum(of_job.values()) for of_job in found["counts"].values()]
    assert sum(tried) > 80
    assert min(tried) > 0


@pytest.mark.slow
def test_every_file_is_on_disk_before_it_has_its_name_and_the_name_before_the_job_ends(found):
    assert "\n".join(found["order"]) == ""


@pytest.mark.slow
def test_every_script_that_writes_is_tried(found):
    scripts = {path.stem for path in (ROOT / "workflow" / "scripts").glob("*.py")}
    # Two write nothing. The others need more than this study has, or are no part of one, and are
    # written by what writes these.
    scripts -= {"agop_collapse_job", "claims", "compare", "reference", "download_data"}
    scripts -= {"train_own_network", "measure_own_network", "derive_theory"}
    combined = {"combine_deep_rfm": "combine_tables", "combine_networks": "combine_tables"}
    combined |= {"plot_figure_fig03": "plot_figure"}
    assert {combined.get(rule, rule) for rule in found["counts"]} == scripts


# That the order can be found wrong

WRITTEN = [Call("create", "r/.t.1"), Call("write", "r/.t.1"), Call("fsync", "r/.t.1")]
NAMED = [Call("rename", "r/.t.1", "r/t"), Call("fsync", "r")]


def lost(calls: list[Call]) -> list[str]:
    return not_durable(calls, lambda path: True)


def test_content_name_and_folder_in_their_order_are_safe():
    assert lost(WRITTEN + NAMED) == []


@pytest.mark.parametrize(
    ("calls", "said"),
    [
        (WRITTEN[:2] + NAMED, "r/.t.1 was not synced before it became r/t"),
        ([*WRITTEN, WRITTEN[1], *NAMED], "r/.t.1 was not synced before it became r/t"),
        ([*WRITTEN[:2], *NAMED, Call("fsync", "r/t")], "r/.t.1 was not synced before"),
        (WRITTEN + NAMED[:1], "r was not synced at the end"),
        ([*WRITTEN, *reversed(NAMED)], "r was not synced at the end"),
        ([Call("create", "t"), Call("write", "t")], "t was not synced at the end"),
        ([*WRITTEN, NAMED[0], Call("rename", "r", "s"), Call("fsync", "")], "r was not synced"),
    ],
)
def test_another_order_is_not(calls, said):
    assert any(each.startswith(said) for each in lost(calls))
