"""The page of the ledger: whole, escaped, and readable without seeing it."""

from html.parser import HTMLParser

import hand_made
import pytest
from agop_collapse.claims import ledger
from agop_collapse.claims.page import page
from agop_collapse.files.stamp import read_identity

IDENTITY = "a1" * 32
VOID = {"meta", "br"}
FIGURES = {"gram": ["fig01", "fig06"], "ablation": ["ablation"]}


class Page(HTMLParser):
    """Elements as (tag, attributes, text inside), with every tag closed in its order."""

    def __init__(self, text: str):
        super().__init__()
        self.found: list[tuple[str, dict, list[str]]] = []
        self._open: list[tuple[str, dict, list[str]]] = []
        self.feed(text)
        self.close()
        assert not self._open

    def handle_starttag(self, tag, attrs):
        element = (tag, dict(attrs), [])
        self.found.append(element)
        if tag not in VOID:
            self._open.append(element)

    def handle_endtag(self, tag):
        assert self._open.pop()[0] == tag

    def handle_data(self, data):
        for _, _, text in self._open:
            text.append(data)

    def all(self, tag: str) -> list[tuple[dict, str]]:
        return [(given, "".join(text)) for name, given, text in self.found if name == tag]


def text_of(study: str = "mine", tables=None, figures=FIGURES) -> str:
    tables = hand_made.tables() if tables is None else tables
    checked = [ledger.check(claim, tables) for claim in ledger.CLAIMS]
    return page(study, checked, figures, IDENTITY)


@pytest.fixture(scope="module")
def made() -> Page:
    return Page(text_of())


def test_it_says_its_language_title_and_identity(made, tmp_path):
    assert made.all("html")[0][0] == {"lang": "en"}
    assert [text for _, text in made.all("title")] == ["Claims of the paper in the study mine"]
    assert [text for _, text in made.all("h1")] == ["Claims of the paper in the study mine"]
    assert {"charset": "utf-8"} in [given for given, _ in made.all("meta")]
    (tmp_path / "claims.html").write_text(text_of(), encoding="utf-8")
    assert read_identity(tmp_path / "claims.html") == IDENTITY


def test_it_needs_no_other_file(made):
    assert not {tag for tag, _, _ in made.found} & {"link", "script", "img", "iframe"}
    assert "url(" not in text_of()


def test_each_cell_of_a_head_has_a_scope(made):
    heads = made.all("th")
    assert {given["scope"] for given, _ in heads} == {"row", "col"}
    assert all(text.strip() for _, text in heads)
    assert [tag for tag, _, _ in made.found if tag.startswith("h") and tag[1:].isdigit()][:3] == [
        *("h1", "h2", "h3"),
    ]


def test_each_claim_has_its_verdict_sentence_and_numbers(made):
    articles = {given["id"]: text for given, text in made.all("article")}
    assert list(articles) == [claim.id for claim in ledger.CLAIMS]
    linked = {given["href"][1:] for given, _ in made.all("a") if given["href"].startswith("#")}
    assert linked == set(articles)
    for claim in ledger.CLAIMS:
        checked = ledger.check(claim, hand_made.tables())
        text = articles[claim.id]
        assert claim.sentence in text
        assert claim.source in text
        assert checked.verdict.replace("_", " ") in text
        for quantity in claim.quantities:
            assert quantity.words in text
            assert quantity.bounds in text
    assert "mnist, mlp" in articles["C8"]
    assert "0: 0.8; 1: 0.8" in articles["C8"].replace("\n", " ").replace("; 2: 0.8", "")
    assert "0.8 ± 0" in articles["C8"]
    assert "0.74" in articles["C10"]


def test_figures_are_linked_from_where_the_page_lies(made):
    links = [given["href"] for given, _ in made.all("a") if not given["href"].startswith("#")]
    assert links == [
        *(f"../../figures/mine/{name}.png" for name in ("fig01", "fig06", "ablation")),
    ]


def test_what_names_a_run_is_escaped():
    bad = '<b>"x"&'
    tables = {
        table: rows.replace({"run": {"mlp": bad}}) if "run" in rows else rows
        for table, rows in hand_made.tables().items()
    }
    found = Page(text_of(tables=tables))
    assert not found.all("b")
    assert any(bad in text for _, text in found.all("article"))


def test_a_study_of_nothing_has_a_page():
    tables = {"runs": hand_made.tables()["runs"].iloc[:0]}
    found = Page(text_of("bare", tables, {}))
    assert not found.all("details")
    assert f"{len(ledger.CLAIMS)} not measured" in " ".join(found.all("ul")[0][1].split())
