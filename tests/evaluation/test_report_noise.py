import math

import numpy as np
import pytest

from fleetcast.evaluation.report_noise import noise_band, standardised


def test_best_of_two_has_the_known_mean() -> None:
    assert noise_band(2).expected == pytest.approx(1 / math.sqrt(math.pi), abs=1e-3)


def test_one_draw_is_a_normal() -> None:
    band = noise_band(1)
    assert (band.low, band.expected, band.high) == pytest.approx((-1.95996, 0.0, 1.95996), abs=1e-4)


@pytest.mark.parametrize("n", [36, 2160])
def test_band_is_that_of_simulated_maxima(n: int) -> None:
    maxima = np.random.default_rng(0).normal(size=(4000, n)).max(axis=1)
    band = noise_band(n)
    assert band.expected == pytest.approx(maxima.mean(), abs=0.03)
    assert [band.low, band.high] == pytest.approx(np.percentile(maxima, [2.5, 97.5]), abs=0.08)


def test_standardised_reads_the_error_off_the_interval() -> None:
    metrics = {"direction": 0.53, "direction_low": 0.53 - 1.95996 * 0.01, "direction_high": 0.53 + 1.95996 * 0.01}
    assert standardised(metrics, "direction", nothing=0.5) == pytest.approx(3.0, abs=1e-4)


@pytest.mark.parametrize(
    "metrics",
    [{}, {"delta": 0.1}, {"delta": 0.1, "delta_low": 0.1, "delta_high": 0.1}],
)
def test_standardised_is_none_where_there_is_no_interval(metrics: dict[str, float]) -> None:
    assert standardised(metrics, "delta", nothing=0.0) is None
