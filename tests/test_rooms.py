"""The rooms of the library: who imports whom, read off the texts."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

WORKFLOW = Path(__file__).parents[1] / "workflow"
LIBRARY = WORKFLOW / "agop_collapse"
FILES = sorted(LIBRARY.rglob("*.py"))
MODULES = {
    ".".join(file.relative_to(WORKFLOW).with_suffix("").parts).removesuffix(".__init__")
    for file in FILES
}
SCRIPTS = sorted((WORKFLOW / "scripts").glob("*.py"))

# What each room may import of others. An arrow never runs back up: see the order below.
MAY_IMPORT = {
    "common": set(),
    "files": {"common"},
    "data": {"common", "files"},
    "machine": {"common", "files", "data"},
    "networks": {"common", "files", "data"},
    "metrics": {"common", "data", "machine", "networks"},
    "theory": {"common", "machine", "metrics"},
    "rows": {"common", "files", "data", "machine", "networks", "metrics", "theory"},
    "plots": {"common", "files"},
    "claims": {"common", "plots"},
    "report": {"files", "plots"},
    "sharing": {"common", "files"},
    # It loads no torch: a call may end in a second.
    "packed": {"common.errors", "files.atomic", "files.stamp"},
    # What is light enough for the Snakefile.
    "plan": {
        "common",
        *("data.addresses", "data.sources"),
        *("files.columns", "files.contents", "files.stamp", "files.system_files"),
    },
}


def imports(file: Path) -> Iterator[str]:
    """Modules of the library that a file imports, anywhere in it, by their full names."""
    package = [*file.relative_to(WORKFLOW).parent.parts]
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names = [(alias.name, "") for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else []
            module = ".".join([*above, *([node.module] if node.module else [])])
            names = [(module, alias.name) for alias in node.names]
        else:
            continue
        for module, name in names:
            if module.partition(".")[0] == LIBRARY.name:
                member = f"{module}.{name}"
                yield member if member in MODULES else module


def inside(module: str) -> str:
    """A module's name without the library's."""
    return module.removeprefix("agop_collapse").removeprefix(".")


def room_of(file: Path) -> str:
    return file.relative_to(LIBRARY).parts[0]


def foreign(file: Path) -> set[str]:
    """What a file imports of other rooms, without the library's name."""
    names = map(inside, imports(file))
    return {name for name in names if name.partition(".")[0] != room_of(file)}


def ids(file: Path) -> str:
    return str(file.relative_to(WORKFLOW))


def test_rule_is_of_the_rooms_that_there_are():
    assert set(MAY_IMPORT) == {file.name for file in LIBRARY.iterdir() if file.is_dir()} - {
        "__pycache__"
    }
    assert {file.name for file in LIBRARY.glob("*.py")} == {"__init__.py", "__main__.py"}


def test_imports_are_found(tmp_path):
    """Or the tests below could not fail."""
    every = {name for file in FILES for name in imports(file)}
    assert every <= MODULES
    assert len(every) > 40
    assert "agop_collapse.machine.kernels.radial" in set(
        imports(LIBRARY / "machine" / "kernels" / "laplace.py")
    )
    assert "agop_collapse.common.errors" in set(
        imports(LIBRARY / "machine" / "kernels" / "radial.py")
    )
    assert "agop_collapse.files.tables" in set(imports(WORKFLOW / "scripts" / "plot_figure.py"))


@pytest.mark.parametrize("file", [file for file in FILES if file.parent != LIBRARY], ids=ids)
def test_module_imports_only_what_its_room_may(file):
    allowed = MAY_IMPORT[room_of(file)]
    for name in foreign(file):
        names = {".".join(name.split(".")[:count]) for count in (1, 2)}
        assert names & allowed, f"{room_of(file)} must not import {name}"


def test_there_is_no_circle_between_rooms():
    """By what is imported, not by what may be: each room in turn needs only those before it."""
    needs: dict[str, set[str]] = {room: set() for room in MAY_IMPORT}
    for file in FILES:
        if file.parent != LIBRARY:
            needs[room_of(file)] |= {name.partition(".")[0] for name in foreign(file)}
    order: list[str] = []
    while len(order) < len(needs):
        ready = [room for room in needs if room not in order and needs[room] <= set(order)]
        assert ready, f"a circle among {sorted(set(needs) - set(order))}"
        order += ready
    assert order[0] == "common"


def test_there_is_no_circle_between_modules():
    needs = {}
    for file in FILES:
        module = ".".join(file.relative_to(WORKFLOW).with_suffix("").parts)
        needs[module.removesuffix(".__init__")] = {*imports(file)} - light_imports(file)
    done: set[str] = set()
    while len(done) < len(needs):
        ready = {module for module in needs if module not in done and needs[module] <= done}
        assert ready, f"a circle among {sorted(set(needs) - done)}"
        done |= ready


def light_imports(file: Path) -> set[str]:
    """What is imported for type checkers only."""
    found = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            for inner in node.body:
                assert isinstance(inner, ast.ImportFrom)
                assert inner.level == 1
                package = ".".join(file.relative_to(WORKFLOW).parent.parts)
                found.add(f"{package}.{inner.module}")
    return found


@pytest.mark.parametrize("script", SCRIPTS, ids=ids)
def test_no_script_imports_what_plans(script):
    assert not [name for name in imports(script) if inside(name).partition(".")[0] == "plan"]


@pytest.mark.parametrize("script", SCRIPTS, ids=ids)
def test_scripts_import_modules_not_the_whole_library(script):
    assert "agop_collapse" not in set(imports(script))


@pytest.mark.parametrize("file", [file for file in FILES if file.name == "__init__.py"], ids=ids)
def test_package_has_a_docstring_and_no_work(file):
    tree = ast.parse(file.read_text(encoding="utf-8"))
    assert ast.get_docstring(tree)
    assert len(tree.body) == 1


@pytest.mark.parametrize("folder", sorted({file.parent for file in FILES}), ids=ids)
def test_every_folder_is_a_package(folder):
    assert (folder / "__init__.py").is_file()


def test_tests_lie_in_the_same_rooms():
    tests = {path.name for path in Path(__file__).parent.iterdir() if path.is_dir()}
    assert set(MAY_IMPORT) <= tests
