"""The conda environments: the same versions as requirements.txt, and all that their rules need."""

import ast
import os
import re
import runpy
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest
import yaml
from agop_collapse.plan.provenance import modules_used

ROOT = Path(__file__).parents[2]
WORKFLOW = ROOT / "workflow"
STAND_IN = ROOT / "tests" / "fixtures" / "conda" / "bin"
ENVIRONMENTS = sorted((ROOT / "envs").glob("*.yaml"))
PYPI_NAMES = runpy.run_path(str(STAND_IN / "conda"))["PYPI_NAMES"]


def pins() -> dict[str, str]:
    """Versions of requirements.txt by PyPI name."""
    text = (ROOT / "requirements.txt").read_text()
    return dict(re.findall(r"^([\w-]+)==(\S+)$", text, flags=re.MULTILINE))


def packages(environment: Path) -> dict[str, str]:
    """Versions of a conda environment by PyPI name."""
    dependencies = yaml.safe_load(environment.read_text())["dependencies"]
    versions = dict(re.fullmatch(r"(\S+) =(\S+)", package).groups() for package in dependencies)
    return {PYPI_NAMES.get(name, name): version for name, version in versions.items()}


def rules() -> dict[str, tuple[Path, str]]:
    """File and text of each rule, by name."""
    found = {}
    for file in [ROOT / "Snakefile", *sorted((WORKFLOW / "rules").glob("*.smk"))]:
        parts = re.split(r"^[ \t]*(?:rule|checkpoint)\b *(\w*):", file.read_text(), flags=re.M)
        found |= {
            name or f"unnamed rule of {file.name}": (file, text)
            for name, text in zip(parts[1::2], parts[2::2], strict=True)
        }
    return found


def directive(text: str, name: str) -> str | None:
    """The string given to a directive of a rule."""
    match = re.search(rf'^\s+{name}:\s*"([^"]+)"', text, flags=re.MULTILINE)
    return match and match[1]


def third_party_imports(script: Path) -> set[str]:
    """Packages that a script imports, itself or through modules of the library."""
    names = set()
    for file in (script, *modules_used(script, WORKFLOW / "agop_collapse")):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Import):
                names |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and not node.level:
                names.add(node.module.split(".")[0])
    ours = {"agop_collapse", *(neighbour.stem for neighbour in script.parent.glob("*.py"))}
    return names - ours - set(sys.stdlib_module_names)


@pytest.mark.parametrize("environment", ENVIRONMENTS, ids=lambda path: path.stem)
def test_environment_has_the_versions_of_requirements(environment):
    versions = packages(environment)
    assert versions.pop("python") == "3.11"
    assert versions == {name: pins().get(name) for name in versions}


@pytest.mark.parametrize("environment", ENVIRONMENTS, ids=lambda path: path.stem)
def test_environment_needs_conda_forge_alone(environment):
    assert yaml.safe_load(environment.read_text())["channels"] == ["conda-forge"]


def test_every_rule_that_runs_something_names_an_environment():
    used = set()
    for name, (file, text) in rules().items():
        if directive(text, "script") or re.search(r"^\s+shell:", text, flags=re.MULTILINE):
            environment = directive(text, "conda")
            assert environment, f"{name} ({file.name}) has no conda environment"
            used.add((file.parent / environment).resolve())
    assert used == set(ENVIRONMENTS)


def test_every_script_finds_its_imports_in_the_environment_of_its_rule():
    distributions = metadata.packages_distributions()
    scripts = {name: rule for name, rule in rules().items() if directive(rule[1], "script")}
    assert scripts
    for name, (file, text) in scripts.items():
        script = (file.parent / directive(text, "script")).resolve()
        environment = (file.parent / directive(text, "conda")).resolve()
        for package in third_party_imports(script):
            there = set(distributions[package]) & set(packages(environment))
            assert there, f"{name} imports {package}, which {environment.name} does not have"


def test_snakemake_version_is_told_once():
    """min_version, what README says, and the pinned version agree."""
    minimum = re.search(r'^min_version\("([\d.]+)"\)', (ROOT / "Snakefile").read_text(), re.M)[1]
    assert set(
        re.findall(r"Snakemake ≥ ([\d.]*\d)", (ROOT / "README.md").read_text(encoding="utf-8"))
    ) == {minimum}
    as_numbers = [tuple(map(int, text.split("."))) for text in (minimum, pins()["snakemake"])]
    assert as_numbers[0] <= as_numbers[1]


def test_pre_commit_has_the_versions_of_requirements():
    hooks = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"]
    revisions = {hook["repo"].rsplit("/", 1)[1]: hook["rev"] for hook in hooks}
    assert revisions["ruff-pre-commit"] == f"v{pins()['ruff']}"
    assert revisions["snakefmt"] == f"v{pins()['snakefmt']}"


def with_stand_in() -> dict[str, str]:
    """Environment variables in which the stand-in is the `conda` on the path."""
    path = [str(STAND_IN), str(Path(sys.executable).parent), os.environ["PATH"]]
    return os.environ | {"PATH": os.pathsep.join(path)}


def test_use_conda_runs_a_rule_of_the_workflow(tmp_path):
    target = "results/demo/data/digits.safetensors"
    environments = tmp_path / "envs"
    command = [sys.executable, "-m", "snakemake", "--use-conda", "--conda-prefix", environments]
    command += ["--directory", tmp_path, "--configfile", ROOT / "config.yaml"]
    command += ["--cores", "2", "--", target]
    run = subprocess.run(command, cwd=ROOT, env=with_stand_in(), capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    assert (tmp_path / target).is_file()
    assert "Activating conda environment" in run.stderr
    (environment,) = environments.glob("*.yaml")
    assert environment.read_text() == (ROOT / "envs" / "compute.yaml").read_text()


@pytest.mark.parametrize(
    ("package", "reason"),
    [
        ("pandas =0.1", "pandas 0.1 is wanted, and it is "),
        ("no-such-package =1", "no-such-package 1 is wanted, and it is not installed"),
    ],
)
def test_stand_in_refuses_what_is_not_there(tmp_path, package, reason):
    """The test above could otherwise not fail."""
    file = tmp_path / "environment.yaml"
    file.write_text(f"dependencies: ['{package}']")
    command = [STAND_IN / "conda", "env", "create", "--file", file, "--prefix", tmp_path / "made"]
    run = subprocess.run(command, env=with_stand_in(), capture_output=True, text=True)
    assert run.returncode == 1
    assert reason in run.stderr
    assert not (tmp_path / "made").exists()
