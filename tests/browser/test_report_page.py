"""The report as a browser shows it: on a wide screen and on a phone, in light and in dark."""

from pathlib import Path

import pytest
from playwright.sync_api import Page

from chromium import CHROMIUM
from fleetcast.job_args.fleet import WriteReport
from fleetcast.jobs import write_report
from synthetic_fleet import SyntheticFleet, full_fleet_args

# The contrast of texts with the page, by WCAG 2.2: relative luminance of both, 1.4.3.
CONTRAST = """() => {
  const light = colour => {
    const parts = colour.match(/[\\d.]+/g).slice(0, 3).map(Number).map(v => v / 255)
      .map(v => v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2];
  };
  const paper = light(getComputedStyle(document.body).backgroundColor);
  const found = {};
  for (const selector of ['h1', 'p.soft', 'figcaption', 'a', '.interval', 'th', '.up', '.down']) {
    const element = document.querySelector(selector);
    if (!element) continue;
    const ink = light(getComputedStyle(element).color);
    found[selector] = (Math.max(ink, paper) + 0.05) / (Math.min(ink, paper) + 0.05);
  }
  return found;
}"""

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine: apt-get install -y chromium")


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("report")
    args = full_fleet_args((folder / "store").as_uri(), WriteReport)
    fleet = SyntheticFleet(args, preset="sample")
    fleet.write_all(report=None)
    write_report.run(args)  # type: ignore[arg-type]
    path = fleet.store.local_path(f"{fleet.folder.path}/report/report.html")
    if path is None:
        raise RuntimeError("the store is not a folder")
    return path


def test_headline_and_tables_are_shown(page: Page) -> None:
    assert page.locator("h1").inner_text() == "36 families, 2,160 variants, bars up to 2025-01-01 00:00 UTC"
    assert page.locator("table.families tbody tr").count() == 36
    assert page.locator("svg .cell").count() == 2160
    assert page.locator(".histograms svg").count() == 3
    for name in ("summary", "families", "intervals", "variants", "noise", "not-judged", "columns", "times", "data"):
        assert page.locator(f"section#{name}").is_visible()


def test_page_itself_never_scrolls_sideways(page: Page, tmp_path: Path) -> None:
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    picture = page.screenshot(path=tmp_path / "report.png", full_page=True)
    assert len(picture) > 50_000


def test_numbers_stand_under_each_other(page: Page) -> None:
    rights = page.locator("table.families tbody td.n:nth-child(3)").evaluate_all(
        "cells => cells.map(cell => Math.round(cell.getBoundingClientRect().right))"
    )
    assert len(set(rights)) == 1


def test_heat_map_shows_the_chosen_measure(page: Page) -> None:
    judged = page.locator("svg .cell.d0, svg .cell.d6, svg .cell.d1, svg .cell.d5").first
    colour = "element => getComputedStyle(element).fill"
    by_score = judged.evaluate(colour)
    page.get_by_text("Delta", exact=True).and_(page.locator("label")).click()
    by_delta = judged.evaluate(colour)
    page.locator("label[for=by-direction]").click()
    by_direction = judged.evaluate(colour)
    assert by_score != by_delta
    assert {by_score, by_delta, by_direction}.isdisjoint({"none", "rgb(0, 0, 0)"})
    assert page.locator(".legend.z").is_visible()
    assert not page.locator(".legend.score").is_visible()


def test_text_stands_out_from_the_page(page: Page) -> None:
    contrasts = page.evaluate(CONTRAST)
    assert min(contrasts.values()) >= 4.5, contrasts
