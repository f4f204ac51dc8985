"""The page: all of it there, in one file, with nothing of a study's texts let loose."""

import itertools
import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest
from agop_collapse.common.errors import UserError
from agop_collapse.report.figures import figure
from agop_collapse.report.page import render
from PIL import Image
from PIL.PngImagePlugin import PngInfo
from small_report import NASTY


class Reader(HTMLParser):
    """Elements with their attributes, and all that is text."""

    def __init__(self, page: str):
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self._inside = ""
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        self._inside = tag

    def handle_data(self, data):
        if self._inside not in ("style", "script"):
            self.texts.append(data)

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]


@pytest.fixture
def page(report) -> str:
    return render(report)


def test_texts_of_a_study_are_texts(page):
    read = Reader(page)
    assert len(read.all("script")) == 1
    assert NASTY in "".join(read.texts)
    assert NASTY in {image["alt"] for image in read.all("img")}
    assert page.count("document.title=") == page.count("&lt;script&gt;document.title=")


def test_page_needs_nothing_but_itself(page):
    read = Reader(page)
    for tag, attributes in read.elements:
        for name, value in attributes.items():
            if name in ("src", "href", "srcset", "action", "data", "poster"):
                assert value.startswith(("data:", "#")), (tag, name)
    assert "url(" not in page
    assert "@import" not in page
    assert not re.search(r"\bfetch\(|XMLHttpRequest|WebSocket|sendBeacon|import\(", page)
    (policy,) = [
        each["content"]
        for each in read.all("meta")
        if each.get("http-equiv") == "Content-Security-Policy"
    ]
    assert policy.startswith("default-src 'none'; img-src data:; ")
    assert "unsafe" not in policy


def test_every_picture_has_an_alternative_and_every_heading_its_place(page):
    read = Reader(page)
    images = [image for image in read.all("img") if image.get("src")]
    assert len(images) == 2 + 2 * 4
    assert all(image["alt"] for image in images)
    levels = [int(tag[1]) for tag, _ in read.elements if re.fullmatch(r"h[1-6]", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in itertools.pairwise(levels))
    ids = [attributes["id"] for _, attributes in read.elements if attributes.get("id")]
    assert len(ids) == len(set(ids))
    for link in read.all("a"):
        if link["href"].startswith("#"):
            assert link["href"][1:] in ids


def test_page_says_all_that_it_is_given(page, report):
    text = " ".join("".join(Reader(page).texts).split())
    for said in (
        "NC1 falls from 2 to 0.01.",
        "1 reproduced",
        "1 not reproduced",
        "1 not measured",
        "Deep RFM collapses",
        "1.2 × 10⁻⁴",
        "no such GPU",
        "The pictures of 2 more runs are in their folders alone.",
        "a row for each run, layer and stage · 36 × ",
        "2.14.1",
        report.identity,
    ):
        assert said in text


def test_page_without_claims_figures_and_layers(report):
    bare = replace(report, claims=None, figures=[], walks=[], settings=[], versions=[])
    read = Reader(render(bare))
    targets = [link["href"] for link in read.all("a") if link["href"].startswith("#")]
    assert targets == ["#content", "#tables", "#cost", "#settings", "#versions"]
    assert "records of the runs are not there" in "".join(read.texts)


def test_same_report_is_the_same_page(report):
    assert render(report) == render(report)


def png(path, identity: str) -> None:
    information = PngInfo()
    information.add_text("identity", identity)
    Image.new("RGB", (30, 20)).save(path, pnginfo=information)


def test_figure_is_the_one_that_was_drawn(tmp_path):
    path, identity = tmp_path / "fig.png", "ab" * 32
    png(path, identity)
    shown = {"name": "fig", "kind": "own", "title": "", "description": "a kind of my own"}
    shown |= {"file": "figures/mine/fig", "rows": [], "options": {}}
    made = figure(shown, str(path), identity, {})
    assert (made.width, made.height, made.title) == (30, 20, "A kind of my own")
    assert figure(shown | {"title": "Mine"}, str(path), identity, {}).title == "Mine"
    png(path, "cd" * 32)
    with pytest.raises(UserError, match="other settings, data or code"):
        figure(shown, str(path), identity, {})
