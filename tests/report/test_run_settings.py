"""Settings: what the runs of a kind share, and what tells them apart."""

from agop_collapse.report.run_settings import by_kind


def row(run: str, seed: int, kind: str = "deep_rfm", **settings) -> dict:
    first = {"study": "mine", "dataset": "digits", "run": run, "seed": seed, "kind": kind}
    every = {"identity": f"{run}{seed}", "ridge": None, "depth": None, "gain": None}
    return first | every | settings


def test_shared_settings_stand_once_and_others_by_run():
    rows = [row("a", seed, depth=3, ridge=ridge) for ridge in (0.0,) for seed in (0, 1)]
    rows += [row("b", 0, depth=3, ridge=1e-3), row("mlp", 0, kind="networks", gain=0.3)]
    deep_rfm, networks = by_kind(rows)
    assert deep_rfm.title == "Deep RFM"
    assert deep_rfm.shared == [("depth", "3")]
    assert deep_rfm.columns == ["dataset", "run", "seeds", "ridge"]
    assert deep_rfm.rows == [["digits", "a", "0, 1", "0.0"], ["digits", "b", "0", "0.001"]]
    assert networks.shared == [("gain", "0.3")]
    assert networks.rows == [["digits", "mlp", "0"]]


def test_study_without_runs_has_no_settings():
    assert by_kind([]) == []
