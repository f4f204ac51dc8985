"""The page in a real browser: opened, clicked through, read without a mouse and without script."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest
from agop_collapse.report.page import render
from small_report import NASTY, make_claims, make_report, make_tables

pytestmark = pytest.mark.slow

REASON = "needs tests/browser.txt and a Chromium or Chrome (CONTRIBUTING.md)"
playwright = pytest.importorskip("playwright.sync_api", reason=REASON)
axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason=REASON)

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
BROWSER = next(filter(None, map(shutil.which, NAMES)), None)
if BROWSER is None:
    pytest.skip(REASON, allow_module_level=True)

WIDE, NARROW = {"width": 1280, "height": 900}, {"width": 390, "height": 800}


@pytest.fixture(scope="module")
def browser() -> Iterator:
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=BROWSER)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def file(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("page")
    path = folder / "report.html"
    path.write_text(render(make_report(make_tables(), folder)), encoding="utf-8")
    return path


@pytest.fixture
def opened(browser, file):
    """Function that opens the page, with some options. None asks for anything, or has an error."""
    pages, complaints = [], []

    def open_page(**options):
        page = browser.new_page(**({"viewport": WIDE} | options))
        pages.append(page)
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on(
            "request",
            lambda request: (
                request.url.startswith("data:")
                or request.url == file.as_uri()
                or complaints.append(request.url)
            ),
        )
        page.goto(file.as_uri())
        return page

    yield open_page
    for page in pages:
        page.close()
    assert complaints == []


def test_page_renders(opened):
    page = opened()
    assert page.title() == "mine: deep neural collapse by the AGOP"
    for image in page.locator("#figures img").all():
        assert image.evaluate("each => each.complete && each.naturalWidth") == 800
    assert page.locator("figcaption", has_text="NC1 falls from 2 to 0.01.").is_visible()
    assert page.locator("h1").text_content() == "mine"


def test_names_are_shown_as_they_are(opened):
    page = opened()
    assert page.locator(".lead").text_content() == NASTY
    assert page.locator("script").count() == 1


@pytest.mark.parametrize("way", ["mouse", "keyboard"])
def test_figure_opens_large_and_closes(opened, way):
    page = opened()
    small = page.locator("#fig03 .enlarge")
    dialog = page.get_by_role("dialog")
    assert not dialog.is_visible()
    if way == "mouse":
        small.click()
    else:
        small.focus()
        page.keyboard.press("Enter")
    large = dialog.locator("img")
    assert large.is_visible()
    assert large.get_attribute("alt") == "A line that falls from 2 to 0.01."
    assert large.bounding_box()["width"] > small.bounding_box()["width"]
    if way == "mouse":
        dialog.get_by_role("button", name="Close").click()
    else:
        page.keyboard.press("Escape")
    assert not dialog.is_visible()


def test_slider_walks_through_the_layers(opened):
    page = opened()
    walk = page.locator(".walk").first
    slider = walk.get_by_label("Layer", exact=True)
    marks = walk.locator(".panels figure").first.locator(".mark circle")

    def now() -> tuple[str, str, float]:
        (visible,) = (step for step in walk.locator("li").all() if step.is_visible())
        (mark,) = (mark for mark in marks.all() if mark.is_visible())
        return (
            visible.locator("figcaption").text_content(),
            slider.get_attribute("aria-valuetext"),
            float(mark.get_attribute("cy")),
        )

    says, name, first = now()
    assert (says.startswith("input data: NC1 1,"), name) == (True, "input data")
    slider.focus()
    page.keyboard.press("ArrowRight")
    says, name, second = now()
    assert (says.startswith("layer 1, M½ X: NC1 0.5,"), name) == (True, "layer 1, M^½ X")
    page.keyboard.press("End")
    says, name, last = now()
    assert says.startswith("layer 3, M½ X: NC1 0.005,")
    assert walk.locator("output").text_content() == "layer 3, M½ X"
    assert first < second < last  # it falls, so marks go down


def test_another_run_is_chosen(opened):
    page = opened()
    first, second = page.locator(".walk").all()
    assert (first.is_visible(), second.is_visible()) == (True, False)
    page.get_by_label("Run", exact=True).select_option(label=NASTY)
    assert (first.is_visible(), second.is_visible()) == (False, True)


def cells(page, table: str, column: int) -> list[str]:
    return page.locator(f"{table} tbody tr td:nth-child({column})").all_text_contents()


def test_tables_sort_by_number_and_by_word(opened):
    page = opened()
    page.locator("#table-deep_rfm summary").click()
    nc1 = list(make_tables()["deep_rfm"].columns).index("nc1") + 1
    head = page.locator("#table-deep_rfm th").nth(nc1 - 1)
    for order, reverse in (("ascending", False), ("descending", True)):
        head.get_by_role("button").click()
        assert head.get_attribute("aria-sort") == order
        values = list(map(float, cells(page, "#table-deep_rfm", nc1)))
        assert values == sorted(values, reverse=reverse)
        assert len(set(values)) > 10
    stage = list(make_tables()["deep_rfm"].columns).index("stage") + 1
    page.locator("#table-deep_rfm th").nth(stage - 1).get_by_role("button").click()
    stages = cells(page, "#table-deep_rfm", stage)
    assert stages == ["MX"] * 12 + ["PhiMX"] * 12 + ["X"] * 12


def test_claims_are_read_and_sorted(opened):
    page = opened()
    claims = page.locator("#claims")
    for verdict in ("1 reproduced", "1 not reproduced", "1 not measured"):
        assert claims.get_by_text(verdict, exact=True).is_visible()
    assert claims.locator("tbody tr").count() == len(make_claims())
    for _ in range(2):  # numbers in words sort as words, and what is empty comes last either way
        claims.get_by_role("button", name="measured").click()
        assert claims.locator("tbody tr").last.locator("th").text_content() == "C14"
    ids = claims.locator("tbody th").all_text_contents()
    assert ids == ["C1", "T1", "C14"]


@pytest.mark.parametrize("script", [True, False])
def test_download_is_the_table(opened, script):
    page = opened(java_script_enabled=script)
    page.locator("#table-deep_rfm summary").click()
    with page.expect_download() as waiting:
        page.get_by_text("Download deep_rfm.csv").click()
    assert waiting.value.suggested_filename == "deep_rfm.csv"
    read = pd.read_csv(waiting.value.path())
    expected = make_tables()["deep_rfm"]
    pd.testing.assert_frame_equal(read, expected, check_dtype=False, check_exact=True)


def test_all_is_there_without_script(opened):
    page = opened(java_script_enabled=False)
    assert not page.get_by_label("Layer", exact=True).first.is_visible()
    assert page.locator(".walk li").count() == 8
    for each in (*page.locator(".walk li img").all(), *page.locator("figcaption").all()):
        assert each.is_visible()
    page.locator("#table-runs summary").click()
    assert page.locator("#table-runs tbody tr").first.is_visible()


@pytest.mark.parametrize("options", [{}, {"viewport": NARROW}, {"color_scheme": "dark"}])
def test_axe_finds_nothing(opened, options):
    page = opened(**options)
    page.evaluate("document.querySelectorAll('details').forEach((each) => { each.open = true; })")
    found = axe.Axe().run(page).response
    assert len(found["passes"]) > 20
    assert [(each["id"], each["nodes"][0]["html"][:200]) for each in found["violations"]] == []
    wide = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
    assert wide <= 0


def test_policy_lets_nothing_out(browser, file):
    """Or that no request was seen would say little."""
    page = browser.new_page()
    page.goto(file.as_uri())
    refused = page.evaluate(
        """() => new Promise((resolve) => {
            document.addEventListener("securitypolicyviolation", (e) => resolve(e.blockedURI));
            new Image().src = "http://127.0.0.1:9/leak.png";
        })"""
    )
    assert refused == "http://127.0.0.1:9/leak.png"
    page.close()
