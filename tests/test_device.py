"""Which device a job gets; on machines with and without a GPU."""

import pytest
import torch
from agop_collapse.device import select

WITHOUT_GPU = pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
WITH_GPU = pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU")


@pytest.mark.parametrize("wanted", ["auto", "cpu"])
def test_without_a_granted_gpu_it_is_the_cpu(wanted):
    assert select(wanted, 0) == torch.device("cpu")


def test_cpu_stays_cpu_beside_a_gpu():
    assert select("cpu", 4) == torch.device("cpu")


def test_cuda_must_be_granted():
    with pytest.raises(ValueError, match=r"granted none \(gpu=0\)"):
        select("cuda", 0)


@WITHOUT_GPU
def test_cuda_must_be_there():
    assert select("auto", 1) == torch.device("cpu")
    with pytest.raises(ValueError, match="sees no GPU"):
        select("cuda", 1)


@WITH_GPU
@pytest.mark.parametrize("wanted", ["auto", "cuda"])
def test_a_granted_gpu_is_used(wanted):
    assert select(wanted, 1) == torch.device("cuda")


def test_unknown_device():
    with pytest.raises(ValueError, match="'tpu'.*auto, cpu, cuda"):
        select("tpu", 1)
