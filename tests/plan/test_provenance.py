"""What a rule declares as its code: all that its script loads, found without running it."""

import ast
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from agop_collapse.plan.provenance import modules_used

WORKFLOW = Path(__file__).parents[2] / "workflow"
LIBRARY = WORKFLOW / "agop_collapse"
SCRIPTS = sorted(set((WORKFLOW / "scripts").glob("*.py")) - {WORKFLOW / "scripts" / "job.py"})

# Run with the imports of each script in turn: which files of the package does Python load for it?
# Other packages stay loaded; that saves a minute and changes nothing.
LOAD = """
import json, sys
from pathlib import Path
package = Path(sys.argv[1])
found = {}
for name, imports in json.load(sys.stdin).items():
    for module in [name for name in sys.modules if name.split(".")[0] == package.name]:
        del sys.modules[module]
    exec(imports, {})
    files = [getattr(module, "__file__", None) for module in list(sys.modules.values())]
    found[name] = sorted(file for file in files if file and package in Path(file).parents)
json.dump(found, sys.stdout)
"""


def imports_of(script: Path) -> str:
    """The import statements of a script that are run when it begins."""
    statements = ast.parse(script.read_text()).body
    return "\n".join(
        ast.unparse(node) for node in statements if isinstance(node, ast.Import | ast.ImportFrom)
    )


def files_loaded(imports: dict[str, str], package: Path, *path: Path) -> dict[str, set[Path]]:
    """Files of a package that Python loads for each script's imports, in a process of its own."""
    folders = [package.parent, *path]
    run = subprocess.run(
        [sys.executable, "-c", LOAD, str(package)],
        input=json.dumps(imports),
        env=os.environ | {"PYTHONPATH": os.pathsep.join(map(str, folders))},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return {name: set(map(Path, files)) for name, files in json.loads(run.stdout).items()}


@pytest.fixture(scope="module")
def loaded() -> dict[str, set[Path]]:
    imports = {script.stem: imports_of(script) for script in SCRIPTS}
    return files_loaded(imports, LIBRARY, WORKFLOW / "scripts")


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.stem)
def test_all_that_a_script_loads_is_found(script, loaded):
    used = modules_used(script, LIBRARY)
    assert loaded[script.stem]
    assert loaded[script.stem] <= set(used)
    assert used == sorted(used)


def test_what_a_script_does_not_load_is_left_alone():
    """Or a changed plot would train networks again."""
    used = {
        name: {path.stem for path in modules_used(WORKFLOW / "scripts" / f"{name}.py", LIBRARY)}
        for name in ("prepare_data", "build_deep_rfm", "train_network", "combine_table")
    }
    for name in used:
        assert not used[name] & {"plots", "style", "gram", "collapse", "settings", "catalogue"}
    assert not used["build_deep_rfm"] & {"networks", "training", "tables", "data"}
    assert not used["train_network"] & {"deep_rfm", "kernels", "agop", "tables", "data"}
    assert not used["combine_table"] & {"dataset", "training", "deep_rfm", "deep_rfm_tables"}


@pytest.mark.parametrize("file", sorted((WORKFLOW / "rules").glob("*.smk")), ids=lambda f: f.stem)
def test_every_rule_with_a_script_declares_its_code(file):
    rules = re.split(r"^ *rule\b.*$", file.read_text(), flags=re.MULTILINE)[1:]
    for rule in rules:
        script = re.search(r'^\s+script:\s*"\.\./scripts/([^"]+)\.py"', rule, flags=re.MULTILINE)
        if script:
            # plot_{params.plot} is the script of the rule plot_{plot}
            name = script[1].replace("{params.plot}", "{plot}")
            assert re.search(rf'^ +code=code\(f?"{re.escape(name)}"\),$', rule, flags=re.MULTILINE)


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
    script = package.parent / f"{name}.py"
    script.write_text(code)
    return {str(path.relative_to(package)) for path in modules_used(script, package)}


INNER = {"inner/__init__.py", "base.py"}
FORMS = {
    "import parts": set(),
    "import parts.base": {"base.py"},
    "import os, parts.base as b": {"base.py"},
    "from parts import base": {"base.py"},
    "from parts.base import value": {"base.py"},
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


@pytest.mark.parametrize("code", FORMS)
def test_every_form_of_import_is_followed(package, code):
    expected = FORMS[code] | {"__init__.py"}
    assert used_by(code, package, f"form{list(FORMS).index(code)}") == expected
    loaded = files_loaded({"script": code}, package)["script"]
    assert {str(path.relative_to(package)) for path in loaded} == expected


def test_imports_inside_functions_are_followed(package):
    assert used_by("from parts import lazy", package, "calls") >= {"lazy.py", "called_later.py"}
    code = "def work():\n    from parts import base"
    assert used_by(code, package, "lazily") == {"__init__.py", "base.py"}


def test_scripts_without_the_package_use_nothing_of_it(package):
    assert (
        used_by("import json\nfrom . import base\nfrom partsx import base", package, "x") == set()
    )


def test_an_import_that_cannot_be_read_off_the_text_would_be_noticed(package):
    """What the comparison of all scripts with what they load is for."""
    code = "from parts import hidden"
    loaded = files_loaded({"script": code}, package)["script"]
    missed = {str(path.relative_to(package)) for path in loaded} - used_by(code, package, "sly")
    assert missed == {"secret.py"}


def test_planning_needs_no_torch_and_no_pandas():
    """`snakemake -n` shall answer at once: what the Snakefile imports is light."""
    common = (WORKFLOW / "rules" / "common.smk").read_text()
    names = re.search(r"^from agop_collapse import (.+)$", common, flags=re.MULTILINE)[1]
    assert common.count("agop_collapse import") == 1
    code = f"import sys\nfrom agop_collapse import {names}\nprint(*sys.modules)"
    run = subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | {"PYTHONPATH": str(WORKFLOW)},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    modules = set(run.stdout.split())
    assert "agop_collapse.settings" in modules
    assert not modules & {"torch", "pandas", "numpy", "pyarrow", "matplotlib", "sklearn"}
