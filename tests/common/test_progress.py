"""Progress as text."""

import re

from agop_collapse.common.progress import steps


def test_steps_say_how_many_are_done_and_what_time_is_left(capsys):
    progress = steps(10, 4, "layer")
    assert str(progress) == "4 of 10 layers in 00:00, ? left"
    progress.update()
    assert re.fullmatch(r"5 of 10 layers in 00:0\d, 00:0\d left", str(progress))
    assert capsys.readouterr() == ("", "")
