"""docs/extend.md does what it says: its blocks are taken from the page and added to a copy."""

import bz2
import json
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from agop_collapse.data.dataset import load_dataset
from agop_collapse.files.stamp import read_identity
from PIL import Image
from workflow_helpers import ROOT, Workplace, contents

PAGE = ROOT / "docs" / "extend.md"


@dataclass(frozen=True)
class Block:
    """A block of code.

    where : its heading, and that above it
    first : what the comment in its first line says: a file
    text : the rest
    """

    where: str
    language: str
    first: str
    text: str


def read_blocks(page: str) -> list[Block]:
    blocks, headings = [], ["", ""]
    pattern = r"^(##+) (.+)$|^```(\w+)\n(?:# (.+)\n)?((?:.*\n)*?)```$"
    for match in re.finditer(pattern, page, flags=re.MULTILINE):
        level, heading, language, first, text = match.groups()
        if level:
            headings = [heading, ""] if level == "##" else [headings[0], heading]
        else:
            blocks.append(Block(": ".join(filter(None, headings)), language, first, text))
    return blocks


BLOCKS = read_blocks(PAGE.read_text())
PROJECTS = "workflow/agop_collapse/"
# What adds to the project, in the order of the page but for the metric, which comes last: it alone
# makes something anew of what is there.
EXTENSIONS = sorted(
    dict.fromkeys(block.where for block in BLOCKS if block.language == "diff"),
    key=lambda where: where == "A metric",
)


def of(where: str, *languages: str) -> list[Block]:
    return [block for block in BLOCKS if block.where == where and block.language in languages]


def changed(text: str, diff: str) -> str:
    """A text with the changes of a diff, each in the one place that it fits."""
    for hunk in diff.split("@@\n"):
        lines = hunk.splitlines(keepends=True)
        before = "".join(line[1:] for line in lines if line[0] in " -")
        after = "".join(line[1:] for line in lines if line[0] in " +")
        assert text.count(before) == 1, before
        text = text.replace(before, after)
    return text


def add(place: Workplace, block: Block) -> None:
    """Write a block's file, of the project or of the user's own, or change it."""
    if block.language == "diff":
        path = place.repository / block.first
        path.write_text(changed(path.read_text(), block.text))
        return
    path = (place.repository if block.first.startswith(PROJECTS) else place.work) / block.first
    assert not path.exists(), f"{path} is no new file"
    path.write_text(block.text)


def test_all_of_the_page_is_read():
    """No block is left out, whatever is wrong with its first line."""
    assert len(BLOCKS) == PAGE.read_text().count("\n```") / 2
    for block in BLOCKS:
        assert block.language in ("python", "diff", "yaml", "sh")
        assert block.first or block.language == "sh"
    assert EXTENSIONS == [
        "A data set: One more of torchvision's",
        "A kernel: One of the project's",
        "A network: One of the project's",
        "A loss or an activation: A loss",
        "A loss or an activation: An activation",
        "A kind of figure",
        "A claim",
        "A metric",
    ]


@pytest.mark.parametrize("where", EXTENSIONS)
def test_no_more_than_two_files_are_touched(where):
    files = {block.first for block in of(where, "python", "diff")}
    assert all(file.startswith(PROJECTS) for file in files)
    assert len(files) == (1 if where == "A claim" else 2)


@pytest.mark.parametrize("where", ["A kernel: Your own", "A network: Your own"])
def test_ones_own_takes_one_file_outside_of_the_project(where):
    (block,) = of(where, "python", "diff")
    assert "/" not in block.first


# The studies, in a size to build

TINY = {"n": 60, "n_test": 10, "width": 16, "depth": 2, "epochs": 2, "size": 8}


def tiny(study: dict) -> dict:
    """A study of a small size and one seed, and of each sweep the first and last value."""

    def of_block(block: dict) -> dict:
        return {
            key: [value[0], value[-1]]
            if isinstance(value, list) and key != "datasets"
            else TINY.get(key, value)
            for key, value in block.items()
        }

    datasets = {name: of_block(block) for name, block in study["datasets"].items()}
    runs = {
        kind: list(map(of_block, study[kind])) for kind in ("deep_rfm", "networks") if kind in study
    }
    return study | {"seeds": [0], "datasets": datasets} | runs


def studies_of_the_page() -> dict:
    """The page's studies, in a small size."""
    studies = {}
    for block in of("A study", "yaml"):
        studies |= yaml.safe_load(block.text)["studies"]
    return {name: tiny(study) for name, study in studies.items()}


def extended_study() -> dict:
    """One study of all parts "in a study", whose runs are on digits."""
    parts = [yaml.safe_load(block.text) for block in BLOCKS if block.first == "in a study"]
    study = {"device": "cpu", "datasets": {}, "figures": {}}
    for part in parts:
        study["datasets"] |= part.get("datasets", {})
        study["figures"] |= part.get("figures", {})
    for kind in ("deep_rfm", "networks"):
        runs = [run for part in parts for run in part.get(kind, [])]
        study[kind] = [run | {"datasets": ["digits"]} for run in runs]
    return study


# What the page calls photos, mine.npz and USPS


def write_photos(folder: Path, first: int) -> None:
    random = np.random.default_rng(first)
    for number in range(first, first + 60):
        path = folder / ("cat" if number % 2 else "dog") / f"{number:03}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(random.integers(0, 256, (9, 11, 3), np.uint8)).save(path)


def write_usps(path: Path, pixels: np.ndarray, labels: np.ndarray) -> None:
    """A file of USPS: a line for each image, its label from 1 and its pixels in [-1, 1]."""
    lines = []
    for image, label in zip(pixels, labels, strict=True):
        values = (f"{index}:{value}" for index, value in enumerate(image.flatten(), start=1))
        lines.append(f"{label + 1} {' '.join(values)} \n")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(bz2.compress("".join(lines).encode()))


USPS_PIXELS = np.random.default_rng(0).choice([-1.0, -0.2, 0.2, 1.0], (70, 16, 16))
USPS_LABELS = np.arange(70) % 10


def write_data(place: Workplace) -> None:
    write_photos(place.work / "photos" / "train", 0)
    write_photos(place.work / "photos" / "test", 100)
    random = np.random.default_rng(1)
    images = random.integers(0, 256, (60, 5, 4, 3), np.uint8)
    np.savez(place.work / "mine.npz", x=images, y=np.arange(60) % 3)
    for name, part in (("usps.bz2", slice(60)), ("usps.t.bz2", slice(60, 70))):
        write_usps(place.root / "data" / "usps" / name, USPS_PIXELS[part], USPS_LABELS[part])


# Planned and built

IDENTITIES = """
import json, sys
from pathlib import Path

import yaml

workflow, studies = sys.argv[1:]
sys.path.insert(0, workflow)
from agop_collapse.plan.configuration import load
from agop_collapse.files.contents import Contents
from agop_collapse.plan.jobs import Jobs

read = yaml.safe_load(Path(studies).read_text())
configuration = load(read | {"study": next(iter(read["studies"]))})
jobs = Jobs(configuration, Path(workflow), "data", Contents(Path("contents.json")))
found = {
    f"{study} {name}": job.identity
    for study in configuration.studies
    for name, job in jobs.everything(study).items()
}
json.dump(found, sys.stdout)
"""


def python(place: Workplace, *arguments: str) -> str:
    """What a process with the copy's library prints, run in the working folder."""
    run = subprocess.run(
        [sys.executable, "-c", *arguments],
        cwd=place.work,
        env=place.environment(PYTHONPATH=str(place.repository / "workflow")),
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0, run.stderr
    return run.stdout


def identities(place: Workplace) -> dict[str, str]:
    """The identity of each job of the studies, of data, runs, tables and figures."""
    return json.loads(
        python(place, IDENTITIES, str(place.repository / "workflow"), str(place.studies))
    )


FIGURES = [
    f"figures/{name}/{figure}.pdf"
    for name, study in studies_of_the_page().items()
    for figure in study["figures"]
]


@pytest.mark.parametrize("block", of("A study", "yaml"), ids=lambda block: block.first)
def test_a_study_is_short_and_planned_as_it_stands(block, tmp_path):
    assert block.text.count("\n") + 1 <= 15
    place = Workplace.make(tmp_path, yaml.safe_load(block.text)["studies"])
    found = identities(place)
    kinds = [name.split()[1] for name in found]
    runs = {"gains.yaml": 3 * 2, "ridges.yaml": 3 * 3, "decays.yaml": 5}[block.first]
    assert kinds.count("make") == kinds.count("measure") == 3 * runs
    assert kinds.count("figure") == 2
    assert len(set(found.values())) == len(found)


@pytest.fixture(scope="module")
def built(tmp_path_factory) -> Workplace:
    """The figures of the page's studies, in a small size."""
    place = Workplace.make(tmp_path_factory.mktemp("extend"), studies_of_the_page())
    tables = ["results/gains/tables/network_nfa.parquet", "results/gains/tables/runs.parquet"]
    place.run(*FIGURES, *tables, study="gains")
    return place


@pytest.fixture(scope="module")
def extended(built) -> tuple[Workplace, dict[str, dict[str, str]], dict[str, str]]:
    """The project with all that the page adds; identities before ("") and after each addition, and
    what Snakemake plans of what is built when all is added but the metric."""
    found = {"": identities(built)}
    planned = None
    for where in EXTENSIONS:
        if where == "A metric":
            planned = built.plan(*FIGURES, study="gains")
        for block in of(where, "python", "diff"):
            add(built, block)
        found[where] = identities(built)
    for where in ("A kernel: Your own", "A network: Your own"):
        add(built, *of(where, "python"))
    return built, found, planned


WHOLE = "A whole network of your own"
HERE, ELSEWHERE = f"{WHOLE}: Trained here", f"{WHOLE}: Trained elsewhere"


@pytest.mark.slow
@pytest.mark.parametrize("where", [HERE, ELSEWHERE])
def test_a_whole_network_is_measured_and_drawn(where, tmp_path):
    (block,) = of(where, "yaml")
    ((name, study),) = yaml.safe_load(block.text)["studies"].items()
    study |= {"seeds": [0], "datasets": {"digits": {"kind": "digits", "n": 30}}}
    if where == HERE:
        study["own_networks"][0] |= {"epochs": 2, "measure_every": 1, "batch_size": 15}
    place = Workplace.make(tmp_path, {name: study})
    for code in (*of(WHOLE, "python"), *of(where, "python")):
        add(place, code)
    if where == ELSEWHERE:
        python(place, "exec(open('end_of_training.py').read())")
    place.run("figures/", study=name)
    table = pd.read_parquet(place.work / f"results/{name}/tables/network_layers.parquet")
    names = ["conv1", "layer2.0.conv1", "layer4.1.conv2", "fc"]
    assert table["layer_name"].drop_duplicates().tolist() == names
    assert table["nfa"].between(-1, 1).all()
    assert table["epoch"].dropna().unique().tolist() == ([0, 1, 2] if where == HERE else [])
    for figure in study["figures"]:
        drawn = place.work / "figures" / name / f"{figure}.pdf"
        assert drawn.read_bytes()[:5] == b"%PDF-"


TARGETS = [
    *(f"results/extended/data/{name}.safetensors" for name in ("photos", "mine", "usps")),
    *(f"figures/extended/{name}.pdf" for name in ("length_spread_of_kernel", "training_error")),
    *(f"results/extended/tables/{name}.parquet" for name in ("deep_rfm", "network_nc", "runs")),
]


@pytest.fixture(scope="module")
def made(extended) -> Workplace:
    """What the page's parts of a study ask for."""
    place, *_ = extended
    write_data(place)
    place.configure(studies_of_the_page() | {"extended": tiny(extended_study())})
    place.run(
        *TARGETS,
        study="extended",
        environment={"AGOP_COLLAPSE_DATA": str(place.root / "data")},
    )
    return place


@pytest.mark.slow
def test_the_studies_are_built(built):
    for path in FIGURES:
        assert (built.work / path).is_file()
        assert (built.work / path).with_suffix(".png").is_file()
    tables = built.work / "results" / "gains" / "tables"
    joined = pd.read_parquet(tables / "network_nfa.parquet").merge(
        pd.read_parquet(tables / "runs.parquet")
    )
    assert len(joined) == 4 * 2 * 5  # runs, epochs 0 and 2, layers
    swept = {(gain, width) for gain in (0.3, 1.0) for width in (64, 256)}
    assert set(joined.groupby(["gain", "width"]).groups) == swept


@pytest.mark.slow
@pytest.mark.parametrize("where", EXTENSIONS[:-2])
def test_a_new_entry_derives_nothing_again(extended, where):
    _, found, planned = extended
    order = ["", *EXTENSIONS]
    assert found[where] == found[order[order.index(where) - 1]]
    assert planned == {}


@pytest.mark.slow
def test_a_new_metric_is_measured_and_no_more(extended):
    assert made_again(extended[1], "A metric") == {"measure", "tables", "figure", "claims"}


@pytest.mark.slow
def test_a_new_claim_makes_the_ledger_anew_and_no_more(extended):
    assert made_again(extended[1], "A claim") == {"claims"}


def made_again(found: dict[str, dict[str, str]], where: str) -> set[str]:
    """Kinds of jobs whose identity an addition changes."""
    before, after = found[EXTENSIONS[EXTENSIONS.index(where) - 1]], found[where]
    return {name.split()[1] for name in before if before[name] != after[name]}


CHECKS = """
import torch
import my_kernels
import my_networks
from agop_collapse.machine.kernels import inverse_multiquadric
from agop_collapse.machine.kernels.radial import check_kernel
from agop_collapse.networks.activations import softplus
from agop_collapse.networks.backbones import lenet
from agop_collapse.networks.losses import squared_hinge

for kernel in (my_kernels.cauchy, inverse_multiquadric.kernel):
    for bandwidth in (0.3, 1.0, 20.0):
        check_kernel(kernel, bandwidth)
distance = torch.tensor([0.0, 1.5], dtype=torch.float64)
print(my_kernels.cauchy.values(distance, 2.0).tolist())
print(inverse_multiquadric.kernel.values(distance, 2.0).tolist())

outputs = torch.tensor([[2.0, -0.5], [0.0, 3.0]])
targets = torch.tensor([[1.0, -1.0], [1.0, -1.0]])
print(float(squared_hinge.loss.value(outputs, targets)))  # 0, 0.25, 1 and 16, over 4

x = torch.linspace(-3, 3, 7, dtype=torch.float64, requires_grad=True)
(slope,) = torch.autograd.grad(softplus.activation.function(x).sum(), x)
print(float((slope - softplus.activation.derivative(x)).abs().max()) < 1e-15)

images = torch.zeros(2, 3, 8, 8)
print([list(make(3, 8, 8)(images).shape) for make in (my_networks.small, lenet.backbone)])
"""


@pytest.mark.slow
def test_what_is_added_is_what_it_says(extended):
    place, *_ = extended
    cauchy, inverse, loss, slopes, shapes = map(
        json.loads, python(place, CHECKS).replace("True", "true").splitlines()
    )
    assert cauchy == pytest.approx([1, 0.64])
    assert inverse == pytest.approx([1, 0.8])
    assert loss == pytest.approx(17.25 / 4)
    assert slopes is True
    assert shapes == [[2, 16 * 4 * 4], [2, 16 * 2 * 2]]


@pytest.mark.slow
def test_new_code_is_as_formatters_have_it(extended):
    place, *_ = extended
    blocks = [block for block in BLOCKS if block.language in ("python", "diff")]
    inside = {block.first for block in blocks if block.first.startswith(PROJECTS)}
    files = [str(place.repository / file) for file in sorted(inside)]
    for command in ("check", "format --check"):
        run = subprocess.run(
            [
                *(sys.executable, "-m", "ruff", *command.split()),
                *("--config", str(ROOT / "pyproject.toml")),
                *(*files, str(place.work)),
            ],
            capture_output=True,
            text=True,
        )
        assert run.returncode == 0, run.stdout


@pytest.mark.slow
def test_the_schema_is_written_anew_and_has_the_new_names(extended, tmp_path):
    place = extended[0].copy(tmp_path)
    before = contents(place.repository)
    (command,) = [block.text for block in BLOCKS if block.language == "sh"]
    subprocess.run(
        command.replace("python", f'"{sys.executable}"'),
        shell=True,
        check=True,
        cwd=place.repository,
    )
    after = {
        path: digest for path, digest in contents(place.repository).items() if ".pyc" not in path
    }
    path = "workflow/schemas/generated/config.schema.yaml"
    assert {file for file in after if after[file] != before.get(file)} == {path}
    text = (place.repository / path).read_text()
    for name in ("usps", "inverse_multiquadric", "lenet", "squared_hinge", "softplus"):
        assert name in text


@pytest.mark.slow
def test_runs_with_what_was_added_are_in_the_tables(made):
    tables = made.work / "results" / "extended" / "tables"
    deep_rfm = pd.read_parquet(tables / "deep_rfm.parquet")
    mixed = "laplace my_kernels:cauchy"
    assert set(deep_rfm["kernel"]) == {"my_kernels:cauchy", mixed, "inverse_multiquadric"}
    of_mixed = deep_rfm[deep_rfm["kernel"] == mixed]
    assert set(of_mixed["run"]) == {"laplace_cauchy-relu-agop"}
    assert set(of_mixed["layer"]) == {1, 2}
    network_nc = pd.read_parquet(tables / "network_nc.parquet")
    assert set(network_nc["run"]) == {"small", "lenet", "smooth"}
    assert set(network_nc["model"]) == {"small", "lenet", "mlp"}
    for table in (deep_rfm, network_nc):
        assert table["length_spread"].between(0, 3).all()
        assert table["length_spread"].nunique() > 5
    runs = pd.read_parquet(tables / "runs.parquet").set_index("run")
    assert runs.loc["smooth", ["loss", "activation"]].tolist() == ["squared_hinge", "softplus"]


@pytest.mark.slow
def test_figures_with_what_was_added_are_drawn(made):
    for name in ("length_spread_of_kernel", "training_error"):
        assert (made.work / "figures" / "extended" / f"{name}.pdf").read_bytes()[:5] == b"%PDF-"
        with Image.open(made.work / "figures" / "extended" / f"{name}.png") as image:
            assert image.width > 500


@pytest.mark.slow
def test_data_sets_that_were_added_are_read(made):
    def prepared(name: str):
        path = made.work / "results" / "extended" / "data" / f"{name}.safetensors"
        return load_dataset(path, read_identity(path))

    photos, mine, usps = map(prepared, ("photos", "mine", "usps"))
    assert (photos.image_shape, photos.class_counts) == ((3, 8, 8), [30, 30])
    assert (mine.image_shape, mine.class_counts) == ((3, 5, 4), [20, 20, 20])
    assert (usps.image_shape, usps.class_counts) == ((1, 16, 16), [6] * 10)
    # The first image of class 0, standardised over the training images, as torchvision reads it.
    pixels = ((USPS_PIXELS + 1) / 2 * 255).astype(np.float32).astype(np.uint8)[:60] / 255
    expected = (pixels[0] - pixels.mean(axis=0)) / pixels.std(axis=0, ddof=1)
    np.testing.assert_allclose(usps.x[0].numpy(), expected.flatten(), rtol=1e-4, atol=1e-5)
    assert usps.test_labels.tolist() == list(range(10))
