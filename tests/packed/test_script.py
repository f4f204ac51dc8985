"""The stand-in for Snakemake's object, beside Snakemake's own."""

from agop_collapse.packed.script import Named, stand_in
from snakemake.iocontainers import Namedlist

FILES = {"data": "a", "layers": "b", "others": ["c", "d"], "none": []}


def of_snakemake() -> Namedlist:
    """As Snakemake makes it of a rule's inputs."""
    found = Namedlist()
    for name, value in FILES.items():
        begin = len(found)
        found.extend(value if isinstance(value, list) else [value])
        if isinstance(value, list):
            found._set_name(name, begin, len(found))
        else:
            found._set_name(name, begin)
    return found


def test_values_are_found_as_snakemakes_are():
    ours, theirs = Named(**FILES), of_snakemake()
    assert list(ours) == list(theirs) == ["a", "b", "c", "d"]
    assert ours[0] == theirs[0] == "a"
    assert ours.layers == theirs.layers == ours["layers"] == theirs["layers"] == "b"
    assert list(ours.others) == list(theirs.others) == ["c", "d"]
    assert list(ours.none) == list(theirs.none) == []
    assert ours.get("gres", "") == theirs.get("gres", "") == ""


def test_a_script_is_given_all_of_its_job(jobs):
    measure = jobs[2]
    found = stand_in(measure)
    assert found.rule == "measure"
    assert found.params.settings is measure.settings
    assert found.log[0] == measure.log
    assert found.input.layers == measure.inputs["layers"]
    assert found.output["found"] == found.output[0] == measure.outputs["found"]
    assert found.resources.gpu == measure.gpus == 0
