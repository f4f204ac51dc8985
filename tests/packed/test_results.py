"""What comes home of a packed study, and what is dropped."""

import tarfile
from dataclasses import replace

from agop_collapse.packed import results
from packed_study import DATA, files, layers, record, table


def test_tables_records_logs_and_times_come_home(jobs, tmp_path, make):
    make(*jobs[:3])
    for path in (jobs[1].log, jobs[1].benchmark, jobs[3].log):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text("said")
    home = tmp_path / "home.tar.gz"
    wanted = {record(0), table(0), jobs[1].log, jobs[1].benchmark, jobs[3].log}
    assert results.bring_home(jobs, tmp_path, home) == len(wanted)
    elsewhere = tmp_path / "elsewhere"
    with tarfile.open(home) as tar:
        tar.extractall(elsewhere, filter="data")
    assert files(elsewhere) == wanted
    assert (elsewhere / table(0)).read_bytes() == (tmp_path / table(0)).read_bytes()


def test_tables_of_other_settings_stay_where_they_are(jobs, tmp_path, make):
    make(jobs[2])
    make(jobs[4], stamp="0" * 64)
    assert results.small(jobs, tmp_path) == [table(0)]


def test_layers_are_dropped_once_every_job_has_read_them(jobs, tmp_path, make):
    make(*jobs[:4])
    results.drop(jobs, tmp_path)
    assert (tmp_path / layers(0)).exists()  # the other seed's measurement is to read them
    make(jobs[4])
    results.drop(jobs, tmp_path)
    assert files(tmp_path) == {DATA, record(0), record(1), table(0), table(1)}


def test_what_is_not_transient_stays(jobs, tmp_path, make):
    make(*jobs)
    results.drop([replace(each, transient=[]) for each in jobs], tmp_path)
    assert {f"{layers(0)}/identity", f"{layers(1)}/identity"} <= files(tmp_path)
