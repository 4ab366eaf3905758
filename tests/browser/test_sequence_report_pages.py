"""The sequence models' reports as a browser shows them: on a wide screen and on a phone, in light and in dark."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Page

from chromium import CHROMIUM
from fleetcast.sequence.direction_report import DirectionResult, render_direction_report
from fleetcast.sequence.direction_scores import draw_blocks, judge
from fleetcast.sequence.return_judging import judge_returns
from fleetcast.sequence.return_report import ReturnResult, render_return_report
from fleetcast.sequence.return_scores import coverages

N_DAYS, N_STOCKS = 120, 2

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine: apt-get install -y chromium")


def facts(input_shape: list[int], **params: Any) -> dict[str, Any]:
    """Of a model's manifest; one stock is named like a tag."""
    return {
        "target": "panel",
        "experiment_name": "test",
        "source": "sample",
        "cutoff": "2020-01-01T00:00:00+00:00",
        "symbols": ["AAPL", "<b>M&M</b>"],
        "n_windows": {"train": 800, "val": 200, "test": N_DAYS},
        "purged_size": 30,
        "input_shape": input_shape,
        "features": ["return_1", "range"],
        "config": {"model_params": params},
        "model_parameters": 12345,
        "best_epoch": 2,
        "total_epochs": 3,
        "training_time_seconds": 12.3,
        "device": "2 CPUs",
        "seed": 0,
        "findings": ["repair: AAPL: a bar"],
    }


def epochs(**metrics: float) -> list[dict[str, float]]:
    row = {name: value for metric, value in metrics.items() for name in (metric, f"val_{metric}")}
    return [{**row, "learning_rate": rate, "gradient_norm": 2.0} for rate in (2.3e-5, 2.3e-5, 1.1e-5)]


def direction_page() -> str:
    """Of chance, on half a year of days."""
    rng = np.random.default_rng(0)
    y, probability = rng.integers(0, 2, N_DAYS), rng.uniform(0.3, 0.7, N_DAYS)
    blocks = draw_blocks(N_DAYS, seed=0)
    result = DirectionResult(
        y=y,
        probability=probability,
        dates=np.arange(N_DAYS) * 86_400_000,
        model=judge(y, probability, blocks),
        baselines={"always up": judge(y, np.ones(N_DAYS), blocks)},
        facts=facts([30, 2, 4, 1], conv_lstm_filters=[8, 4], dense_units=[16]),
        history=epochs(loss=0.7, f1_score=0.5, auc=0.5),
        n_looks=1,
    )
    return render_direction_report(result, run_key="abc", code_digest="def")


def return_page() -> str:
    """Of forecasts without any relation to what came."""
    rng = np.random.default_rng(0)
    days = np.tile(np.arange(N_DAYS), N_STOCKS)
    true, said = rng.normal(0, 0.03, len(days)), rng.normal(0, 0.01, len(days))
    blocks = draw_blocks(N_DAYS, seed=0)
    shares = coverages(true, said, np.full(len(days), 0.01))
    result = ReturnResult(
        true=true,
        said=said,
        dates=days * 86_400_000,
        model=judge_returns(true, said, days, blocks),
        baselines={"no change": judge_returns(true, np.zeros(len(days)), days, blocks)},
        uncertainty={"before": shares, "after": shares},
        facts=facts([60, 4], cnn_filters=[64], lstm_units=[64], horizon=5),
        history=epochs(loss=0.9, mae=0.7, rmse=0.9),
        n_looks=1,
    )
    return render_return_report(result, run_key="abc", code_digest="def")


@pytest.fixture(scope="module", params=[direction_page, return_page])
def report(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("report") / "report.html"
    path.write_text(request.param())
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
    assert any(text.startswith("Do not use it for decisions: it is not shown to be ") for text in advice)
    assert not any(text.startswith("Good") for text in advice)


@pytest.mark.parametrize("report", [return_page], indirect=True)
def test_returns_have_four_drawings_and_the_six_panels_of_the_fit(page: Page) -> None:
    assert page.locator("#drawings figure svg").count() == 4
    assert page.locator("#training figure svg").evaluate_all("all => all.map(one => one.ariaLabel)") == [
        "Loss",
        "MAE",
        "RMSE",
        "Learning rate",
        "Gradient norm",
        "Validation loss / training loss",
    ]


@pytest.mark.parametrize("report", [return_page], indirect=True)
def test_returns_have_coverage_and_no_confusion_matrix(page: Page) -> None:
    rows = page.get_by_role("region", name="Coverage of intervals").locator("tbody th").all_inner_texts()
    assert rows == ["50 %", "80 %", "90 %", "95 %"]
    assert page.get_by_text("Confusion matrix").count() == 0
