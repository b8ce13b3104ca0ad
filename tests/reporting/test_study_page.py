"""The page of a study in a browser: from the disk, without a network, by keyboard, narrow, dark and on paper."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from statistics import fmean
from typing import Any

import pytest

from adapterstilts.reporting.studies import write_report
from adapterstilts.studies.results import StudyResult
from tests.reporting.test_studies import HOSTILE, with_control

sync_api = pytest.importorskip("playwright.sync_api")
CHROMIUM = next(
    (path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name))), ""
)
pytestmark = pytest.mark.skipif(not CHROMIUM, reason="there is no Chromium (Debian: apt-get install chromium)")


@dataclass
class Watched:
    """A browser, and what its pages wrote, asked for and raised."""

    browser: Any
    said: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)

    def open(self, path: Path, *, address: str = "", **options: Any) -> Any:
        context = self.browser.new_context(**{"viewport": {"width": 1200, "height": 900}, **options})
        page = context.new_page()
        page.set_default_timeout(60_000)
        page.on("console", lambda message: self.said.append(message.text))
        page.on("pageerror", lambda error: self.said.append(str(error)))
        page.on("dialog", lambda dialog: self.said.append(dialog.message))
        page.on("request", lambda request: self.asked.append(request.url))
        page.goto(f"{path.as_uri()}{address}")
        page.wait_for_selector("html[data-drawn=true]", state="attached")
        return page


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with sync_api.sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield started
        started.close()


@pytest.fixture
def watched(browser: Any) -> Iterator[Watched]:
    found = Watched(browser)
    yield found
    for context in browser.contexts:
        context.close()
    assert found.said == [] and {url.partition(":")[0] for url in found.asked} <= {"file", "data"}


def overflow(page: Any) -> int:
    """By how many pixels something that cannot be scrolled by itself is wider than the window."""
    return page.evaluate("document.documentElement.scrollWidth - window.innerWidth")


def shown(page: Any, selector: str) -> list[str]:
    return [text.strip() for text in page.locator(selector).all_inner_texts()]


@pytest.mark.slow
def test_everything_is_there_and_what_is_chosen_is_in_the_address(
    study: StudyResult, page: Path, watched: Watched
) -> None:
    tab = watched.open(page)
    assert tab.title() == study.title and shown(tab, ".badge") == ["○ no evidence", "✗ contradicted", "○ no evidence"]
    scores = {f"{cell.row.zero_shot['score']:.1f}" for cell in study.cells if cell.row.zero_shot}
    assert set(shown(tab, ".cell .score")) == scores and len(shown(tab, ".cell")) == len(study.cells)
    for section in ("languages", "costs", "learning", "groups", "efficiency", "agreement", "stages"):
        assert tab.locator(f"#{section}").is_visible()
    assert tab.locator(".plot .main-svg").count() >= 8
    before = shown(tab, ".cell .score")
    tab.get_by_label("method", exact=True).select_option("lora")
    assert len(shown(tab, ".cell")) == len(study.cells) / 2 and "axis.method=lora" in tab.url
    tab.get_by_label("language", exact=True).select_option("de")
    german = [f"{one:.1f}" for one in _german(study)]
    assert shown(tab, ".cell .score") == german
    again = watched.open(page, address=tab.url[tab.url.index("#") :])
    assert shown(again, ".cell .score") == german and again.get_by_label("method", exact=True).input_value() == "lora"
    again.get_by_role("button", name="Show all").click()
    assert shown(again, ".cell .score") == before and again.get_by_label("language", exact=True).input_value() == ""


def _german(study: StudyResult) -> list[float]:
    """German scores of the cells as the table has them: rows of `none` first."""
    cells = sorted(study.cells[: len(study.cells) // 2], key=lambda cell: cell.axes["from"] != "none")
    scores = [[cell.row.languages["de"][name] for name in cell.row.metric_labels] for cell in cells]
    return [float(f"{fmean(values):.5g}") for values in scores]


def test_one_seed_has_scores_but_no_interval(study: StudyResult, page: Path, watched: Watched) -> None:
    tab = watched.open(page, address="#seed=7")
    assert tab.locator(".clear-gain").count() == 0 and tab.get_by_label("seed", exact=True).input_value() == "7"
    cell = next(cell for cell in study.cells if cell.axes == {**cell.axes, "from": "squad", "to": "mlqa"})
    seed = next(one for one in cell.row.seeds if one.seed == 7)
    assert seed.zero_shot and f"{seed.zero_shot['score']:.1f}" in shown(tab, ".cell .score")
    assert "which alone has no interval" in shown(tab, "#heat-note")[0]


def test_a_baseline_without_an_intermediate_task_is_a_row(study: StudyResult, tmp_path: Path, watched: Watched) -> None:
    tab = watched.open(write_report(with_control(study), tmp_path)[-1])
    row = tab.locator(".heat").first.get_by_role("row", name="longer-target")
    assert row.locator(".cell").count() == 1 and row.locator(".mean").inner_text().endswith(" (1 of 2)")
    assert "(1 of 2): the mean is over so many" in shown(tab, "#heat-note")[0]
    assert not any("(1 of 2)" in text for text in shown(tab, ".heat tr:nth-child(2) .mean"))
    row.locator(".cell").click()
    assert shown(tab, "#panel-title") == ["longer-target to mlqa"]


@pytest.mark.slow
def test_a_cell_opens_and_closes_by_keyboard(study: StudyResult, page: Path, watched: Watched) -> None:
    tab = watched.open(page)
    cell = tab.locator("button[data-cell]", has_text="+").or_(tab.locator("button[data-cell]", has_text="−")).first
    number = int(cell.get_attribute("data-cell"))
    cell.focus()
    assert tab.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    tab.keyboard.press("Enter")
    panel = tab.get_by_role("dialog")
    assert panel.is_visible() and f"cell={number}" in tab.url
    row = study.cells[number].row
    text = panel.inner_text()
    for language, metrics in row.languages.items():
        assert language in text and f"{next(iter(metrics.values())):.1f}" in text
    assert str(row.folder) in text and "Answers that changed" in text
    links = {link.inner_text(): link.get_attribute("href") for link in panel.get_by_role("link").all()}
    assert {"spec.json", "provenance.json", "metrics.json", "predictions"} <= set(links)
    assert (page.parent / links["spec.json"]).resolve().is_file()
    tab.keyboard.press("Escape")
    assert not panel.is_visible() and "cell=" not in tab.url
    assert tab.evaluate("document.activeElement.dataset.cell") == str(number)
    tab.evaluate(f"location.hash = '#cell={number}'")
    panel.wait_for(state="visible")


@pytest.mark.parametrize("width", [380, 1200])
def test_nothing_is_wider_than_the_window(page: Path, watched: Watched, width: int) -> None:
    tab = watched.open(page, viewport={"width": width, "height": 800})
    assert overflow(tab) <= 0
    tab.locator("button[data-cell]").last.click()
    box = tab.get_by_role("dialog").bounding_box()
    assert overflow(tab) <= 0 and box["x"] >= 0 and box["x"] + box["width"] <= width


def brightness(tab: Any) -> float:
    found = tab.evaluate("getComputedStyle(document.body).backgroundColor.match(/\\d+/g).slice(0, 3).map(Number)")
    return sum(found) / 3


@pytest.mark.slow
def test_light_and_dark_follow_the_system_and_the_button(page: Path, watched: Watched) -> None:
    tab = watched.open(page, color_scheme="dark")
    button = tab.get_by_role("button", name="Dark")
    assert brightness(tab) < 60 and button.get_attribute("aria-pressed") == "true"
    ink = "getComputedStyle(document.querySelector('.plot .xtick text')).fill"
    dark = tab.evaluate(ink)
    button.click()
    assert brightness(tab) > 200 and button.get_attribute("aria-pressed") == "false" and tab.evaluate(ink) != dark
    assert brightness(watched.open(page)) > 200


def test_it_is_printed_light_and_whole(page: Path, watched: Watched) -> None:
    tab = watched.open(page, color_scheme="dark")
    paper = tab.pdf(format="A4", print_background=True)
    assert paper.startswith(b"%PDF") and 2 <= paper.count(b"/Type /Page\n") <= 12
    tab.emulate_media(media="print")
    assert not tab.locator("#choices").is_visible() and not tab.locator("#theme").is_visible()


def test_hostile_texts_are_shown_and_do_nothing(study: StudyResult, tmp_path: Path, watched: Watched) -> None:
    cells = [
        replace(cell, axes={**cell.axes, "to": HOSTILE, "from": HOSTILE if cell.gain else "none"})
        for cell in study.cells
        if cell.axes["to"] == "mlqa"
    ]
    groups = [replace(group, name=HOSTILE, axes={"from": HOSTILE}) for group in study.groups]
    stages = [replace(stage, name=HOSTILE) for stage in study.stages]
    hostile = replace(study, cells=cells, groups=groups, stages=stages, question=HOSTILE, title=HOSTILE)
    tab = watched.open(write_report(hostile, tmp_path)[-1], viewport={"width": 380, "height": 800})
    plain = " ".join(HOSTILE.split())
    assert plain in " ".join(shown(tab, "h1")[0].split())
    assert tab.locator("img").count() == 0 and overflow(tab) <= 0
    tab.locator("button[data-cell]").last.click()
    assert plain in " ".join(tab.get_by_role("dialog").inner_text().split())
