"""A Python that has what a GPU's container mostly has, and no more: no Snakemake, no pydantic."""

import venv
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement

PACKAGES = ("torch", "numpy", "pandas", "pyarrow", "safetensors", "scikit-learn")


def make(folder: Path) -> Path:
    """Make an environment with links to the packages of this one; its Python's path."""
    venv.create(folder, symlinks=True)
    (site,) = folder.glob("lib/python*/site-packages")
    for name in _with_all_they_need(PACKAGES):
        for first, file in _top_level(name).items():
            if not (site / first).exists():
                (site / first).symlink_to(file)
    return folder / "bin" / "python"


def _with_all_they_need(names: tuple[str, ...]) -> set[str]:
    """Packages, and what these require in turn, extras aside, as far as it is installed."""
    found: set[str] = set()
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        try:
            required = metadata.requires(name) or []
        except metadata.PackageNotFoundError:
            continue  # for another system
        if name not in found:
            found.add(name)
            parsed = map(Requirement, required)
            waiting += [
                each.name
                for each in parsed
                if each.marker is None or each.marker.evaluate({"extra": ""})
            ]
    return found


def _top_level(name: str) -> dict[str, Path]:
    """What lies in site-packages of a package: its folders and files."""
    files = metadata.distribution(name).files or []
    places = {file.parts[0]: file for file in files if file.parts[0] not in ("..", "__pycache__")}
    return {first: Path(str(metadata.distribution(name).locate_file(first))) for first in places}
