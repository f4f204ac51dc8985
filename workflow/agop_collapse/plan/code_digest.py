"""What a script computes, as a digest: the syntax trees of the script and of all that it imports.

Comments, docstrings and layout leave no trace in it, and it is the same on every Python that runs
this project; `ast.dump` and `ast.unparse` are not. Standard library only.
"""

import ast
import hashlib
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path


def code_digest(script: Path, package: Path, entries: Iterable[Path] = ()) -> str:
    """SHA-256 of the code that a script reaches, as hex digits.

    Imports are followed through the script's own folder, the package, and for files of the user's
    own the working folder; what other packages do is for their versions to say.

    Parameters
    ----------
    script : a Python file that imports from the package by its name
    package : the package's folder
    entries : files that the script finds by their place at run time: its kernel, loss, backbone;
        those of the user's own relative to the working folder
    """
    digest = hashlib.sha256()
    for name, tree in sorted(
        (_name(file, package), _digest(file)) for file in files_reached(script, package, entries)
    ):
        digest.update(f"{name} {tree}\n".encode())
    return digest.hexdigest()


def files_reached(script: Path, package: Path, entries: Iterable[Path] = ()) -> list[Path]:
    """The script, its entries, and every file that they import, directly or through one another."""
    waiting = [Path(script), *map(Path, entries)]
    found = set(waiting)
    while waiting:
        for imported in _imports(waiting.pop(), Path(package)):
            if imported not in found:
                found.add(imported)
                waiting.append(imported)
    return sorted(found)


def _name(file: Path, package: Path) -> str:
    """A file's name wherever the project lies."""
    return str(file.relative_to(package)) if package in file.parents else file.name


@cache
def _tree(file: Path) -> ast.Module:
    return ast.parse(file.read_text(encoding="utf-8"), filename=str(file))


@cache
def _digest(file: Path) -> str:
    return hashlib.sha256("\0".join(_dump(_tree(file))).encode()).hexdigest()


@cache
def _imports(file: Path, package: Path) -> tuple[Path, ...]:
    candidates: list[Path] = []
    for node in ast.walk(_tree(file)):
        if isinstance(node, ast.Import):
            for name in node.names:
                candidates += _places(name.name.split("."), file, package)
        elif isinstance(node, ast.ImportFrom):
            parts = node.module.split(".") if node.module else []
            if node.level:
                above = list(file.parents)[node.level - 1 : node.level]
                bases = [folder.joinpath(*parts) for folder in above]
            else:
                bases = _places(parts, file, package)
            candidates += [path for base in bases for path in (base, *_members(base, node))]
    files = [path.with_suffix(".py") for path in candidates]
    files += [path / "__init__.py" for path in candidates]
    found = [path for path in files if path.is_file()]
    # Importing a module runs the packages that it lies in.
    for path in [*found, file]:
        if package in path.parents:
            inner = path.relative_to(package).parents
            found += [package / folder / "__init__.py" for folder in inner]
        elif not path.is_absolute():
            found += [folder / "__init__.py" for folder in path.parents]
    return tuple(path for path in found if path.is_file())


def _members(base: Path, node: ast.ImportFrom) -> list[Path]:
    return [base / name.name for name in node.names]


def _places(parts: list[str], file: Path, package: Path) -> list[Path]:
    """Where an absolute import may lead: into the package, or from a file outside beside it.

    The user's own may lie in packages of the working folder.
    """
    if parts[0] == package.name:
        return [package.joinpath(*parts[1:])]
    if package in file.parents:
        return []
    folders = [file.parent] if file.is_absolute() else file.parents
    return [folder.joinpath(*parts) for folder in folders]


# The trees, as text

# What says nothing of what is computed, or differs between versions of Python.
UNSAID = {"ctx", "kind", "type_comment"}


def _dump(node: ast.AST) -> Iterator[str]:
    """The parts of a tree's text: names of nodes and fields, values, and what is inside them."""
    yield type(node).__name__
    for name, value in ast.iter_fields(node):
        if isinstance(value, list):
            value = _plain(node, name, value)
        # Fields that a later Python added are empty where they are not used.
        if name in UNSAID or value is None or value == []:
            continue
        yield name
        for item in value if isinstance(value, list) else [value]:
            yield "("
            if isinstance(item, ast.AST):
                yield from _dump(item)
            else:
                yield ascii(item)  # repr goes by what each Python's Unicode can print
            yield ")"


def _plain(node: ast.AST, name: str, items: list) -> list:
    """A list of nodes in one form of the many that mean the same."""
    if name == "body" or name in ("orelse", "finalbody"):
        return _sorted_imports([item for item in items if not _says_nothing(item)])
    if isinstance(node, ast.JoinedStr):
        return _joined(items)
    return items


def _says_nothing(item: ast.AST) -> bool:
    """Whether a statement is a docstring, a string like one, or pass."""
    text = isinstance(item, ast.Expr) and isinstance(item.value, ast.Constant)
    return isinstance(item, ast.Pass) or (text and isinstance(item.value.value, str))


def _sorted_imports(statements: list) -> list:
    """Neighbouring import statements in one order, as formatters sort them."""
    imports = (ast.Import, ast.ImportFrom)
    result: list = []
    block: list = []
    for statement in [*statements, None]:
        if isinstance(statement, imports):
            for alias in statement.names:
                block.append(_with_one_name(statement, alias))
            continue
        result += sorted(block, key=lambda item: "\0".join(_dump(item)))
        block = []
        if statement is not None:
            result.append(statement)
    return result


def _with_one_name(statement: ast.Import | ast.ImportFrom, alias: ast.alias) -> ast.AST:
    if isinstance(statement, ast.Import):
        return ast.Import([alias])
    return ast.ImportFrom(statement.module, [alias], statement.level)


def _joined(parts: list) -> list:
    """The parts of an f-string with neighbouring texts as one, and none that is empty."""
    merged: list = []
    for part in parts:
        text = isinstance(part, ast.Constant)
        if text and part.value == "":
            continue
        if text and merged and isinstance(merged[-1], ast.Constant):
            merged[-1] = ast.Constant(merged[-1].value + part.value)
        else:
            merged.append(part)
    return merged
