"""Title, size, footer, and files that come out the same twice."""

import os
import re
import subprocess
import sys

import matplotlib
import pytest
from agop_collapse.plots import deep_rfm_curves, gram, save
from matplotlib.figure import Figure
from PIL import Image

IDENTITY = "0123456789abcdef" * 4


@pytest.fixture
def rows(make_row):
    return [make_row("MNIST, Gaussian, ReLU", "mnist", "gaussian-relu-agop")]


@pytest.fixture
def fig(deep_rfm, rows):
    return deep_rfm_curves.draw({"deep_rfm": deep_rfm}, rows)


def test_drawing_leaves_no_settings_behind(deep_rfm, rows, tmp_path):
    before = dict(matplotlib.rcParams)
    fig = deep_rfm_curves.draw({"deep_rfm": deep_rfm}, rows)
    save.finish(fig, title="title", footer="footer")
    save.save(fig, tmp_path / "a.pdf", tmp_path / "a.png", IDENTITY)
    assert dict(matplotlib.rcParams) == before


@pytest.mark.parametrize("text", ["study demo", "a few words, 5 $ and {_ " * 20, "x" * 500])
def test_footer_is_below_all_else_and_inside(fig, text):
    fig.draw_without_rendering()
    panel = fig.axes[0].get_window_extent()
    save.finish(fig, footer=text)
    fig.draw_without_rendering()
    footer = fig.texts[-1].get_window_extent()
    assert "".join(fig.texts[-1].get_text().split()) == "".join(text.split())
    assert 0 <= footer.x0 < footer.x1 <= fig.bbox.x1
    assert 0 <= footer.y0 < footer.y1 < min(ax.get_tightbbox().y0 for ax in fig.axes)
    assert panel.height == pytest.approx(fig.axes[0].get_window_extent().height, abs=2)


@pytest.mark.parametrize("title", ["Collapse", "A long title, of many words; " * 8])
def test_title_is_above_the_legend_and_inside(fig, title):
    fig.draw_without_rendering()
    panel = fig.axes[0].get_window_extent()
    save.finish(fig, title=title, footer="study demo")
    fig.draw_without_rendering()
    (legend,) = fig.legends
    heading = legend.get_title().get_window_extent()
    assert legend.get_title().get_text().split() == title.split()
    assert heading.y0 > max(text.get_window_extent().y1 for text in legend.get_texts())
    assert 0 <= heading.x0 < heading.x1 <= fig.bbox.x1
    assert heading.y1 <= fig.bbox.y1
    assert panel.height == pytest.approx(fig.axes[0].get_window_extent().height, abs=4)


def test_title_of_a_figure_without_legend(pictures, classes, make_row):
    rows = [make_row("CIFAR-10, Laplace, cos", "cifar10", "laplace-cos-agop")]
    fig = gram.draw({"gram_picture": pictures, "classes": classes}, rows, [1, 3])
    save.finish(fig, title="Gram matrices", footer="study demo")
    fig.draw_without_rendering()
    heading, _ = fig.texts
    assert heading.get_text() == "Gram matrices"
    extent = heading.get_window_extent()
    assert extent.y1 <= fig.bbox.y1
    assert extent.y0 >= max(ax.get_tightbbox().y1 for ax in fig.axes)


def test_without_title_and_footer_the_figure_stays_as_it_is(fig):
    before = tuple(fig.get_size_inches())
    save.finish(fig)
    assert tuple(fig.get_size_inches()) == before
    assert not fig.texts
    assert fig.legends[0].get_title().get_text() == ""


def test_size_is_that_of_all_but_the_footer(fig):
    save.finish(fig, title="Narrow", size=(2.6, 4.0))
    assert tuple(fig.get_size_inches()) == (2.6, 4.0)
    fig.draw_without_rendering()
    (legend,) = fig.legends
    assert legend.get_window_extent().width <= fig.bbox.width
    assert legend.get_texts()[0].get_text() == "$X$"


def test_footer_makes_a_sized_figure_higher(fig):
    save.finish(fig, size=(4.0, 3.0), footer="study demo")
    width, height = fig.get_size_inches()
    assert width == 4
    assert 3.1 < height < 3.3


DRAW_AGAIN = """
import sys, matplotlib, pandas
matplotlib.rcParams.update({"font.size": 20, "axes.grid": True, "pdf.fonttype": 3})
from agop_collapse.plots import deep_rfm_curves, save
table, pdf, png = sys.argv[1:]
fig = deep_rfm_curves.draw({"deep_rfm": pandas.read_pickle(table)}, %r)
save.finish(fig, title="title", footer="study demo")
save.save(fig, pdf, png, %r)
assert "torch" not in sys.modules
assert not [name for name in sys.modules if name.startswith("agop_collapse.plan")]
"""


def test_files_are_the_same_in_another_process(fig, deep_rfm, rows, tmp_path):
    """One with another hash seed, and a user who likes other settings."""
    save.finish(fig, title="title", footer="study demo")
    save.save(fig, tmp_path / "here.pdf", tmp_path / "here.png", IDENTITY)
    save.save(fig, tmp_path / "again.pdf", tmp_path / "again.png", IDENTITY)

    table = tmp_path / "table.pickle"
    deep_rfm.to_pickle(table)
    there = tmp_path / "there.pdf", tmp_path / "there.png"
    subprocess.run(
        [sys.executable, "-c", DRAW_AGAIN % (rows, IDENTITY), table, *there],
        env=os.environ | {"PYTHONHASHSEED": "7", "PYTHONPATH": os.pathsep.join(sys.path)},
        check=True,
    )
    for kind in ("pdf", "png"):
        content = (tmp_path / f"here.{kind}").read_bytes()
        assert content == (tmp_path / f"again.{kind}").read_bytes()
        assert content == (tmp_path / f"there.{kind}").read_bytes()
    assert len(list(tmp_path.iterdir())) == 7


def test_files_are_fit_for_print(fig, tmp_path):
    save.save(fig, tmp_path / "a.pdf", tmp_path / "a.png", IDENTITY)
    pdf = (tmp_path / "a.pdf").read_bytes()
    assert b"/FontFile2" in pdf
    assert b"/Type3" not in pdf
    assert b"CreationDate" not in pdf
    with Image.open(tmp_path / "a.png") as png:
        assert png.width == 5.5 * 300
        assert png.info["dpi"] == pytest.approx((300, 300), abs=0.1)


def test_files_say_what_they_were_drawn_of(fig, tmp_path):
    """In plain bytes near an end of the file, once."""
    pdf, png = tmp_path / "a.pdf", tmp_path / "a.png"
    save.save(fig, pdf, png, IDENTITY)
    for path in (pdf, png):
        content = path.read_bytes()
        ends = content[: 2**16] + b"\n" + content[max(2**16, len(content) - 2**16) :]
        found = re.findall(rb"identity\W{1,8}([0-9a-f]{64})", ends)
        assert found == [IDENTITY.encode()]
    with Image.open(png) as image:
        assert image.text["identity"] == IDENTITY


def test_failed_save_leaves_the_old_file_and_nothing_else(tmp_path):
    pdf, png = tmp_path / "a.pdf", tmp_path / "a.png"
    pdf.write_text("old")
    fig = Figure()
    fig.text(0, 0, r"$\frac{$")
    with pytest.raises(ValueError, match="frac"):
        save.save(fig, pdf, png, IDENTITY)
    assert pdf.read_text() == "old"
    assert list(tmp_path.iterdir()) == [pdf]
