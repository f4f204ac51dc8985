"""Deeper, longer, back, elsewhere: what was made is not made again, and all bytes are the same."""

import copy
import re
import shutil

import pytest
from agop_collapse.plan.paths import STORE
from studies import MLP, RELU
from workflow_helpers import Workplace, contents, in_parallel

pytestmark = pytest.mark.slow

DEEP = "results/{}/deep_rfm/digits/laplace-relu-agop/seed0"
NETWORK = "results/{}/networks/digits/mlp/seed0"
SHORT = {
    "seeds": [0],
    "device": "cpu",
    "datasets": {"digits": {"kind": "digits", "n": 100}},
    "deep_rfm": [RELU | {"depth": 2}],
    "networks": [MLP | {"epochs": 2}],
}


def longer() -> dict:
    study = copy.deepcopy(SHORT)
    study["deep_rfm"][0]["depth"], study["networks"][0]["epochs"] = 5, 6
    return study


def begun(place: Workplace, study: str) -> tuple[str, str]:
    """From where layers and epochs were computed."""
    build = place.log(f"{DEEP.format(study)}/logs/build_deep_rfm.log")
    train = place.log(f"{NETWORK.format(study)}/logs/train_network.log")
    epoch = re.search(r"from epoch (\d+)|all epochs have been trained", train)
    return re.search(r"from layer (\d+)", build)[1], epoch[1] or "-"


def made(place: Workplace, study: str = "a") -> dict[str, str]:
    return contents(place.work / "results" / study)


@pytest.fixture(scope="module")
def places(tmp_path_factory) -> tuple[Workplace, Workplace]:
    """A short study and a longer one, each from nothing."""
    root = tmp_path_factory.mktemp("longer")
    both = [
        Workplace.make(root / name, {"a": study})
        for name, study in (("short", SHORT), ("long", longer()))
    ]
    in_parallel(lambda place: place.run("tables", cores=1, study="a"), both)
    return tuple(both)


def test_deeper_longer_back_and_elsewhere(places, tmp_path):
    short, long = places
    place = short.copy(tmp_path / "place")
    assert begun(place, "a") == ("1", "0")
    place.configure({"a": longer()})
    place.run("tables", cores=1, study="a")
    assert begun(place, "a") == ("3", "2")
    assert made(place) == made(long)
    place.configure({"a": SHORT})
    place.run("tables", cores=1, study="a")
    assert begun(place, "a") == ("3", "-")
    assert made(place) == made(short)
    place.configure({"b": longer()})
    place.run("tables", cores=1, study="b")
    assert begun(place, "b") == ("6", "-")
    folder = place.work / DEEP.format("b") / "layers"
    assert (folder / "layer_01.safetensors").stat().st_nlink == 3
    assert made(place, "b").keys() == made(long).keys()


def test_deleting_outputs_leaves_the_store_and_deleting_that_costs_time_alone(places, tmp_path):
    short, _ = places
    place = short.copy(tmp_path / "place")
    place.run("tables", "--delete-all-output", study="a")
    assert not made(place)
    place.run("tables", cores=1, study="a")
    assert begun(place, "a") == ("3", "-")
    shutil.rmtree(place.work / STORE)
    assert "Nothing to be done" in place.run("tables", cores=1, study="a").stdout
    place.run("tables", "--delete-all-output", study="a")
    place.run("tables", cores=1, study="a")
    assert begun(place, "a") == ("1", "0")
    assert made(place) == made(short)
