"""Which device a job gets, on machines with and without a GPU."""

import pytest
import torch
from agop_collapse.common import gpu_locks
from agop_collapse.common.device import select

CPU, CUDA = torch.device("cpu"), torch.device("cuda")


@pytest.fixture(params=[True, False], ids=["gpu", "no-gpu"])
def has_gpu(request, monkeypatch) -> bool:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: request.param)
    # That each job gets another is tested with processes, in test_gpu_locks.py.
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 0)
    monkeypatch.setattr(torch.cuda, "set_device", lambda number: None)
    monkeypatch.setattr(gpu_locks, "claim", lambda names: 0)
    return request.param


def test_auto_takes_a_gpu_that_is_there_and_granted(has_gpu, caplog):
    assert select("auto", 0) == CPU
    assert not caplog.records
    assert select("auto", 1) == (CUDA if has_gpu else CPU)
    assert [record.levelname for record in caplog.records] == ([] if has_gpu else ["WARNING"])


def test_a_gpu_that_pytorch_cannot_use_is_said(monkeypatch, caplog):
    """A build for CPUs, or without a driver: it may compute for days."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    for version, reason in ((None, "is a build for CPUs"), ("12.8", "no driver, or one that is")):
        monkeypatch.setattr(torch.version, "cuda", version)
        caplog.clear()
        select("auto", 1)
        assert reason in caplog.text
        assert "this job computes on the CPU" in caplog.text


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


@pytest.mark.parametrize("granted", [0, 1])
def test_mps_is_apples_and_the_cpu_for_what_is_in_float64(monkeypatch, granted):
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    assert select("mps", granted) == torch.device("mps")
    assert select("mps", granted, in_float64=True) == CPU
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    for in_float64 in (False, True):
        with pytest.raises(ValueError, match="device is mps, but PyTorch .* sees none"):
            select("mps", granted, in_float64)


def test_unknown_device():
    with pytest.raises(ValueError, match="'tpu'.*auto, cpu, cuda"):
        select("tpu", 1)
