"""A re-run in which a job fails, or that finds another's files, ends in a fresh build's bytes.

The cases here are a part of those of `python tests/faults.py --all`.
"""

import os
import re
import shutil
import time
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from agop_collapse.data.dataset import load_dataset
from agop_collapse.files import tables
from agop_collapse.files.atomic import StorageError
from agop_collapse.files.stamp import read_identity
from agop_collapse.machine.checkpoints import load_layer, load_predictor
from agop_collapse.networks.checkpoints import load_epoch
from agop_collapse.plan.paths import STORE
from faults import (
    CHANGES,
    PICTURE,
    Case,
    Change,
    Fault,
    Faults,
    compare,
    fail,
    others,
    results,
    script_of,
    study,
)
from workflow_helpers import ROOT, Workplace, in_parallel

pytestmark = pytest.mark.slow

DEEP_RFM = "deep_rfm/digits/laplace-relu-agop/seed{}"
NETWORK = "networks/digits/mlp/seed{}"
OWN_NETWORK = "own_networks/digits/small/seed0"
SCRIPTS = {path.stem for path in (ROOT / "workflow" / "scripts").glob("*.py")}
# Three write nothing that others read; a reference and a packed study are not made in a re-run; a
# manifest lists it.
SCRIPTS -= {"agop_collapse_job", "download_data", "claims", "compare", "reference", "pack_study"}
SCRIPTS -= {"make_manifest"}
# Jobs, by their logs.
PREPARE = "logs/prepare_data/digits.log"
BUILD = f"{DEEP_RFM}/logs/build_deep_rfm.log"
MEASURE_DEEP_RFM = f"{DEEP_RFM}/logs/measure_deep_rfm.log".format(0)
TRAIN = f"{NETWORK}/logs/train_network.log".format(0)
MEASURE_NETWORK = f"{NETWORK}/logs/measure_network.log".format(0)
COMBINE, SUMMARISE = "logs/combine_tables/deep_rfm.log", "logs/summarise_nfa.log"
CLAIMS = "logs/check_claims.log"
LIST, SIMULATE = "logs/list_runs.log", "logs/simulate_theory_kernel.log"
PLOT = "logs/figures/fig03.log"
EXPORT_DEEP_RFM = f"{DEEP_RFM}/logs/export_deep_rfm.log".format(0)
EXPORT_NETWORK = f"{NETWORK}/logs/export_network_00002.log".format(0)

# Every script, killed or failing, before it has written anything or behind that; every change.
CASES = [
    Case(
        (
            Fault(PREPARE, "kill", 0),
            Fault(BUILD.format(1), "exception", 2),
            Fault(LIST, "kill", 1),
            Fault(PLOT, "exception", 1),
        ),
        *("n", 2, "figures/"),
    ),
    Case(
        (
            Fault(BUILD.format(0), "kill", 2),
            Fault(MEASURE_DEEP_RFM, "kill", 1),
            Fault(MEASURE_NETWORK, "exception", 1),
            Fault(SUMMARISE, "exception", 1),
            Fault(CLAIMS, "kill", 1),
        ),
        *("formula", 2, ""),
    ),
    Case(
        (
            Fault(TRAIN, "exception", 5),
            Fault(SIMULATE, "kill", 0),
            Fault(COMBINE, "exception", 0),
        ),
        *("setting", 1, "figures/"),
    ),
]
# Of a study of its own.
OTHERS = Case(
    (
        Fault(f"{OWN_NETWORK}/logs/train_own_network.log", "kill", 4),
        Fault(f"{OWN_NETWORK}/logs/measure_own_network.log", "exception", 1),
        Fault("logs/derive_theory.log", "kill", 2),
    ),
    *("others", 1, "figures/"),
)
# Of what is made on demand alone.
EXPORTS = Case(
    (
        Fault(EXPORT_DEEP_RFM, "kill", 1),
        Fault(EXPORT_NETWORK, "exception", 0),
        Fault("logs/make_report.log", "kill", 0),
        Fault("logs/archive_study.log", "exception", 0),
    ),
    *("setting", 1, "features report archive"),
)


@pytest.fixture(scope="module")
def faults(tmp_path_factory) -> Faults:
    """With all that the cases start from and are compared with already built."""
    faults = Faults(tmp_path_factory.mktemp("faults"))
    in_parallel(faults.finished, sorted({case.seeds for case in CASES}))
    in_parallel(lambda case: faults.fresh(case.change, case.seeds), CASES)
    return faults


# A job fails


@pytest.fixture(scope="module")
def failures(faults) -> dict[Case, str]:
    """What went wrong in each case."""

    def run(case: Case) -> str:
        try:
            faults.run(case, faults.root / f"case-{CASES.index(case)}")
        except AssertionError as error:
            return str(error)
        return ""

    return dict(zip(CASES, in_parallel(run, CASES), strict=True))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_same_command_again_ends_in_a_fresh_builds_bytes(failures, case):
    assert failures[case] == ""


def test_points_of_layers_end_in_a_fresh_builds_bytes(tmp_path):
    place = Faults(tmp_path, EXPORTS.target).run(EXPORTS, tmp_path / "case")
    made = [path.parent.name for path in place.work.rglob("features/**/*.safetensors")]
    assert sorted(set(made)) == ["epoch_00002", "features"]


def test_own_networks_and_theorems_end_in_a_fresh_builds_bytes(tmp_path):
    Faults(tmp_path, OTHERS.target, study=others).run(OTHERS, tmp_path / "case")


def test_every_script_fails_in_some_case():
    failing = {script_of(fault.job) for case in (*CASES, OTHERS, EXPORTS) for fault in case.faults}
    assert failing == SCRIPTS


def test_without_an_identity_that_flows_down_old_curves_would_stay(tmp_path):
    """That the cases can fail: with identities of a job's own settings and code alone they do."""
    target = "figures/tiny/fig03.pdf"
    cut = {"plan/identity.py": ('"made_from": list(made_from)', '"made_from": []')}
    faults = Faults(tmp_path, target, cut)
    case = Case((Fault(PREPARE, "kill", 0),), "n", 1, target)
    with pytest.raises(AssertionError, match=rf"not what a fresh build holds: .*'{target}'"):
        faults.run(case, tmp_path / "case")


# Half-made


def test_half_made_runs_are_gone_on_with_by_their_own_settings_alone(faults, tmp_path):
    place = faults.changed("setting", 1, tmp_path / "same")
    folders = [f"results/tiny/{DEEP_RFM}/layers", f"results/tiny/{NETWORK}/checkpoints"]
    folders = [folder.format(0) for folder in folders]
    fail(place, [Fault(BUILD.format(0), "kill", 2), Fault(TRAIN, "exception", 5)], *folders)
    shutil.rmtree(place.work / STORE)
    other = place.copy(tmp_path / "other")
    Change().apply(other, study(1))

    def made(place: Workplace) -> tuple[list[str], dict[str, str]]:
        place.run(*folders, cores=1)
        logs = [place.log(f"results/tiny/{job}") for job in (BUILD.format(0), TRAIN)]
        return [re.search(r"from (\w+ \d+)\n", log)[1] for log in logs], of_runs(place)

    def of_runs(place: Workplace) -> dict[str, str]:
        """The layers and checkpoints, and what is left of half-made ones."""
        return {
            path: digest for path, digest in results(place).items() if path.startswith((*folders,))
        }

    same, others = in_parallel(made, [place, other])
    assert same == (["layer 2", "epoch 1"], of_runs(faults.fresh("setting", 1)))
    assert others == (["layer 1", "epoch 0"], of_runs(faults.finished(1)))
    assert len(same[1]) == len(others[1]) == 1 + 2 + 1 + 1 + 3


# Swapped


def replace(place: Workplace, path: str, source: Path) -> None:
    """Put another file in a result's place, with that one's times."""
    old = place.work / path
    times = os.stat(old)
    shutil.copy(source, old)
    os.utime(old, ns=(times.st_atime_ns, times.st_mtime_ns))


def remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink()


@pytest.fixture(scope="module")
def pictured(faults, tmp_path_factory) -> Workplace:
    """The finished study with one figure more, which reads what no table of the study holds."""
    place = faults.finished(1).copy(tmp_path_factory.mktemp("pictured"))
    PICTURE.apply(place, study(1))
    place.run()
    return place


class Swap(NamedTuple):
    """A result, the file that is put in its place, and an output that is made from it again."""

    path: str
    source: Path
    consumer: str


def swaps_of_every_kind(faults: Faults, place: Workplace) -> list[list[Swap]]:
    """Files of other settings, another seed, or the same run; each list for a copy of the place."""
    deep, network = (f"results/tiny/{run.format(0)}" for run in (DEEP_RFM, NETWORK))
    data, made = "results/tiny/data/digits.safetensors", "results/tiny/tables"
    own, other = place.work, faults.fresh("setting", 1).work
    deep_1, network_1 = (
        faults.finished(2).work / run.replace("seed0", "seed1") for run in (deep, network)
    )

    def combined(table: str, consumer: str) -> Swap:
        path = f"{made}/{table}.parquet"
        return Swap(path, other / path, consumer)

    def table(run: str, name: str, source: Path, consumer: str = "") -> Swap:
        path = f"{run}/{name}.parquet"
        return Swap(path, source, consumer or f"{made}/{name}.parquet")

    layers, epochs = f"{deep}/layers", f"{network}/checkpoints"
    layer_2, epoch_2 = "layer_02.safetensors", "epoch_00002.safetensors"
    return [
        [
            Swap(data, faults.fresh("formula", 2).work / data, layers),
            combined("network_nfa", f"{made}/nfa_summary.csv"),
            combined("theory_kernel", "figures/tiny/v1_fig04.pdf"),
        ],
        [
            Swap(f"{layers}/layer_01.safetensors", own / layers / layer_2, f"{deep}/gram.parquet"),
            Swap(
                f"{epochs}/{epoch_2}",
                network_1 / "checkpoints" / epoch_2,
                f"{network}/network_nc.parquet",
            ),
        ],
        [
            table(deep, "deep_rfm", deep_1 / "deep_rfm.parquet"),
            table(
                deep, "gram_picture", deep_1 / "gram_picture.parquet", "figures/tiny/v1_fig02.png"
            ),
            table(network, "network_nc", network_1 / "network_nc.parquet"),
        ],
        [
            table(deep, "gram", other / deep / "gram.parquet"),
            table(network, "network_nfa", other / network / "network_nfa.parquet"),
        ],
        [
            table(deep, "agop_spectrum", own / deep / "gram.parquet"),
            table(network, "network_training", own / network / "network_nc.parquet"),
        ],
    ]


def test_a_swapped_file_is_refused_and_the_advice_mends_it(faults, pictured, tmp_path):
    def mended(swaps: list[Swap]) -> tuple[dict[str, str], str]:
        """The advice by the file that it is about, and what is wrong when it has been followed."""
        place = pictured.copy(tmp_path / Path(swaps[0].path).stem)
        for path, source, consumer in swaps:
            replace(place, path, source)
            remove(place.work / consumer)
        run = place.run("--keep-going", succeed=False, cores=1)
        assert "Traceback (most recent call last)" not in run.stdout
        said = re.findall(
            r"^    \w+: (\S+) holds .*; delete (\S+) and run again$", run.stdout, re.M
        )
        for advice in {advice for _, advice in said}:
            remove(place.work / advice)
        place.run(cores=1)
        return dict(said), compare(results(place), results(pictured))

    rounds = swaps_of_every_kind(faults, pictured)
    for swaps, (said, wrong) in zip(rounds, in_parallel(mended, rounds), strict=True):
        # The files of one run are derived together.
        folders = {swap.path: str(Path(swap.path).parent) for swap in swaps}
        together = re.compile(r"/(layers|checkpoints)$")
        assert said == {
            path: folder if together.search(folder) else path for path, folder in folders.items()
        }
        assert wrong == ""


def results_of(place: Workplace) -> Iterable[Path]:
    """What runs have made, not its second names."""
    files = (place.work / "results").glob("[!.]*/**/*")
    return sorted(path for path in files if path.suffix in (".safetensors", ".parquet"))


def read(path: Path, identity: str) -> None:
    """Read a file as what its name says."""
    match path.stem.split("_"):
        case ["layer", number]:
            load_layer(path.parent, int(number), identity)
        case ["predictor"] if path.suffix == ".safetensors":
            load_predictor(path.parent, 3, identity)  # behind two layers
        case ["epoch", number]:
            load_epoch(path.parent, int(number), identity)
        case _ if path.suffix == ".safetensors":
            load_dataset(path, identity)
        case _:
            tables.load(path, path.stem, identity)


def test_no_file_is_read_in_place_of_another(faults, tmp_path):
    """Each of a finished study's files, and in its place each of the same and of other studies."""
    ours = [path for path in results_of(faults.finished(1)) if path.stem != "runs"]
    others = [*results_of(faults.finished(2)), *results_of(faults.fresh("setting", 1))]
    assert {path.suffix for path in ours} == {".safetensors", ".parquet"}
    contents = {path: path.read_bytes() for path in (*ours, *others)}
    for wanted in ours:
        path, identity = tmp_path / wanted.name, read_identity(wanted)
        path.write_bytes(contents[wanted])
        read(path, identity)
        for content in {*contents.values()} - {contents[wanted]}:
            path.write_bytes(content)
            with pytest.raises(StorageError, match=re.escape(str(path))):
                read(path, identity)


# Times, and records


def test_touched_files_plan_nothing(faults, tmp_path):
    """Every file of the results and of the repository, what is made from others first."""
    place = faults.finished(1).copy(tmp_path)

    def rank(path: Path) -> int:
        within, *parts = path.relative_to(place.root).parts
        order = [within == "work" and parts[0] == "figures", "tables" in parts]
        order += [path.suffix == ".parquet", "layers" in parts or "checkpoints" in parts, True]
        return order.index(True)

    start = time.time() - 10
    for path in place.root.rglob("*"):
        if path.is_file():
            os.utime(path, (start + rank(path), start + rank(path)))
    assert place.plan("all") == {}


def test_a_touched_file_that_is_large_plans_nothing(tmp_path):
    """Beyond the megabyte up to which Snakemake looks at content of itself."""
    images = {"kind": "npz", "path": "images.npz", "n": 300}
    study = {"seeds": [0], "datasets": {"images": images}, "deep_rfm": [{"depth": 1, "width": 16}]}
    place = Workplace.make(tmp_path, {"tiny": study | {"device": "cpu"}})
    pixels = np.random.default_rng(0).integers(256, size=(300, 32, 32), dtype=np.uint8)
    np.savez(place.work / "images.npz", x=pixels, y=np.arange(300) % 2)
    target = "results/tiny/deep_rfm/images/laplace-relu-agop/seed0/layers"
    place.run(target)
    data = place.work / "results/tiny/data/images.safetensors"
    assert data.stat().st_size > 1e6
    data.touch()
    assert place.plan(target) == {}


def test_without_records_the_results_of_other_settings_are_named(faults, tmp_path):
    place = faults.finished(1).copy(tmp_path)
    shutil.rmtree(place.work / ".snakemake" / "metadata")
    CHANGES["setting"].apply(place, study(1))
    said = place.run("-n").stdout
    assert "Nothing to be done" in said
    named = re.search(r"^ +snakemake all -R (.+)$", said, re.MULTILINE)[1].split()
    planned = place.run("-n", "all", "-R", *named).stdout
    counts = dict(re.findall(r"^(\w+) +(\d+)$", planned, re.MULTILINE))
    # All but the data: what is named, and what is made from it.
    others = {"prepare_data", "export_deep_rfm", "export_network", "combine_tables"}
    others |= {"make_report", "archive_study", "derive_theory"}
    others |= {"train_own_network", "measure_own_network"}
    combined = {"combine_deep_rfm", "combine_networks"}
    assert counts.keys() == SCRIPTS - others | combined | {"all", "total"}
    assert int(counts["total"]) == len(faults.jobs(1)) - 1 + 1
