"""The digest of a script's code: all that it loads counts, how it is laid out does not."""

import ast
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from agop_collapse.plan import code_digest as module
from agop_collapse.plan.code_digest import code_digest, files_reached
from agop_collapse.plan.registry import ACTIVATIONS, KERNELS, LOSSES, MODELS

WORKFLOW = Path(__file__).parents[2] / "workflow"
LIBRARY = WORKFLOW / "agop_collapse"
JOB = WORKFLOW / "scripts" / "agop_collapse_job.py"
SCRIPTS = sorted(set((WORKFLOW / "scripts").glob("*.py")) - {JOB})

# What is reached


# Run with the imports of each script in turn: which files of the package does Python load for it?
# Other packages stay loaded; that saves a minute and changes nothing.
LOAD = """
import json, sys
from pathlib import Path
folder, *packages = map(Path, sys.argv[1:])
found = {}
for name, imports in json.load(sys.stdin).items():
    for module in [name for name in sys.modules if name.split(".")[0] in sys.argv[2:]]:
        del sys.modules[module]
    exec(imports, {})
    files = [getattr(module, "__file__", None) for module in list(sys.modules.values())]
    found[name] = sorted(file for file in files if file and folder in Path(file).parents)
json.dump(found, sys.stdout)
"""


def imports_of(script: Path) -> str:
    """The import statements of a script that are run when it begins."""
    statements = ast.parse(script.read_text()).body
    return "\n".join(
        ast.unparse(node) for node in statements if isinstance(node, ast.Import | ast.ImportFrom)
    )


def files_loaded(imports: dict[str, str], folder: Path, *path: Path) -> dict[str, set[Path]]:
    """Files below a folder that Python loads for each script's imports, in a process of its own."""
    packages = ["agop_collapse", "agop_collapse_job", "parts"]
    run = subprocess.run(
        [sys.executable, "-c", LOAD, str(folder), *packages],
        input=json.dumps(imports),
        env=os.environ | {"PYTHONPATH": os.pathsep.join(map(str, [folder, *path]))},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return {name: set(map(Path, files)) for name, files in json.loads(run.stdout).items()}


@pytest.fixture(scope="module")
def loaded() -> dict[str, set[Path]]:
    imports = {script.stem: imports_of(script) for script in SCRIPTS}
    return files_loaded(imports, WORKFLOW, WORKFLOW / "scripts")


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.stem)
def test_all_that_a_script_loads_is_found(script, loaded):
    reached = files_reached(script, LIBRARY)
    assert LIBRARY / "__init__.py" in loaded[script.stem]
    assert loaded[script.stem] <= set(reached)
    assert {script, JOB} <= set(reached)
    assert reached == sorted(set(reached))


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.stem)
def test_no_script_reaches_what_plans(script):
    """Or a label put right would train networks again."""
    assert not [file for file in files_reached(script, LIBRARY) if "plan" in file.parts]


def rooms(name: str, *entries: str) -> set[str]:
    """Files of the library that a script reaches, without their ending."""
    files = files_reached(WORKFLOW / "scripts" / f"{name}.py", LIBRARY, map(place, entries))
    return {
        str(file.relative_to(LIBRARY).with_suffix(""))
        for file in files
        if LIBRARY in file.parents and file.name != "__init__.py"
    }


def place(entry: str) -> Path:
    return WORKFLOW.joinpath(*entry.partition(":")[0].split(".")).with_suffix(".py")


def test_what_a_script_does_not_load_is_left_alone():
    """Or a changed plot would train networks again."""
    of_room = {
        script.stem: {file.partition("/")[0] for file in rooms(script.stem)} for script in SCRIPTS
    }
    assert of_room["combine_tables"] == {"common", "files"}
    assert of_room["list_runs"] == {"common", "files"}
    assert of_room["prepare_data"] == {"common", "files", "data"}
    assert of_room["download_data"] == {"common", "files", "data"}
    assert of_room["build_deep_rfm"] == {"common", "files", "data", "machine"}
    assert of_room["train_network"] == {"common", "files", "data", "networks"}
    assert not of_room["measure_deep_rfm"] & {"networks", "plots"}
    assert not of_room["measure_network"] & {"machine", "plots"}
    assert of_room["summarise_nfa"] == {"common", "files", "rows"}
    assert of_room["plot_figure"] == {"common", "files", "plots"}
    assert "metrics/collapse" not in rooms("train_network") | rooms("build_deep_rfm")
    assert "files/tables" not in rooms("train_network") | rooms("build_deep_rfm")
    # A kind of figure is reached by its own figures only.
    assert rooms("plot_figure") & {"plots/gram", "plots/sweep", "plots/ansatz"} == set()


def test_entries_are_reached_by_those_that_name_them_only():
    """So that a new one derives nothing again, and a changed one its own runs."""
    every = [KERNELS, MODELS, ACTIVATIONS, LOSSES]
    files = {
        str(place(entry.place).relative_to(LIBRARY).with_suffix(""))
        for registry in every
        for entry in registry.values()
    }
    for script in SCRIPTS:
        assert not rooms(script.stem) & files, script.stem
    chosen = [KERNELS["matern32"].place]
    assert rooms("build_deep_rfm", *chosen) & files == {"machine/kernels/matern32"}
    chosen = [MODELS["mlp"].place, LOSSES["mse"].place]
    assert rooms("train_network", *chosen) & files == {
        "networks/backbones/mlp",
        "networks/losses/mse",
    }


PACKAGE = {
    "__init__.py": "",
    "top.py": "from . import side",
    "side.py": "from .inner.deep import value",
    "lazy.py": "def later():\n    from . import called_later",
    "called_later.py": "",
    "ring.py": "from . import top, ring_back",
    "ring_back.py": "from . import ring",
    "hidden.py": 'import importlib\nimportlib.import_module("parts.secret")',
    "secret.py": "",
    "inner/__init__.py": "from .. import base",
    "inner/deep.py": "from ..base import value",
    "inner/other.py": "",
    "base.py": "value = 1",
    "unused.py": "",
}


@pytest.fixture(scope="module")
def package(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("path") / "parts"
    for name, text in PACKAGE.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text + "\n")
    return folder


def used_by(code: str, package: Path, name: str) -> set[str]:
    """Files of the package that a script reaches."""
    script = package.parent / f"{name}.py"
    script.write_text(code)
    reached = files_reached(script, package)
    return {str(path.relative_to(package)) for path in reached if package in path.parents}


INNER = {"inner/__init__.py", "base.py"}
FORMS = {
    "import parts": set(),
    "import parts.base": {"base.py"},
    "import os, parts.base as b": {"base.py"},
    "from parts import base": {"base.py"},
    "from parts.base import value": {"base.py"},
    "from parts.base import *": {"base.py"},
    "from parts import base as b, unused": {"base.py", "unused.py"},
    "import parts.inner.other": INNER | {"inner/other.py"},
    "from parts.inner import other": INNER | {"inner/other.py"},
    "from parts.inner.other import __doc__": INNER | {"inner/other.py"},
    "from parts import top": INNER | {"top.py", "side.py", "inner/deep.py"},
    "from parts import ring": INNER
    | {"ring.py", "ring_back.py", "top.py", "side.py", "inner/deep.py"},
    "if True:\n    from parts import base": {"base.py"},
    "try:\n    import parts.base\nexcept ImportError:\n    pass": {"base.py"},
}


@pytest.fixture(scope="module")
def loaded_by_forms(package) -> dict[str, set[Path]]:
    return files_loaded({code: code for code in FORMS}, package.parent)


@pytest.mark.parametrize("code", FORMS)
def test_every_form_of_import_is_followed(package, code, loaded_by_forms):
    expected = FORMS[code] | {"__init__.py"}
    assert used_by(code, package, f"form{list(FORMS).index(code)}") == expected
    assert {str(path.relative_to(package)) for path in loaded_by_forms[code]} == expected


def test_imports_inside_functions_are_followed(package):
    assert used_by("from parts import lazy", package, "calls") >= {"lazy.py", "called_later.py"}
    code = "def work():\n    from parts import base"
    assert used_by(code, package, "lazily") == {"__init__.py", "base.py"}


def test_script_without_the_package_uses_nothing_of_it(package):
    code = "import json\nfrom . import base\nfrom partsx import base"
    assert used_by(code, package, "x") == set()


def test_an_import_that_cannot_be_read_off_the_text_would_be_noticed(package):
    """What the comparison of all scripts with what they load is for."""
    code = "from parts import hidden"
    loaded = files_loaded({"script": code}, package.parent)["script"]
    missed = {str(path.relative_to(package)) for path in loaded} - used_by(code, package, "sly")
    assert missed == {"secret.py"}


def test_neighbours_of_a_script_are_followed(package):
    (package.parent / "helper.py").write_text("from parts import base\nimport helper_of_helper")
    (package.parent / "helper_of_helper.py").write_text("")
    assert used_by("from helper import base", package, "asks") == {"__init__.py", "base.py"}
    reached = files_reached(package.parent / "asks.py", package)
    assert {file.name for file in reached} >= {"asks.py", "helper.py", "helper_of_helper.py"}


OWN = {
    "kernel_of_mine.py": "from parts import base\nimport mine_too, numpy\nfrom pack.deep import x",
    "mine_too.py": "",
    "numpy_of_mine.py": "",
    "pack/__init__.py": "from . import made_ready",
    "pack/made_ready.py": "",
    "pack/deep.py": "from .beside import y\nimport pack.absolute, mine_last",
    "pack/beside.py": "",
    "pack/absolute.py": "",
    "pack/not_used.py": "",
    "mine_last.py": "",
}


def test_a_users_own_code_is_followed_through_the_working_folder(package, tmp_path, monkeypatch):
    for name, text in OWN.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    monkeypatch.chdir(tmp_path)
    script = package.parent / "empty.py"
    script.write_text("")

    def reached(entry: str) -> set[str]:
        files = files_reached(script, package, [Path(entry)])
        return {str(file) for file in files if not file.is_absolute()}

    unused = {"numpy_of_mine.py", "pack/not_used.py"}
    assert reached("kernel_of_mine.py") == set(OWN) - unused
    pack = {name for name in OWN if name.startswith("pack/")} | {"mine_last.py"}
    assert reached("pack/deep.py") == pack - unused
    assert package / "base.py" in files_reached(script, package, [Path("kernel_of_mine.py")])


# What counts


def digest(code: str, folder: Path) -> str:
    """The digest of a script, in a new file."""
    place = folder / f"{len(list(folder.iterdir()))}"
    place.mkdir()
    (place / "script.py").write_text(code, encoding="utf-8")
    return code_digest(place / "script.py", LIBRARY)


CODE = '''\
"""What it is for."""

import os
from math import sin, tau

LIMITS = {"low": 1e-3, "high": [1, 2.0]}


@decorated(1)
def distance(x, y=2, *rest, scale: float = 1.0, **more) -> float:
    """The docstring."""
    if x < y and not x == 0:
        raise ValueError(f"{x!r} is less than {y:.3f}: {'a'} {x}")
    elif x is None:
        pass
    for i in range(3):
        y += i * x[1:, ::2]
    return sin(x) - scale * y, lambda a, b=1: a @ b


class Thing(Base):
    value: int = 3

    def method(self):
        # A comment.
        with open("file") as file, lock:
            return [line for line in file if line.strip()]
        try:
            yield b"bytes"
        except (OSError, KeyError) as error:
            del self.value
            assert error, "message"
        finally:
            x = y if self else -1
'''

SAME = {
    "comments": ("        # A comment.\n", "        # Another.\n\n"),
    "comment removed": ("        # A comment.\n", ""),
    "docstring of the module": ('"""What it is for."""\n', ""),
    "docstring of a function": ('"""The docstring."""', "'''Some\n    other.'''"),
    "docstring alone": ("    value: int = 3\n", '    """Text."""\n    value: int = 3\n'),
    "text after a value": ("    value: int = 3\n", '    value: int = 3\n    """What it is."""\n'),
    "quotes": ('"low"', "'low'"),
    "numbers": ("1e-3", "0.001"),
    "digits": ("range(3)", "range(0x3)"),
    "parentheses": ("x < y and not x == 0", "(x < y) and (not (x == 0))"),
    "line breaks": (
        "return sin(x) - scale * y",
        "return (\n        sin(x)\n        - scale * y\n    )",
    ),
    "trailing comma": ("[1, 2.0]", "[1, 2.0,]"),
    "indentation": ("    value: int = 3\n\n", "    value: int = 3\n\n\n"),
    "pass": ("        y += i", "        pass\n        y += i"),
    "order of imports": (
        "import os\nfrom math import sin, tau\n",
        "from math import sin, tau\nimport os\n",
    ),
    "imports taken apart": (
        "from math import sin, tau\n",
        "from math import tau\nfrom math import sin\n",
    ),
    "strings side by side": ('"message"', '"mess" "age"'),
    "f-strings side by side": (
        "f\"{x!r} is less than {y:.3f}: {'a'} {x}\"",
        'f"{x!r} is " "less" f" than {y:.3f}" f"" ": " f"{\'a\'} {x}"',
    ),
    "spaces in f-strings": ("{x!r}", "{ x !r}"),
    "unicode prefix": ('"message"', 'u"message"'),
    "escapes": ('"message"', r'"mess\x61ge"'),
    "elif": (
        "    elif x is None:\n        pass\n",
        "    else:\n        if x is None:\n            pass\n",
    ),
}


@pytest.mark.parametrize("change", SAME)
def test_what_computes_the_same_has_the_same_digest(change, tmp_path):
    old, new = SAME[change]
    assert CODE.count(old) == 1
    assert digest(CODE.replace(old, new), tmp_path) == digest(CODE, tmp_path)


OTHER = {
    "a constant": ("1e-3", "2e-3"),
    "an integer for a float": ("2.0", "2"),
    "a truth for a number": ("range(3)", "range(True)"),
    "a string": ('"low"', '"Low"'),
    "bytes for a string": ('b"bytes"', '"bytes"'),
    "a none": ("x is None", "x is ..."),
    "an operator": ("- scale", "+ scale"),
    "matrix product": ("a @ b", "a * b"),
    "a comparison": ("x < y", "x <= y"),
    "is for ==": ("x is None", "x == None"),
    "and for or": ("< y and", "< y or"),
    "not": ("not x == 0", "x == 0"),
    "a sign": ("else -1", "else 1"),
    "a name": ("sin(x)", "sin(y)"),
    "an attribute": ("line.strip", "line.lstrip"),
    "an import": ("import os", "import io"),
    "an import's other name": ("import os", "import os as sin"),
    "from where": ("from math", "from cmath"),
    "a relative import": ("from math", "from .math"),
    "a default": ("y=2", "y=3"),
    "no default": ("y=2", "y"),
    "a keyword's default": ("float = 1.0", "float = 2.0"),
    "an argument by keyword only": ("*rest, scale", "*, rest=0, scale"),
    "an argument by position only": ("x, y=2", "x, /, y=2"),
    "the order of arguments": ("a, b=1: a @ b", "b, a=1: a @ b"),
    "the order of operands": ("i * x", "x * i"),
    "the order of keys": ('"low": 1e-3, "high": [1, 2.0]', '"high": [1, 2.0], "low": 1e-3'),
    "the order of statements": (
        '            del self.value\n            assert error, "message"\n',
        '            assert error, "message"\n            del self.value\n',
    ),
    "the order of exceptions": ("(OSError, KeyError)", "(KeyError, OSError)"),
    "a tuple for a list": ("[1, 2.0]", "(1, 2.0)"),
    "a set for a list": ("[1, 2.0]", "{1, 2.0}"),
    "a generator for a list": (
        "[line for line in file if line.strip()]",
        "(line for line in file if line.strip())",
    ),
    "a slice": ("::2", "::3"),
    "a place in a slice": ("1:, ::2", ":1, ::2"),
    "a conversion": ("{x!r}", "{x!s}"),
    "a format": (":.3f", ":.4f"),
    "the text of an f-string": ("less than", "more than"),
    "text or value in an f-string": ("{'a'} {x}", "a {x}"),
    "a decorator": ("@decorated(1)\n", ""),
    "an annotation": ("value: int", "value: float"),
    "a base class": ("(Base)", "(Other)"),
    "an exception": ("KeyError", "IndexError"),
    "what else": ("elif x is None", "if x is None"),
    "what is inside": ("    return sin(x)", "        return sin(x)"),
    "async": ("def method", "async def method"),
    "a string that is used": ('assert error, "message"', "assert error"),
    "pass with an effect": ("        pass\n", "        return\n"),
}


@pytest.mark.parametrize("change", OTHER)
def test_what_computes_something_else_has_another_digest(change, tmp_path):
    old, new = OTHER[change]
    assert CODE.count(old) == 1
    ast.parse(CODE.replace(old, new))
    assert digest(CODE.replace(old, new), tmp_path) != digest(CODE, tmp_path)


def test_no_two_changes_have_one_digest(tmp_path):
    every = {digest(CODE.replace(old, new), tmp_path) for old, new in OTHER.values()}
    assert len(every) == len(OTHER)


def test_every_number_and_name_of_the_library_counts(tmp_path):
    """Each constant of a file in turn, and each name, made another."""
    text = (LIBRARY / "metrics" / "collapse.py").read_text(encoding="utf-8")
    found = {digest(text, tmp_path)}
    tree = ast.parse(text)
    changed = 0
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, int | float):
            node.value, kept = node.value + 1, node.value
            found.add(digest(ast.unparse(tree), tmp_path))
            node.value = kept
        elif isinstance(node, ast.Name):
            node.id, kept = f"{node.id}_", node.id
            found.add(digest(ast.unparse(tree), tmp_path))
            node.id = kept
        else:
            continue
        changed += 1
    assert changed > 50
    assert len(found) == changed + 1


def test_digest_is_of_files_and_their_names_wherever_the_project_lies(tmp_path):
    digests = []
    for name in ("here", "there/deeper"):
        workflow = tmp_path / name / "workflow"
        without = shutil.ignore_patterns("__pycache__", "plots", "schemas", "report")
        shutil.copytree(WORKFLOW, workflow, ignore=without)
        script = workflow / "scripts" / "build_deep_rfm.py"
        kernel = workflow / "agop_collapse" / "machine" / "kernels" / "laplace.py"
        digests.append(code_digest(script, workflow / "agop_collapse", [kernel]))
        other = code_digest(script, workflow / "agop_collapse", [kernel.with_name("gaussian.py")])
        assert other != digests[-1]
    assert digests[0] == digests[1]
    assert re.fullmatch("[0-9a-f]{64}", digests[0])


def test_job_counts_for_every_script(tmp_path):
    workflow = tmp_path / "workflow"
    shutil.copytree(WORKFLOW, workflow, ignore=shutil.ignore_patterns("__pycache__"))
    job = workflow / "scripts" / JOB.name
    text = job.read_text()
    assert text.count("SystemExit(1)") == 1
    job.write_text(text.replace("SystemExit(1)", "SystemExit(2)"))
    for script in SCRIPTS:
        copy = workflow / "scripts" / script.name
        assert code_digest(copy, workflow / "agop_collapse") != code_digest(script, LIBRARY)


# Other versions of Python


VERSIONS = [f"3.{minor}" for minor in range(11, 15) if minor != sys.version_info.minor]


def interpreters() -> dict[str, str]:
    """Pythons that the project runs on, other than this one, as far as they are installed."""
    found = {}
    for version in VERSIONS:
        pyenv = sorted((Path.home() / ".pyenv" / "versions").glob(f"{version}.*/bin/python"))
        candidates = [*map(str, pyenv), shutil.which(f"python{version}")]
        works = (path for path in candidates if path and says(path, version))
        if path := next(works, None):
            found[version] = path
    return found


def says(path: str, version: str) -> bool:
    """Whether a command is a Python of that version; a shim of pyenv may be none."""
    code = "import sys; print('%d.%d' % sys.version_info[:2])"
    run = subprocess.run([path, "-c", code], capture_output=True, text=True)
    return run.returncode == 0 and run.stdout.strip() == version


PYTHONS = interpreters()
DIGESTS = """
import importlib.util, json, sys
from pathlib import Path
spec = importlib.util.spec_from_file_location("code_digest", sys.argv[1])
module = importlib.util.module_from_spec(spec)
spec.loader.exec_module(module)
library, *scripts = map(Path, sys.argv[2:])
entries = [*library.glob("machine/kernels/*.py"), *library.glob("networks/backbones/*.py")]
entries += library.glob("plots/*.py")
print(json.dumps([module.code_digest(script, library, entries) for script in scripts]))
"""
# What Pythons' own dumps of trees tell apart, and what their parsers have changed.
ODD = """
import numpy as np
x = f"{np.pi:{'>'}{10}.3f} {{braces}} {x = } {y!r:>{width}}" "plain" f"{'nested' + f'{1}'}"
y = f"{x:}" f"" "" f"{{}}" f"{'Matérn'}\\N{BULLET}"
print("\\U00011F00 \\u1c89", 1e100, 1j, -0.0, 10**30, ..., None, b"\\xff", u"u")
def generic(a, /, b: int = 1, *, c=None, **d) -> "int":
    match a:
        case {"k": [1, *rest], **others} if rest: return rest
        case Point(x=0) | None: pass
        case _: return (yield)
    try: pass
    except* OSError: raise
    while (n := b): n -= 1
    else: global z
    async def inner():
        async with a as b, c: return [i async for i in b if await i]
    return lambda *args: {**args, "a": 1}, *rest
class A(metaclass=B): x: int; y: int = 1
@decorator
class C(A, B): pass
del (a, b), c[1:2, ...]
with (open("a") as a, open("b") as b): assert a, b
"""


@pytest.mark.parametrize("version", VERSIONS)
def test_digest_is_the_same_on_every_python(version, tmp_path):
    if version not in PYTHONS:
        pytest.skip(f"no Python {version} here")
    odd = tmp_path / "odd.py"
    odd.write_text(ODD, encoding="utf-8")
    paths = map(str, [module.__file__, LIBRARY, odd, *SCRIPTS])
    arguments = ["-c", DIGESTS, *paths]
    there, here = (
        subprocess.run([python, *arguments], capture_output=True, text=True, check=True)
        for python in (PYTHONS[version], sys.executable)
    )
    assert json.loads(there.stdout) == json.loads(here.stdout)
    assert len(set(json.loads(here.stdout))) == len(SCRIPTS) + 1
