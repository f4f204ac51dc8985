"""The conda environments: ranges with tested ends, and all that their rules need."""

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
from agop_collapse.plan.code_digest import files_reached
from agop_collapse.plan.figure_kinds import FIGURE_KINDS
from agop_collapse.plan.registry import ACTIVATIONS, KERNELS, LOSSES, MODELS, reader_of
from agop_collapse.plan.settings import DATASET_KINDS
from packaging.specifiers import SpecifierSet
from workflow_helpers import ROOT, Workplace

WORKFLOW = ROOT / "workflow"
STAND_IN = ROOT / "tests" / "fixtures" / "conda" / "bin"
ENVIRONMENTS = sorted((ROOT / "envs").glob("*.yaml"))
_FIXTURE = runpy.run_path(str(STAND_IN / "conda"))
PYPI_NAMES, ranges = _FIXTURE["PYPI_NAMES"], _FIXTURE["ranges"]
BUILDS = {"compute": "cpu*", "compute_cuda": "cuda*"}


def pins(file: str = "requirements.txt") -> dict[str, str]:
    """Versions of a requirements file by PyPI name."""
    text = (ROOT / file).read_text()
    return dict(re.findall(r"^([\w-]+)==(\S+)$", text, flags=re.MULTILINE))


def packages(environment: Path) -> dict[str, SpecifierSet]:
    """Ranges of versions of a conda environment by PyPI name."""
    dependencies = yaml.safe_load(environment.read_text())["dependencies"]
    found = dict(map(ranges, dependencies))
    return {PYPI_NAMES.get(name, name): versions for name, versions in found.items()}


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
    """The string given to a directive of a rule, or what COMPUTE stands for on a CPU."""
    match = re.search(rf'^\s+{name}:\s*(?:"([^"]+)"|COMPUTE$)', text, flags=re.MULTILINE)
    return match and (match[1] or "../../envs/compute.yaml")


LIBRARY = WORKFLOW / "agop_collapse"
# Folders of the files that a script finds by their place, whichever of them a run names.
BY_PLACE = {
    "prepare_data": ["data/readers"],
    "build_deep_rfm": ["machine/kernels"],
    "measure_deep_rfm": ["machine/kernels"],
    "train_network": ["networks/backbones", "networks/activations", "networks/losses"],
    "train_own_network": ["networks/losses"],
    "measure_own_network": ["networks/losses"],
    "measure_network": ["networks/backbones", "networks/activations", "networks/losses"],
    "plot_figure": ["plots"],
}


def entries(script: Path) -> list[Path]:
    """All files that a script may find by their place."""
    folders = [LIBRARY / folder for folder in BY_PLACE.get(script.stem, [])]
    return [file for folder in folders for file in folder.glob("*.py")]


def third_party_imports(script: Path) -> set[str]:
    """Packages that a script imports, itself or through whatever it reaches of the library."""
    names = set()
    for file in files_reached(script, LIBRARY, entries(script)):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                names |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and not node.level:
                names.add(node.module.split(".")[0])
    ours = {"agop_collapse", *(neighbour.stem for neighbour in script.parent.glob("*.py"))}
    return names - ours - set(sys.stdlib_module_names)


@pytest.mark.parametrize("file", ["requirements.txt", "tests/lowest.txt"])
@pytest.mark.parametrize("environment", ENVIRONMENTS, ids=lambda path: path.stem)
def test_tested_versions_are_in_the_ranges_of_environments(environment, file):
    versions = packages(environment)
    assert "3.11.0" in versions.pop("python")
    for name, wanted in versions.items():
        assert pins(file)[name] in wanted, name


@pytest.mark.parametrize("environment", ENVIRONMENTS, ids=lambda path: path.stem)
def test_ranges_begin_at_the_lowest_versions_that_are_tested(environment):
    versions = packages(environment)
    del versions["python"]
    for name, wanted in versions.items():
        (least,) = (part.version for part in wanted if part.operator == ">=")
        assert pins("tests/lowest.txt")[name].startswith(f"{least}."), name
        (bound,) = (part.version for part in wanted if part.operator == "<")
        # The next major version, which nothing here was tried with.
        assert bound == str(int(pins()[name].split(".")[0]) + 1), name


def test_environments_for_cpus_and_gpus_differ_in_the_build_alone():
    lines = {
        environment.stem: yaml.safe_load(environment.read_text())["dependencies"]
        for environment in ENVIRONMENTS
        if environment.stem in BUILDS
    }
    assert lines.keys() == BUILDS.keys()
    for name, build in BUILDS.items():
        (torch,) = (line for line in lines[name] if line.startswith("pytorch "))
        assert torch.split()[2:] == [build]
        lines[name] = [line.removesuffix(f" {build}") for line in lines[name]]
    assert lines["compute"] == lines["compute_cuda"]


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
    assert used == {file for file in ENVIRONMENTS if file.stem != "compute_cuda"}


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


def test_what_is_found_by_its_place_is_looked_for_in_the_environments():
    """The test above knows of each file that the registry, data sets and figures name."""
    places = [
        *(
            entry.place
            for registry in (KERNELS, MODELS, ACTIVATIONS, LOSSES)
            for entry in registry.values()
        ),
        *map(reader_of, DATASET_KINDS),
        *(f"agop_collapse.plots.{kind}:draw" for kind in FIGURE_KINDS),
    ]
    named = {
        WORKFLOW.joinpath(*place.partition(":")[0].split(".")).with_suffix(".py")
        for place in places
    }
    known = [file for script in BY_PLACE for file in entries(Path(f"{script}.py"))]
    assert len(named) > 25
    assert named <= {*known}


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


# A study with jobs in both environments.
SMALL = {
    "seeds": [0],
    "datasets": {"digits": {"kind": "digits", "n": 100}},
    "deep_rfm": [{"depth": 2, "width": 16}],
    "theory_kernel": {"width": 16, "draws": 2},
    "figures": {"fig03": None},
}


@pytest.mark.slow
def test_use_conda_builds_the_figures_by_the_console_script(tmp_path):
    """README's command as it stands, in a clone whose configuration has a study of seconds."""
    place = Workplace.make(tmp_path, {})
    clone = place.repository
    (clone / "config.yaml").write_text(
        yaml.safe_dump({"study": "small", "studies": {"small": SMALL}})
    )
    words = ["snakemake", "--cores", "8", "--use-conda", "figures/"]
    assert " ".join(words) in (ROOT / "README.md").read_text(encoding="utf-8")
    # Read by this Python, wherever the virtual environment was made.
    script = Path(sys.executable).with_name(words[0])
    command = [sys.executable, script, *words[1:]]
    run = subprocess.run(command, cwd=clone, env=with_stand_in(), capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    for name in ("figures/small/fig03.pdf", "results/small/tables/runs.parquet"):
        assert (clone / name).is_file()
    made = [path.read_text() for path in (clone / ".snakemake" / "conda").glob("*.yaml")]
    # `device: auto` where there is no GPU; with one the other environment of the two.
    chosen = "compute_cuda" if list(Path("/dev").glob("nvidia[0-9]*")) else "compute"
    expected = [path.read_text() for path in ENVIRONMENTS if path.stem in (chosen, "plot")]
    assert sorted(made) == sorted(expected)
    activated = set(re.findall(r"Activating conda environment: (\S+)", run.stderr))
    assert len(activated) == len(expected)


@pytest.mark.parametrize(
    ("package", "reason"),
    [
        ("pandas =0.1", "pandas ==0.1.* is wanted, and it is "),
        ("pandas >=0.1,<0.2", " is wanted, and it is "),
        ("no-such-package =1", "no-such-package ==1.* is wanted, and it is not installed"),
    ],
)
def test_stand_in_refuses_what_is_not_there(tmp_path, package, reason):
    """Environments that lack a package would otherwise not be noticed."""
    file = tmp_path / "environment.yaml"
    file.write_text(f"dependencies: ['{package}']")
    command = [STAND_IN / "conda", "env", "create", "--file", file, "--prefix", tmp_path / "made"]
    run = subprocess.run(command, env=with_stand_in(), capture_output=True, text=True)
    assert run.returncode == 1
    assert reason in run.stderr
    assert not (tmp_path / "made").exists()
