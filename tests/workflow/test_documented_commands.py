"""Each Snakemake command that a page or a comment shows works as it stands."""

import importlib.util
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from sklearn.datasets import load_digits
from workflow_helpers import ROOT, Workplace

pytestmark = pytest.mark.slow

PAGES = ["README.md", "CONTRIBUTING.md", "config.yaml"]
PAGES += [str(path.relative_to(ROOT)) for path in sorted((ROOT / "docs").glob("*.md"))]
PAGES += [str(path.relative_to(ROOT)) for path in sorted((ROOT / "profiles").glob("*/*.yaml"))]
FENCED = re.compile(r"^```sh\n(.*?)^```$", flags=re.DOTALL | re.MULTILINE)
INLINE = re.compile(r"`(snakemake[^`]*)`")
# What a page says that a reader puts in.
PLACEHOLDERS = {"NAME": "laptop", "ACCOUNT": "me", "{study}": "demo"}
# What a profile needs beside the project's environment.
EXECUTORS = {
    "profiles/slurm": "snakemake_executor_plugin_slurm",
    "my_lsf.yaml": "snakemake_executor_plugin_cluster_generic",
    "my_sge.yaml": "snakemake_executor_plugin_cluster_generic",
}
# A page's own files: `# name` in the first line of a block.
FILES = re.compile(
    r"^```(?:yaml|python)\n# (\w+\.(?:yaml|py))\n(.*?)^```$", re.DOTALL | re.MULTILINE
)


def commands() -> list[str]:
    """Of all pages, each once."""
    found: dict[str, None] = {}
    for page in PAGES:
        text = (ROOT / page).read_text(encoding="utf-8")
        lines = [line for block in FENCED.findall(text) for line in block.splitlines()]
        lines += [command.replace("\n", " ") for command in INLINE.findall(text)]
        if page.startswith("profiles"):
            lines += [line.removeprefix("# ") for line in text.splitlines()]
        for line in lines:
            command = line.partition("#")[0].strip()
            if command.startswith("snakemake "):
                found[command] = None
    return list(found)


COMMANDS = commands()


def test_there_are_commands():
    assert len(COMMANDS) >= 8
    assert "snakemake figures/ --cores 8 --config study=laptop" in COMMANDS


@pytest.fixture(scope="module")
def clone(tmp_path_factory) -> Path:
    """A copy of the repository with the files that the pages show, and photos."""
    place = Workplace.make(tmp_path_factory.mktemp("documented"), {}).repository
    for page in PAGES:
        for name, content in FILES.findall((ROOT / page).read_text(encoding="utf-8")):
            (place / name).write_text(content)
    shutil.copy(place / "photos.yaml", place / "mine.yaml")
    (place / "resnet18.pt").write_bytes(b"what end_of_training.py writes")
    digits = load_digits()
    chosen = np.flatnonzero(digits.target < 4)[:440]
    for number, index in enumerate(chosen, start=1):
        file = place / "photos" / "abcd"[digits.target[index]] / f"{number}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray((digits.images[index] * 15.9).astype(np.uint8)).save(file)
    return place


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_works_as_it_stands(clone, command):
    for name, value in PLACEHOLDERS.items():
        command = command.replace(name, value)
    for profile, plugin in EXECUTORS.items():
        if profile in command and not importlib.util.find_spec(plugin):
            pytest.skip(f"needs {plugin.replace('_', '-')}")
    if "--use-conda" in command:
        pytest.skip("is run whole in test_environments.py")
    if "--sdm apptainer" in command:
        pytest.skip("is run whole in test_container.py")
    if "storage" in command or "my_kubernetes.yaml" in command:
        pytest.skip("is run whole in test_storage.py")
    words = shlex.split(command)
    script = Path(sys.executable).with_name(words[0])
    run = subprocess.run(
        [sys.executable, script, *words[1:], *([] if "--unlock" in words else ["-n"])],
        cwd=clone,
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0, run.stderr + run.stdout
    # A target that an option has swallowed is not planned.
    known = ("figures/", "tables", "claims", "report", "all", "download")
    targets = [word for word in words[1:] if word in known]
    for target in targets:
        nothing = target == "download" and "Nothing to be done" in run.stdout
        assert nothing or re.search(rf"^{target} +1$", run.stdout, re.MULTILINE), run.stdout
    if study := re.search(r"study=(\w+)", command):
        assert f"study {study[1]}" in run.stdout or targets == ["download"]


def test_own_images_and_an_own_network_are_drawn_by_the_readme_alone(clone):
    """Its photos.yaml and my_networks.py, in less time: fewer points and epochs."""
    text = (clone / "photos.yaml").read_text()
    for long, short in (
        ("n: 400", "n: 60"),
        ("epochs: 100", "epochs: 2"),
        ("epochs: 200", "epochs: 2"),
    ):
        assert long in text
        text = text.replace(long, short)
    (clone / "photos.yaml").write_text(text.replace("seeds: [0, 1]", "seeds: [0]"))
    (words,) = (shlex.split(command) for command in COMMANDS if "photos.yaml" in command)
    script = Path(sys.executable).with_name(words[0])
    run = subprocess.run(
        [sys.executable, script, *words[1:]], cwd=clone, capture_output=True, text=True
    )
    assert run.returncode == 0, run.stderr
    for figure in ("fig03", "fig07", "of_small"):
        assert (clone / "figures" / "photos" / f"{figure}.png").is_file()
    log = (clone / "results/photos/logs/prepare_data/photos.log").read_text()
    assert "60 training and 0 test images of 1 x 32 x 32 (channels, height, width)" in log
    assert re.search(r"4 classes: a \(\d+\), b \(\d+\), c \(\d+\), d \(\d+\)", log)
