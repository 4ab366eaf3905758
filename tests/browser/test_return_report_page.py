"""The report of a return model as a browser shows it; the rest of the page is the direction report's."""

from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Page

from chromium import CHROMIUM
from fleetcast.sequence.direction_scores import draw_weights
from fleetcast.sequence.return_judging import judge_returns
from fleetcast.sequence.return_report import ReturnResult, render_return_report
from fleetcast.sequence.return_scores import coverages

N_DAYS, N_STOCKS = 90, 3

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine: apt-get install -y chromium")


def result() -> ReturnResult:
    """Forecasts without any relation to what came."""
    rng = np.random.default_rng(0)
    days = np.tile(np.arange(N_DAYS), N_STOCKS)
    true, said = rng.normal(0, 0.03, len(days)), rng.normal(0, 0.01, len(days))
    weights = draw_weights(N_DAYS, seed=0)
    row = {"loss": 0.9, "mae": 0.7, "rmse": 0.9, "val_loss": 1.1, "val_mae": 0.8, "val_rmse": 1.0}
    shares = coverages(true, said, np.full(len(days), 0.01))
    return ReturnResult(
        true=true,
        said=said,
        dates=days * 86_400_000,
        model=judge_returns(true, said, days, weights),
        baselines={"no change": judge_returns(true, np.zeros(len(days)), days, weights)},
        uncertainty={"before": shares, "after": shares},
        facts={
            "experiment_name": "test",
            "source": "sample",
            "cutoff": "2020-01-01T00:00:00+00:00",
            "symbols": ["AAPL", "<b>M&M</b>", "GOOGL"],
            "n_windows": {"train": 800, "val": 200, "test": N_DAYS},
            "purged_size": 65,
            "input_shape": [60, 4],
            "features": ["return_1", "range"],
            "config": {"model_params": {"cnn_filters": [64], "lstm_units": [64], "horizon": 5}},
            "model_parameters": 12345,
            "best_epoch": 2,
            "total_epochs": 3,
            "training_time_seconds": 12.3,
            "device": "2 CPUs",
            "seed": 0,
            "findings": [],
        },
        history=[{**row, "learning_rate": 1e-3, "gradient_norm": 2.0}] * 3,
        n_looks=1,
    )


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("report") / "report.html"
    path.write_text(render_return_report(result(), run_key="abc", code_digest="def"))
    return path


def test_the_page_fits_its_screen(page: Page) -> None:
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")


def test_it_has_four_drawings_of_returns_and_the_six_panels_of_the_fit(page: Page) -> None:
    assert page.locator("#drawings figure svg").count() == 4
    assert page.locator("#training figure svg").evaluate_all("all => all.map(one => one.ariaLabel)") == [
        "Loss",
        "MAE",
        "RMSE",
        "Learning rate",
        "Gradient norm",
        "Validation loss / training loss",
    ]


def test_it_shows_coverage_and_no_confusion_matrix(page: Page) -> None:
    rows = page.get_by_role("region", name="Coverage of intervals").locator("tbody th").all_inner_texts()
    assert rows == ["50 %", "80 %", "90 %", "95 %"]
    assert page.get_by_text("Confusion matrix").count() == 0
    assert page.locator("#data").get_by_text("<b>M&M</b>").count() == 1


def test_it_advises_and_never_calls_chance_good(page: Page) -> None:
    advice = page.locator("ol.advice li").all_inner_texts()
    assert any("not shown to be nearer than no change" in text for text in advice)
    assert not any(text.startswith("Good") for text in advice)
