"""The check list for GPUs, at small sizes on the CPU."""

import subprocess
import sys
from pathlib import Path

import pytest
import torch

ROOT = Path(__file__).parents[2]
sys.path.append(str(ROOT / "benchmarks"))
import gpu  # noqa: E402

CPU = torch.device("cpu")


def test_products_are_those_of_their_blocks_to_the_last_bit(capsys):
    assert gpu.check_products(2500, CPU)
    assert capsys.readouterr().out.count("the same as block by block") == 7


def test_blocks_sum_to_a_plain_loop():
    """What the products are compared with."""
    generator = torch.Generator().manual_seed(0)
    array = torch.randint(0, 9, (2300, 40), generator=generator).double()
    few = torch.randint(0, 9, (40, 2), generator=generator).double()
    expected = sum(array[:, j, None] * few[j] for j in range(40))
    assert torch.equal(gpu.by_blocks(array, few), expected)
    turned = torch.randint(0, 9, (2300, 2), generator=generator).double()
    expected = torch.stack([(array * turned[:, c, None]).sum(0) for c in range(2)], dim=1)
    assert torch.equal(gpu.sum_of_blocks(array, turned), expected)


def test_a_product_that_is_wrong_beyond_some_row_is_told(monkeypatch, capsys):
    of_library = gpu.products

    def wrong_at_the_end(array, few):
        for name, product, expected in of_library(array, few):
            if product.shape == (2500, 100):
                product[-1, -1] += 1
            yield name, product, expected

    monkeypatch.setattr(gpu, "products", wrong_at_the_end)
    assert not gpu.check_products(2500, CPU)
    assert "all pairs with 100 columns: OTHER NUMBERS" in capsys.readouterr().out


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="peak memory is read from /proc")
def test_the_command_says_of_each_check_how_it_went(tmp_path):
    command = [sys.executable, ROOT / "benchmarks" / "gpu.py", "--device", "cpu", "--quick"]
    command += ["--n", "2500", "--output", tmp_path]
    run = subprocess.run(command, stdout=subprocess.PIPE, text=True)
    assert run.returncode == 0
    assert "-- products at n = 2,500: well" in run.stdout
    assert "-- benchmark: well" in run.stdout
    assert {path.name for path in tmp_path.iterdir()} == {"performance.md", "results.json"}
