"""The benchmark's command at tiny sizes: both sides agree, and its files say what was measured."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch

ROOT = Path(__file__).parents[2]
sys.path.append(str(ROOT / "benchmarks"))
import cases  # noqa: E402

CPU = torch.device("cpu")


def test_both_sides_of_the_agop_agree():
    for precision, tolerance in (("float64", 1e-6), ("float32", 1e-2)):
        case = cases.agop_case(60, 20, precision, CPU)
        (fast, outputs), (plain, expected) = case.fast(), case.plain()
        assert fast.dtype == torch.float64
        assert ((fast / fast.max() - plain).norm() / plain.norm()).item() < tolerance
        assert (outputs - expected).abs().max().item() < tolerance


def test_both_sides_agree_where_m_is_not_formed():
    case = cases.agop_case(40, 80, "float64", CPU)
    ((basis, small), outputs), (plain, expected) = case.fast(), case.plain()
    fast = basis @ small @ basis.T
    assert ((fast / fast.max() - plain).norm() / plain.norm()).item() < 1e-6
    assert (outputs - expected).abs().max().item() < 1e-6


@pytest.mark.parametrize(("n", "d"), [(60, 20), (40, 80)])
def test_both_sides_of_a_layer_agree(n, d):
    case = cases.layer_case(n, d, "float64", CPU, 1)
    for fast, plain in zip(case.fast(), case.plain(), strict=True):
        # S_T = S_W + S_B, as n is a multiple of the classes.
        traces = fast.trace_within, fast.trace_between, fast.trace_within + fast.trace_between
        assert (fast.nc1, fast.nc2, *traces) == pytest.approx(plain, rel=1e-6)


def test_both_sides_of_a_network_agree():
    case = cases.network_case(50, 30, 16, CPU, 1)
    plain = [layer["nfa"] for layer in case.plain()]
    assert case.fast() == pytest.approx(plain, abs=1e-4)


@pytest.mark.skipif(sys.platform != "linux", reason="peak memory is read from /proc")
@pytest.mark.slow
def test_the_command_writes_its_times_and_their_table(tmp_path):
    page, output = tmp_path / "page.md", tmp_path / "results.json"
    page.write_text("Before\n<!-- benchmarks: begin -->\nold\n<!-- benchmarks: end -->\nAfter\n")
    command = [sys.executable, ROOT / "benchmarks" / "run.py", "--quick", "--device", "cpu"]
    command += ["--threads", "1", "--repeats", "3", "--output", output, "--page", page]
    printed = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    results = json.loads(output.read_text())
    assert len(results["cases"]) == 4
    for case in results["cases"]:
        assert len(case["fast"]) == len(case["plain"]) == 3
        low, _, high = sorted(case["plain"])
        assert low / max(case["fast"]) <= case["ratio"] <= high / min(case["fast"])
    assert [peak["precision"] for peak in results["memory"]] == ["float64", "float32"]
    assert all(peak["plain"] > 0 for peak in results["memory"])
    assert printed.count("times") == 4
    text = page.read_text()
    assert text.startswith("Before\n<!-- benchmarks: begin -->\nTINY SIZES")
    assert text.endswith("<!-- benchmarks: end -->\nAfter\n")
    assert "old" not in text
    assert text.count("| kernel + solve + AGOP |") == 2
