"""Objects by the place of their code."""

import math
import os
import sys
from pathlib import Path

import pytest
from agop_collapse.common.errors import UserError
from agop_collapse.common.lookup import find_object, module_elsewhere, own_file
from agop_collapse.machine.kernels import laplace
from agop_collapse.plan import registry

OWN = "own_objects_of_the_lookup_test"


@pytest.fixture
def own_folder(tmp_path, monkeypatch):
    """A working folder with a module in it, that is not on the path as a script's is."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [folder for folder in sys.path if folder])
    (tmp_path / f"{OWN}.py").write_text("thing = 7\n")
    (tmp_path / "own_package").mkdir()
    (tmp_path / "own_package" / "inner.py").write_text("thing = 8\n")
    (tmp_path / "own_broken.py").write_text("import no_such_module_at_all\n")
    yield
    for name in (OWN, "own_package", "own_package.inner", "own_broken"):
        sys.modules.pop(name, None)


def test_objects_of_the_library_and_of_any_module():
    assert find_object("agop_collapse.machine.kernels.laplace:kernel") is laplace.kernel
    assert find_object("math:pi") is math.pi


@pytest.mark.parametrize(
    "names", ["KERNELS", "MODELS", "ACTIVATIONS", "LOSSES"], ids=lambda names: names.lower()
)
def test_each_entry_of_the_plan_is_an_object_of_its_own(names):
    places = [entry.place for entry in getattr(registry, names).values()]
    found = [find_object(place) for place in places]
    assert len({id(thing) for thing in found}) == len(places) > 1


def test_objects_of_a_file_in_the_working_folder(own_folder):
    assert find_object(f"{OWN}:thing") == 7
    assert find_object("own_package.inner:thing") == 8
    assert sys.path.count("") == 1
    assert sys.path[-1] == ""  # a file of the user's own shadows no library


@pytest.mark.parametrize(
    ("place", "reason"),
    [
        ("agop_collapse.machine.kernels.laplace:cernel", "has no attribute 'cernel'"),
        ("agop_collapse.machine.kernels.cauchy:kernel", "No module named .*cauchy"),
        ("no_such_file:kernel", "No module named 'no_such_file'"),
        ("own_broken:kernel", "No module named 'no_such_module_at_all'"),
    ],
)
def test_what_is_not_there(own_folder, place, reason):
    with pytest.raises(UserError, match=f"^'{place}' cannot be found: .*{reason}"):
        find_object(place)


@pytest.mark.parametrize(
    "place", ["", "laplace", "math:", ":pi", ".math:pi", "my file:pi", "math:pi:e", "math..x:pi"]
)
def test_what_is_no_place(place):
    with pytest.raises(UserError, match="must read module:object"):
        find_object(place)


@pytest.mark.parametrize(
    ("module", "other"), [("random", "random.py"), ("sys", "a module of its own")]
)
def test_another_module_is_not_taken_for_the_users_own(own_folder, module, other):
    Path(f"{module}.py").write_text("thing = 7\n")
    with pytest.raises(UserError, match=f"^'{module}:thing': Python takes .*{other} by that name"):
        find_object(f"{module}:thing")


def test_where_else_a_module_lies(own_folder):
    assert module_elsewhere(OWN) is None
    assert module_elsewhere("own_package") is None
    assert module_elsewhere("numpy").endswith("numpy/__init__.py")
    assert module_elsewhere("json") == module_elsewhere("sys") == "a module of its own"
    sys.path.append(os.getcwd())
    assert module_elsewhere(OWN) is None


def test_file_of_a_place():
    assert own_file("nets.small:backbone") == Path("nets", "small.py")
