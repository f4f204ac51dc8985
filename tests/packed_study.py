"""A small packed study made by hand, and what its tests share."""

import hashlib
from pathlib import Path

from agop_collapse.packed.jobs import PackedJob


def identity(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()


def job(rule: str, seed: int | str, inputs: dict, outputs: dict, of: str = "") -> PackedJob:
    folder = f"results/mine/seed{seed}"
    return PackedJob(
        rule=rule,
        of=of or f"seed {seed}",
        identity=identity(f"{rule} {seed}"),
        settings={},
        inputs=inputs,
        outputs=outputs,
        log=f"{folder}/logs/{rule}.log",
        benchmark=f"{folder}/benchmarks/{rule}.tsv",
        threads=1,
        gpus=0,
        transient=[name for name in outputs if name == "layers"],
    )


DATA = "results/mine/data/points.safetensors"


def layers(seed: int) -> str:
    return f"results/mine/seed{seed}/layers"


def table(seed: int) -> str:
    return f"results/mine/seed{seed}/found.parquet"


def record(seed: int) -> str:
    return f"results/mine/seed{seed}/run.json"


def files(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
