"""Progress as text."""

import re
import time

from agop_collapse.common.progress import Steps


def test_steps_say_how_many_are_done_and_what_time_is_left(capsys):
    progress = Steps(10, 4, "layer")
    assert str(progress) == "4 of 10 layers in 00:00, ? left"
    progress.update()
    assert re.fullmatch(r"5 of 10 layers in 00:0\d, 00:0\d left", str(progress))
    assert capsys.readouterr() == ("", "")


def test_what_is_left_goes_by_the_steps_of_this_process(monkeypatch):
    now = 1000.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    progress = Steps(100, 90, "epoch")
    now += 125
    progress.update()
    assert str(progress) == "91 of 100 epochs in 02:05, 18:45 left"
    now += 3600
    assert str(progress) == "91 of 100 epochs in 1:02:05, 9:18:45 left"
