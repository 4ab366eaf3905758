"""The report of a direction model as a browser shows it: on a wide screen and on a phone, in light and in dark."""

from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Page

from chromium import CHROMIUM
from fleetcast.sequence.direction_report import DirectionResult, render_direction_report
from fleetcast.sequence.direction_scores import draw_weights, judge

N_DAYS = 120

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine: apt-get install -y chromium")


def result() -> DirectionResult:
    """Chance, on half a year of days; one stock is named like a tag."""
    rng = np.random.default_rng(0)
    y, probability = rng.integers(0, 2, N_DAYS), rng.uniform(0.3, 0.7, N_DAYS)
    weights = draw_weights(N_DAYS, seed=0)
    row = {"loss": 0.7, "f1_score": 0.5, "auc": 0.5, "val_loss": 0.7, "val_f1_score": 0.4, "val_auc": 0.5}
    return DirectionResult(
        y=y,
        probability=probability,
        dates=np.arange(N_DAYS) * 86_400_000,
        model=judge(y, probability, weights),
        baselines={"always up": judge(y, np.ones(N_DAYS), weights)},
        facts={
            "target": "panel",
            "experiment_name": "test",
            "source": "sample",
            "symbols": ["AAPL", "<b>M&M</b>"],
            "n_windows": {"train": 800, "val": 200, "test": N_DAYS},
            "purged_size": 30,
            "input_shape": [30, 2, 4, 1],
            "features": ["return_1", "range"],
            "config": {"model_params": {"conv_lstm_filters": [8, 4], "dense_units": [16]}},
            "model_parameters": 12345,
            "best_epoch": 2,
            "total_epochs": 3,
            "training_time_seconds": 12.3,
            "device": "2 CPUs",
            "seed": 0,
            "findings": ["repair: AAPL: a bar"],
        },
        history=[{**row, "learning_rate": 2.3e-5}, {**row, "learning_rate": 2.3e-5}, {**row, "learning_rate": 1.1e-5}],
        n_looks=1,
    )


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("report") / "report.html"
    path.write_text(render_direction_report(result(), run_key="abc", code_digest="def"))
    return path


def test_the_page_fits_its_screen(page: Page) -> None:
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")


def test_every_link_leads_to_a_section(page: Page) -> None:
    targets = page.locator("nav a").evaluate_all("links => links.map(link => link.getAttribute('href'))")
    assert len(targets) == 5
    assert all(page.locator(f"section{target}").count() == 1 for target in targets)


def test_every_drawing_has_a_name_and_what_it_draws_lies_inside(page: Page) -> None:
    drawings = page.locator("figure svg")
    assert drawings.count() == 10
    for drawing in drawings.all():
        assert drawing.get_attribute("aria-label")
    outside = page.evaluate(
        """() => [...document.querySelectorAll('figure svg')].flatMap(svg => {
          const frame = svg.getBoundingClientRect();
          return [...svg.querySelectorAll('text, rect, polyline')].filter(one => {
            const box = one.getBoundingClientRect();
            return box.left < frame.left - 1 || box.right > frame.right + 1 || box.bottom > frame.bottom + 1;
          }).map(one => svg.getAttribute('aria-label') + ': ' + (one.textContent || one.tagName));
        })"""
    )
    assert outside == []


def test_texts_of_manifests_are_texts(page: Page) -> None:
    assert page.locator("#data").get_by_text("<b>M&M</b>").count() == 1


def test_it_advises_and_never_calls_chance_good(page: Page) -> None:
    advice = page.locator("ol.advice li").all_inner_texts()
    assert any("not shown to be more accurate than always up" in text for text in advice)
    assert not any(text.startswith("Good") for text in advice)
