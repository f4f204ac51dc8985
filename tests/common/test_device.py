"""Which device a job gets, on machines with and without a GPU."""

import pytest
import torch
from agop_collapse.common.device import select

CPU, CUDA = torch.device("cpu"), torch.device("cuda")


@pytest.fixture(params=[True, False], ids=["gpu", "no-gpu"])
def has_gpu(request, monkeypatch) -> bool:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: request.param)
    return request.param


def test_auto_takes_a_gpu_that_is_there_and_granted(has_gpu):
    assert select("auto", 1) == (CUDA if has_gpu else CPU)
    assert select("auto", 0) == CPU


def test_cpu_stays_cpu(has_gpu):
    assert select("cpu", 0) == select("cpu", 4) == CPU


def test_cuda_must_be_there_and_granted(has_gpu):
    if has_gpu:
        assert select("cuda", 1) == CUDA
    else:
        with pytest.raises(ValueError, match="sees no GPU"):
            select("cuda", 1)
    with pytest.raises(ValueError, match=r"granted none \(gpu=0\)"):
        select("cuda", 0)


def test_unknown_device():
    with pytest.raises(ValueError, match="'tpu'.*auto, cpu, cuda"):
        select("tpu", 1)
