"""Which modules of a package a script runs: its imports, followed. Standard library only."""

import ast
import contextlib
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

# From the first word of an import statement to its end, over several lines if in brackets.
IMPORT = re.compile(r"^[ \t]*((?:from|import)\s[^\n(]*(?:\([^)]*\))?)", re.MULTILINE)


def modules_used(script: Path, package: Path) -> list[Path]:
    """Files of `package` that a script imports, directly or through one another, sorted.

    Snakemake sees changes of a script, not of what it imports; the rules declare these files as
    inputs, so a changed formula derives again what depends on it, and only that.

    Parameters
    ----------
    script : a Python file that imports from the package by its name
    package : the package's folder; its modules import one another relatively
    """
    found: set[Path] = set()
    waiting = [Path(script)]
    while waiting:
        file = waiting.pop()
        for imported in _imports(file, Path(package)):
            if imported not in found:
                found.add(imported)
                waiting.append(imported)
    return sorted(found)


@cache
def _imports(file: Path, package: Path) -> tuple[Path, ...]:
    inside = package in file.parents
    candidates: list[Path] = []
    for node in _import_statements(file.read_text()):
        if isinstance(node, ast.Import):
            modules = [name.name.split(".") for name in node.names]
            bases = [parts[1:] for parts in modules if parts[0] == package.name]
            candidates += [package.joinpath(*parts) for parts in bases]
        elif isinstance(node, ast.ImportFrom):
            parts = node.module.split(".") if node.module else []
            if node.level and inside:
                base = file.parents[node.level - 1].joinpath(*parts)
            elif parts[:1] == [package.name]:
                base = package.joinpath(*parts[1:])
            else:
                continue
            candidates += [base, *(base / name.name for name in node.names)]
    files = [path.with_suffix(".py") for path in candidates]
    files += [path / "__init__.py" for path in candidates]
    found = [path for path in files if path.is_file()]
    # Importing a module runs the packages that it lies in.
    for path in [*found, *([file] if inside else [])]:
        inner = path.relative_to(package).parents
        found += [package / folder / "__init__.py" for folder in inner]
    return tuple(path for path in found if path.is_file())


def _import_statements(source: str) -> Iterator[ast.stmt]:
    """The import statements of a file, at any depth; its whole tree would take far longer."""
    for statement in IMPORT.findall(source):
        with contextlib.suppress(SyntaxError):  # a sentence that begins with "from"
            yield from ast.parse(statement).body
