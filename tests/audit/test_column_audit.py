"""Warm-up, measured: exactly what a formula needs, over symbols, starts and slices."""

import numpy as np
import pytest
import talib

from fleetcast.audit.certificate import MAX_WARM_UP_BARS
from fleetcast.audit.column_audit import ColumnAudit, audit_columns
from fleetcast.audit.slices import load_slices
from fleetcast.errors import DataError
from fleetcast.features.calendar_groups import DAY_MS
from fleetcast.features.rolling import bars_since, change, mean
from planted_columns import PlantedColumn


def audit_of(formula, **scope) -> ColumnAudit:
    return audit_columns([PlantedColumn("made", formula, **scope).column()], load_slices())[0]


@pytest.mark.parametrize("period", [1, 100, MAX_WARM_UP_BARS])
def test_a_column_needs_the_bars_that_its_formula_looks_back(period: int) -> None:
    audit = audit_of(lambda b, x, p: change(b["log_close"], period))
    assert audit.warm_up_bars == audit.fast_warm_up_bars == period
    assert audit.refusal is None


def test_a_column_of_days_needs_three_times_as_many_bars_of_five_minutes() -> None:
    audit = audit_of(lambda b, x, p: change(b["log_close"], 2 * DAY_MS // b.bar_ms))
    assert audit.warm_up_bars == 2 * 96
    assert audit.fast_warm_up_bars == 2 * 288
    assert audit.refusal is None


def test_a_warm_up_that_waits_for_an_event_varies_and_one_of_a_window_does_not() -> None:
    assert audit_of(lambda b, x, p: bars_since(b["range_atr"] > 2.5)).varies
    assert not audit_of(lambda b, x, p: mean(b["log_range"], 100)).varies


def test_a_column_of_one_bar_needs_none() -> None:
    assert audit_of(lambda b, x, p: b["body"]).warm_up_bars == 0


def test_an_average_that_fades_is_close_enough_after_its_logarithm() -> None:
    audit = audit_of(lambda b, x, p: talib.EMA(b["close"], 50))
    fades_by = np.log(1 - 2 / 51)
    assert np.log(1e-3) / fades_by < audit.warm_up_bars < np.log(1e-6) / fades_by


def test_history_of_a_pair_counts_both_symbols_bars() -> None:
    audit = audit_of(lambda b, other, p: mean(b["log_return"] - other["log_return"], 60), scope="pair")
    assert 60 <= audit.warm_up_bars <= 61


def test_a_formula_that_raises_is_named() -> None:
    with pytest.raises(DataError, match=r"column btc\.planted\.made: expected \d+ values"):
        audit_of(lambda b, x, p: np.zeros(3))
