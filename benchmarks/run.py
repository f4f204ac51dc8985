"""The library against the plain baseline, both sides in turn, in one process.

    python benchmarks/run.py [--quick] [--device cpu|cuda] [--repeats 5] [--output FILE.json]

Prints a line for each case as it ends, writes all times as JSON, and their table into
docs/performance.md. With a GPU, the layers and the network of n = 50,000 are timed too.
"""

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "workflow"), str(ROOT / "tests")]

import cases  # noqa: E402
import papers  # noqa: E402
import torch  # noqa: E402
from agop_collapse.networks import architecture as networks  # noqa: E402

PAGE = ROOT / "docs" / "performance.md"
BEGIN, END = "<!-- benchmarks: begin -->", "<!-- benchmarks: end -->"
# Of a side that takes longer than this, in seconds, three runs must do.
LONG = 10
# n and d of the peak memory of a layer.
LAYER = (8000, 1024)
QUICK_LAYER = (300, 40)


def main() -> None:
    arguments = parse()
    torch.set_num_threads(arguments.threads)
    device = torch.device(arguments.device)
    if arguments.memory_of:
        print(peak_memory(*arguments.memory_of, arguments.quick, device))
        return
    results = {"machine": facts(device, arguments), "cases": [], "memory": [], "large": []}
    for make in cases.all_cases(device, arguments.quick):
        results["cases"].append(compare(make(), arguments.repeats, device))
        print(line(results["cases"][-1]), flush=True)
    for precision in ("float64", "float32"):
        results["memory"].append(compare_memory(precision, arguments))
        print(memory_line(results["memory"][-1]), flush=True)
    if device.type == "cuda" and not arguments.quick:
        for timed in time_large(device):
            results["large"].append(timed)
            print(large_line(timed), flush=True)
    arguments.output.parent.mkdir(parents=True, exist_ok=True)
    arguments.output.write_text(json.dumps(results, indent=1) + "\n")
    if arguments.page or not arguments.quick:
        write_page(arguments.page or PAGE, markdown(results))


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    has_gpu = torch.cuda.is_available()
    parser.add_argument("--quick", action="store_true", help="tiny sizes, to try the command")
    parser.add_argument("--device", default="cuda" if has_gpu else "cpu", choices=["cpu", "cuda"])
    parser.add_argument("--repeats", type=int, default=5, help="runs of each side (5)")
    parser.add_argument("--threads", type=int, default=os.cpu_count(), help="of the CPU (all)")
    output = ROOT / "benchmarks" / "results.json"
    parser.add_argument("--output", type=Path, default=output, help="the JSON file")
    parser.add_argument("--page", type=Path, help="the page for the table (docs/performance.md)")
    # A side's peak memory is taken in a process of its own.
    parser.add_argument("--memory-of", nargs=2, metavar=("SIDE", "PRECISION"))
    return parser.parse_args()


def facts(device: torch.device, arguments: argparse.Namespace) -> dict:
    """What the times depend on."""
    return {
        "device": torch.cuda.get_device_name() if device.type == "cuda" else cpu_name(),
        "threads": arguments.threads,
        "repeats": arguments.repeats,
        "torch": torch.__version__,
        "python": platform.python_version(),
        "date": date.today().isoformat(),
        "quick": arguments.quick,
    }


def cpu_name() -> str:
    """The processor, as Linux calls it."""
    try:
        names = [
            row for row in Path("/proc/cpuinfo").read_text().splitlines() if "model name" in row
        ]
        return names[0].split(":", 1)[1].strip()
    except (OSError, IndexError):
        return platform.processor() or platform.machine()


def seconds(work: Callable[[], object], device: torch.device) -> float:
    """Wall time of one call."""
    if device.type == "cuda":
        torch.cuda.synchronize()
    start = time.perf_counter()
    work()
    if device.type == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter() - start


def compare(case: cases.Case, repeats: int, device: torch.device) -> dict:
    """Times of both sides, in turn: what else the machine does meanwhile meets both."""
    times: dict[str, list[float]] = {"fast": [], "plain": []}
    while len(times["fast"]) < repeats:
        times["fast"].append(seconds(case.fast, device))
        times["plain"].append(seconds(case.plain, device))
        if times["plain"][-1] > LONG:
            repeats = min(repeats, 3)
    ratio = statistics.median(times["plain"]) / statistics.median(times["fast"])
    named = {name: getattr(case, name) for name in ("work", "n", "d", "precision", "target")}
    return named | times | {"ratio": ratio}


def compare_memory(precision: str, arguments: argparse.Namespace) -> dict:
    """Peak memory of a layer on both sides, beside its points, in MB."""
    peaks = {}
    for side in ("fast", "plain"):
        command = [sys.executable, __file__, "--memory-of", side, precision]
        command += ["--device", arguments.device, "--threads", str(arguments.threads)]
        command += ["--quick"] if arguments.quick else []
        done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
        peaks[side] = float(done.stdout)
    n, d = QUICK_LAYER if arguments.quick else LAYER
    return {"n": n, "d": d, "precision": precision} | peaks


def peak_memory(side: str, precision: str, quick: bool, device: torch.device) -> float:
    """MB that a layer takes at its peak, more than its points, in this process (Linux or CUDA)."""
    n, d = QUICK_LAYER if quick else LAYER
    given = cases.machine(n, d, precision, device)
    settings = papers.settings(precision=precision)
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats()
        before = torch.cuda.memory_allocated()
    else:
        Path("/proc/self/clear_refs").write_text("5")  # the peak so far is forgotten
        before = resident("VmRSS")
    kept = cases.fast_layer(given, settings) if side == "fast" else cases.plain_layer(given)
    peak = torch.cuda.max_memory_allocated() if device.type == "cuda" else resident("VmHWM")
    del kept
    return (peak - before) / 1e6


def resident(what: str) -> float:
    """Bytes of this process in memory, now (VmRSS) or at the most (VmHWM)."""
    status = Path("/proc/self/status").read_text().splitlines()
    return 1024 * float(next(row for row in status if row.startswith(what)).split()[1])


def time_large(device: torch.device) -> list[dict]:
    """n = 50,000 on a GPU, without a baseline: twenty layers (one timed), one measurement."""
    found = []
    for d in (1024, 3072, 4096):
        given = cases.machine(50_000, d, "float64", device)
        settings = papers.settings(width=d)
        cases.fast_layer(given, settings)
        took = seconds(lambda given=given, s=settings: cases.fast_layer(given, s), device)
        found.append({"work": "20 layers", "n": 50_000, "d": d, "seconds": 20 * took})
    given = cases.machine(50_000, 784, "float32", device)
    network = networks.build(papers.mlp(512, 1.0), (1, 28, 28), 10, 0).to(device)
    cases.fast_network(network, given.x, given.counts)
    took = seconds(lambda: cases.fast_network(network, given.x, given.counts), device)
    found.append({"work": "one network measurement", "n": 50_000, "d": 784, "seconds": took})
    return found


def spread(times: list[float]) -> str:
    """Median (least-most), in seconds."""
    return f"{statistics.median(times):.3g} ({min(times):.3g}-{max(times):.3g})"


def line(case: dict) -> str:
    target = f", target {case['target']:g}" if case["target"] else ""
    return (
        f"{case['work']:22} n {case['n']:5} d {case['d']:5} {case['precision']}: "
        f"{spread(case['fast'])} s against {spread(case['plain'])} s, "
        f"{case['ratio']:.1f} times{target}"
    )


def memory_line(peak: dict) -> str:
    return (
        f"peak memory of a layer n {peak['n']:5} d {peak['d']:5} {peak['precision']}: "
        f"{peak['fast']:.0f} MB against {peak['plain']:.0f} MB"
    )


def large_line(timed: dict) -> str:
    return f"{timed['work']} at n = {timed['n']:,}, d = {timed['d']:,}: {timed['seconds']:.3g} s"


def markdown(results: dict) -> str:
    """The tables of docs/performance.md."""
    machine = results["machine"]
    rows = [
        f"{machine['device']}, {machine['threads']} threads, torch {machine['torch']}, "
        f"{machine['date']}. Seconds: median (least-most) of {machine['repeats']} runs, or of 3 "
        f"where one takes more than {LONG} s.",
        "",
        "| work | n | d | precision | library | plain | ratio | target |",
        "|---|---|---|---|---|---|---|---|",
    ]
    if machine["quick"]:
        rows[0] = "TINY SIZES, to try the command. " + rows[0]
    for case in results["cases"]:
        target = f"{case['target']:g}" if case["target"] else ""
        rows.append(
            f"| {case['work']} | {case['n']:,} | {case['d']:,} | {case['precision']} | "
            f"{spread(case['fast'])} | {spread(case['plain'])} | {case['ratio']:.1f} | {target} |"
        )
    rows += ["", "| peak memory of a layer | library | plain |", "|---|---|---|"]
    rows += [
        f"| n = {peak['n']:,}, d = {peak['d']:,}, {peak['precision']} | "
        f"{peak['fast']:,.0f} MB | {peak['plain']:,.0f} MB |"
        for peak in results["memory"]
    ]
    if results["large"]:
        rows += ["", *(f"- {large_line(timed)}" for timed in results["large"])]
    return "\n".join(rows)


def write_page(page: Path, tables: str) -> None:
    """Put the tables between the page's two marks."""
    text = page.read_text()
    before, rest = text.split(BEGIN)
    _, after = rest.split(END)
    page.write_text(f"{before}{BEGIN}\n{tables}\n{END}{after}")


if __name__ == "__main__":
    main()
