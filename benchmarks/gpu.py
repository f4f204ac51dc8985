"""What only a GPU can show, before a study is run on one: docs/gpu.md.

    python benchmarks/gpu.py [--device cpu|cuda] [--n 50000] [--quick] [--output FOLDER]

In this order: the tests that need a GPU, if pytest is there; products of few columns on an array of
n x n numbers, more than 2^31 of them; the benchmark, whose times and table lie in the folder then.
"""

import argparse
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "workflow")]

import torch  # noqa: E402
from agop_collapse.common.blocks import panels  # noqa: E402
from torch import Tensor  # noqa: E402

# Of classes and outputs, as the paper's data have them.
CLASSES = 10
BLOCK_ROWS = 1000
# What the tests need beside what computes.
TOOLS = ("pytest", "hypothesis", "sklearn")


def main() -> int:
    """The exit status: 0 if nothing failed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    has_gpu = torch.cuda.is_available()
    parser.add_argument("--device", default="cuda" if has_gpu else "cpu", choices=["cpu", "cuda"])
    parser.add_argument("--n", type=int, default=50_000, help="rows of the array (50000: 20 GB)")
    parser.add_argument("--quick", action="store_true", help="a benchmark of tiny sizes")
    parser.add_argument("--output", type=Path, default=Path("gpu_checks"))
    given = parser.parse_args()
    device = torch.device(given.device)
    print(f"{torch.cuda.get_device_name() if has_gpu else 'no GPU'}, torch {torch.__version__}")
    checks: dict[str, Callable[[], bool | None]] = {
        "tests that need a GPU": run_tests,
        f"products at n = {given.n:,}": lambda: check_products(given.n, device),
        "benchmark": lambda: run_benchmark(given.output, given.device, given.quick),
    }
    well = True
    for name, check in checks.items():
        print(f"-- {name}", flush=True)
        begin = time.monotonic()
        found = check()
        said = {True: "well", False: "FAILED", None: "not run"}[found]
        print(f"-- {name}: {said}, {time.monotonic() - begin:.0f} s", flush=True)
        well = well and found is not False
    return 0 if well else 1


def run_tests() -> bool | None:
    """Training on a GPU against training on the CPU, and captured steps; None where it cannot."""
    if not torch.cuda.is_available():
        print("There is no GPU.")
        return None
    if missing := [name for name in TOOLS if find_spec(name) is None]:
        print(f"They need {', '.join(missing)}, which this Python has not.")
        return None
    tests = ROOT / "tests" / "networks" / "test_training.py"
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", tests]
    return subprocess.run([*command, "-k", "captured or gpu"], cwd=ROOT).returncode == 0


def check_products(n: int, device: torch.device) -> bool:
    """Whether products with an (n, n) array in float64 are those of its blocks, exactly.

    Of whole numbers so small that no order of summation rounds them.
    """
    array = torch.empty(n, n, dtype=torch.float64, device=device)
    columns = torch.arange(n, device=device)
    for rows in panels(n, BLOCK_ROWS):
        array[rows] = ((7 * columns[rows, None] + 13 * columns) % 11).double()
    few = (columns[:, None] * torch.arange(3, 3 + CLASSES, device=device) % 5).double()
    well = True
    for name, product, expected in products(array, few):
        right = torch.equal(product, expected)
        print(f"{name}: {'the same' if right else 'OTHER NUMBERS'} as block by block", flush=True)
        well = well and right
    return well


def products(array: Tensor, few: Tensor) -> Iterator[tuple[str, Tensor, Tensor]]:
    """Each kind of product that a layer takes of all pairs: its name, itself, and by blocks."""
    n = len(array)
    own = slice(n // 3, n // 3 + n // CLASSES)
    panel = slice(n // 2, n // 2 + min(BLOCK_ROWS, n // 4))
    rest = slice(panel.stop, n)
    many = few.repeat(1, CLASSES)
    yield "all pairs with 10 columns", array @ few, by_blocks(array, few)
    yield "all pairs with 100 columns", array @ many, by_blocks(array, many)
    yield "a class's columns", array[:, own] @ few[own], by_blocks(array[:, own], few[own])
    turned = sum_of_blocks(array[rest, panel], few[rest])
    yield "a panel below the diagonal, turned", array[rest, panel].T @ few[rest], turned
    left = slice(0, panel.start)
    across = array[panel].clone()[:, left] @ few[left]
    yield "a panel of rows", array[panel, left] @ few[left], across
    both = torch.cat([array[panel] @ array[rows].clone().T for rows in blocks(n, rest)], dim=1)
    yield "a panel of rows with those below", array[panel] @ array[rest].T, both
    # Last, since it writes into the array, as the factorisation does.
    column, before = array[panel.start :, panel], array[panel.start :, : panel.start]
    turned = array[panel, : panel.start].T
    updated = torch.cat(
        [column[b].clone() - before[b].clone() @ turned for b in panels(len(column), BLOCK_ROWS)]
    )
    yield "a panel of the factor", column.addmm_(before, turned, alpha=-1), updated


def blocks(n: int, rows: slice) -> list[slice]:
    """Some rows of n in blocks."""
    each = panels(rows.stop - rows.start, BLOCK_ROWS)
    return [slice(rows.start + part.start, rows.start + part.stop) for part in each]


def by_blocks(array: Tensor, few: Tensor) -> Tensor:
    """array @ few, of copies of some rows at a time."""
    parts = [array[rows].clone() @ few for rows in panels(len(array), BLOCK_ROWS)]
    return torch.cat(parts)


def sum_of_blocks(array: Tensor, few: Tensor) -> Tensor:
    """array.T @ few, of copies of some rows at a time."""
    return sum(array[rows].clone().T @ few[rows] for rows in panels(len(array), BLOCK_ROWS))


def run_benchmark(folder: Path, device: str, quick: bool) -> bool:
    """`benchmarks/run.py`, with its files in a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    page = folder / "performance.md"
    shutil.copyfile(ROOT / "docs" / "performance.md", page)
    command = [sys.executable, ROOT / "benchmarks" / "run.py", "--device", device]
    command += ["--output", folder / "results.json", "--page", page]
    return subprocess.run([*command, *(["--quick"] if quick else [])]).returncode == 0


if __name__ == "__main__":
    sys.exit(main())
