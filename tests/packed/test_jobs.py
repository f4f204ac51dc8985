"""Which jobs of a packed study are to be run, and in which order."""

import json
from dataclasses import asdict

import pytest
from agop_collapse.common.errors import UserError
from agop_collapse.packed.jobs import FILE, last, read, to_run


def test_all_is_to_be_run_each_behind_what_it_is_made_from(jobs, tmp_path):
    prepare, build_0, measure_0, build_1, measure_1 = jobs
    assert last(jobs) == [measure_0, measure_1]
    assert to_run(jobs, tmp_path) == [prepare, build_0, build_1, measure_0, measure_1]


def test_what_is_there_is_not_run(jobs, tmp_path, make):
    prepare, build_0, measure_0, build_1, measure_1 = jobs
    make(prepare, build_0)
    assert to_run(jobs, tmp_path) == [build_1, measure_0, measure_1]


def test_what_was_measured_needs_no_layers(jobs, tmp_path, make):
    """As on a second machine, to which the first one's tables were brought."""
    prepare, build_0, measure_0, build_1, measure_1 = jobs
    make(measure_0, measure_1)
    assert to_run(jobs, tmp_path) == []
    make(measure_1, stamp="0" * 64)
    assert to_run(jobs, tmp_path) == [prepare, build_1, build_0, measure_1]


def test_results_of_other_settings_are_made_anew(jobs, tmp_path, make):
    make(*jobs)
    assert to_run(jobs, tmp_path) == []
    make(jobs[2], stamp="0" * 64)
    assert to_run(jobs, tmp_path) == [jobs[2]]


def test_jobs_are_read_as_they_were_written(jobs, tmp_path):
    (tmp_path / FILE).write_text(json.dumps([asdict(each) for each in jobs]))
    assert list(map(asdict, read(tmp_path))) == list(map(asdict, jobs))


def test_a_folder_without_a_study_is_refused(tmp_path):
    with pytest.raises(UserError, match=r"has no jobs\.json .* `snakemake pack` made"):
        read(tmp_path)
