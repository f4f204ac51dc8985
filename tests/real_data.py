"""The real data sets that lie beside the repository while it is developed; not part of it."""

import subprocess
import sys
from pathlib import Path

import pytest

PACKED = Path(__file__).parents[2] / "shared" / "data"
SETS = {"mnist", "cifar10", "svhn"}


def unpack(name: str, folder: Path) -> Path:
    """Unpack one set into a folder, then fit to be a data root; skip where there is none."""
    if not (PACKED / "unpack").exists():
        pytest.skip(f"needs the real {name}, which is only there while developing (../shared/data)")
    others = [folder / other for other in SETS - {name}]
    for other in others:
        other.mkdir()  # what is there is not unpacked
    subprocess.run([sys.executable, PACKED / "unpack", folder], check=True)
    for other in others:
        other.rmdir()
    return folder
