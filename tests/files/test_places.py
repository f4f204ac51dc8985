"""Files of a job, wherever they lie."""

from pathlib import Path

import pytest
from agop_collapse.files.places import folder_above, located


def test_each_part_has_the_file_at_its_place_in_the_input():
    parts = {"gram": [({"seed": 0}, "a"), ({"seed": 1}, "b")], "runs": [(None, "c")]}
    assert located(parts, ["/copies/1", "/copies/2", "/copies/3"]) == {
        "gram": [("/copies/1", {"seed": 0}, "a"), ("/copies/2", {"seed": 1}, "b")],
        "runs": [("/copies/3", None, "c")],
    }


@pytest.mark.parametrize("paths", [["one"], ["one", "two", "three"]])
def test_more_or_fewer_files_than_parts_are_refused(paths):
    with pytest.raises(ValueError, match=f"{len(paths)} files for 2 parts of gram, runs"):
        located({"gram": [({}, "a")], "runs": [(None, "b")]}, paths)


def test_a_folder_is_found_by_the_name_of_a_file_in_it():
    assert folder_above("/copies/data/svhn/train.mat", "train.mat") == Path("/copies/data/svhn")
    assert folder_above("data/mnist/MNIST/raw/x", "MNIST/raw/x") == Path("data/mnist")
    with pytest.raises(ValueError, match="data/mnist/raw/x does not end in MNIST/raw/x"):
        folder_above("data/mnist/raw/x", "MNIST/raw/x")
