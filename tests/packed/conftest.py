"""A packed study made by hand: two runs, of which each needs the other's layers too."""

from collections.abc import Callable

import pytest
from agop_collapse.packed.jobs import PackedJob
from packed_study import DATA, job, layers, record, table


@pytest.fixture
def jobs() -> list[PackedJob]:
    """Preparation, and for two seeds build and measurement: prepare, build 0, measure 0, ..."""
    found = [job("prepare", "", {}, {"data": DATA}, of="points")]
    for seed, other in ((0, 1), (1, 0)):
        made = {"layers": layers(seed), "record": record(seed)}
        found.append(job("build", seed, {"data": DATA}, made))
        read = {"data": DATA, "layers": layers(seed), "others": [layers(other)]}
        found.append(job("measure", seed, read, {"found": table(seed)}))
    return found


@pytest.fixture
def make(tmp_path) -> Callable[..., None]:
    """Function that writes the outputs of jobs, as today's or of another identity."""

    def write(*made: PackedJob, stamp: str | None = None) -> None:
        for each in made:
            for path in each.outputs.values():
                file = tmp_path / path
                if path.endswith("layers"):
                    file = file / "identity"
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_text(f'{{"identity": "{stamp or each.identity}"}}')

    return write
