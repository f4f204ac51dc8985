"""Files of a job, wherever they lie."""

import pytest
from agop_collapse.files.places import located


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
