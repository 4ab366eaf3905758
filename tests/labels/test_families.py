"""Labels equal those of a slow loop, look ahead by their horizon and no further, and are kept whole."""

import io
import itertools
import math
import zipfile
from dataclasses import fields, replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fleetcast.data.bars import SymbolBars
from fleetcast.fleet.variants import Family, Grid
from fleetcast.labels.families import FamilyLabels, find_events, index_by_row, labels_file, load_family_labels
from fleetcast.store.manifests import StageFolder

GRID = Grid(
    symbols=("btc",),
    window_bars=(2, 3, 10, 50),
    swing_types=("high", "low"),
    deviations=(1.0, 1.5, 2.5),
    thresholds=(0.5, 1.0, 1.5),
    horizon_bars=(5, 20, 100),
)


def slow_standard_deviation(values: list[float]) -> float:
    mean = math.fsum(values) / len(values)
    return math.sqrt(math.fsum((value - mean) ** 2 for value in values) / (len(values) - 1))


def slow_outcome(bars: SymbolBars, t: int, swing_type: str, barrier: float, horizon: int) -> tuple[int, int]:
    """Class and known bar of one event, word by word as the design defines them."""
    if t + horizon >= bars.n_bars:
        return -1, -1
    for j in range(t + 1, t + horizon + 1):
        if swing_type == "high":
            breaks_out = math.log(bars.high[j]) >= math.log(bars.high[t]) + barrier
            reverses = math.log(bars.low[j]) <= 2 * math.log(bars.close[t]) - math.log(bars.high[t]) - barrier
            closes_beyond = bars.close[j] > bars.high[t]
        else:
            breaks_out = math.log(bars.low[j]) <= math.log(bars.low[t]) - barrier
            reverses = math.log(bars.high[j]) >= 2 * math.log(bars.close[t]) - math.log(bars.low[t]) + barrier
            closes_beyond = bars.close[j] < bars.low[t]
        if breaks_out and reverses:
            return (0 if closes_beyond else 1), j
        if breaks_out or reverses:
            return (0 if breaks_out else 1), j
    return 2, t + horizon


def slow_events(bars: SymbolBars, family: Family) -> dict[int, tuple[float, list[list[tuple[int, int]]]]]:
    """Deviation and outcomes by event bar."""
    close = [math.log(price) for price in bars.close]
    returns = [math.nan, *(after - before for before, after in itertools.pairwise(close))]
    w, m = family.window_bars, max(20, 4 * family.window_bars)
    events = {}
    for t in range(200, bars.n_bars):
        if family.swing_type == "high":
            is_swing, extreme, sign = bars.high[t] > max(bars.high[t - w : t]), math.log(bars.high[t]), 1
        else:
            is_swing, extreme, sign = bars.low[t] < min(bars.low[t - w : t]), math.log(bars.low[t]), -1
        if not is_swing:
            continue
        recent = close[t - m + 1 : t + 1]
        distance, spread = sign * (extreme - math.fsum(recent) / m), slow_standard_deviation(recent)
        deviation = distance / spread if spread > 0 else math.inf
        if deviation >= min(GRID.deviations):
            s = slow_standard_deviation(returns[t - 99 : t + 1])
            events[t] = (
                deviation,
                [
                    [
                        slow_outcome(bars, t, family.swing_type, threshold * s * math.sqrt(horizon), horizon)
                        for horizon in GRID.horizon_bars
                    ]
                    for threshold in GRID.thresholds
                ],
            )
    return events


def check_against_slow_loop(bars: SymbolBars, family: Family) -> None:
    swings, outcomes = find_events(bars, family, grid=GRID)
    expected = slow_events(bars, family)
    assert swings.t.tolist() == list(expected)
    np.testing.assert_allclose(swings.deviation, [deviation for deviation, _ in expected.values()], rtol=1e-9)
    table = np.array([found for _, found in expected.values()]).reshape(*outcomes.outcome.shape, 2)
    np.testing.assert_array_equal(outcomes.outcome, table[..., 0])
    np.testing.assert_array_equal(outcomes.known, table[..., 1])


@pytest.mark.parametrize("family", GRID.families(), ids=lambda family: family.family_id)
def test_labels_of_real_bars_equal_a_slow_loops(real_market, family):
    check_against_slow_loop(real_market, family)


@settings(max_examples=15, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    tick=st.sampled_from([0.001, 0.1, 0.5]),
    missing=st.sampled_from([0, 40]),
    family=st.sampled_from(GRID.families()),
)
def test_labels_of_random_walks_with_ties_equal_a_slow_loops(make_market, seed, tick, missing, family):
    check_against_slow_loop(make_market(seed, n_bars=500, tick=tick, missing=missing), family)


def test_prices_a_rounding_error_apart_are_not_equal(make_market):
    bars = make_market(2)
    t = find_events(bars, Family(symbol="btc", window_bars=3, swing_type="high"), grid=GRID)[0].t[0]
    for change in (np.inf, -np.inf):
        bars.high[t] = np.nextafter(bars.high[t - 3 : t].max(), change)
        check_against_slow_loop(bars, Family(symbol="btc", window_bars=3, swing_type="high"))


@pytest.mark.parametrize(("reached_low", "reached_high", "outcome"), [(304, 306, 1), (306, 304, 0), (500, 500, 2)])
def test_market_that_stood_still_has_infinite_deviations_and_barriers_of_no_width(reached_low, reached_high, outcome):
    price = np.full(600, 100.0)
    bars = SymbolBars(
        "btc", 900_000 * np.arange(600), open=price, high=price.copy(), low=price.copy(), close=price, volume=price
    )
    bars.high[[300, reached_high]] = 101.0
    bars.low[reached_low] = 99.0
    family = Family(symbol="btc", window_bars=3, swing_type="high")
    swings, outcomes = find_events(bars, family, grid=GRID)
    assert (swings.t[0], swings.deviation[0], swings.volatility[0]) == (300, np.inf, 0)
    assert (outcomes.outcome[0, :, 1] == outcome).all()
    assert (outcomes.known[0, :, 1] == min(reached_low, reached_high, 320)).all()
    check_against_slow_loop(bars, family)


@pytest.mark.parametrize("family", GRID.families(), ids=lambda family: family.family_id)
def test_lows_are_highs_of_the_mirrored_market(real_market, family):
    mirrored = replace(
        real_market,
        open=1 / real_market.open,
        high=1 / real_market.low,
        low=1 / real_market.high,
        close=1 / real_market.close,
    )
    opposite = family.model_copy(update={"swing_type": "low" if family.swing_type == "high" else "high"})
    swings, outcomes = find_events(real_market, family, grid=GRID)
    mirrored_swings, mirrored_outcomes = find_events(mirrored, opposite, grid=GRID)
    np.testing.assert_array_equal(swings.t, mirrored_swings.t)
    np.testing.assert_array_equal(outcomes.outcome, mirrored_outcomes.outcome)
    np.testing.assert_array_equal(outcomes.known, mirrored_outcomes.known)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10**6), n_known=st.integers(260, 690), family=st.sampled_from(GRID.families()))
def test_later_bars_change_no_label_that_exists_without_them(make_market, seed, n_known, family):
    whole, other = make_market(seed), make_market(seed + 1)
    changed = SymbolBars(
        symbol="btc",
        timestamp=whole.timestamp,
        **{
            name: np.concatenate([getattr(whole, name)[:n_known], getattr(other, name)[n_known:]])
            for name in ("open", "high", "low", "close", "volume")
        },
    )
    known_swings, known_outcomes = find_events(whole.part(0, n_known), family, grid=GRID)
    for bars in (whole, changed):
        swings, outcomes = find_events(bars, family, grid=GRID)
        n_events = len(known_swings.t)
        np.testing.assert_array_equal(swings.t[:n_events], known_swings.t)
        np.testing.assert_array_equal(swings.deviation[:n_events], known_swings.deviation)
        exists = known_swings.t[:, None] + np.array(GRID.horizon_bars) < n_known
        np.testing.assert_array_equal((known_outcomes.outcome >= 0).all(axis=1), exists)
        kept = np.broadcast_to(exists[:, None, :], known_outcomes.outcome.shape)
        np.testing.assert_array_equal(outcomes.outcome[:n_events][kept], known_outcomes.outcome[kept])
        np.testing.assert_array_equal(outcomes.known[:n_events][kept], known_outcomes.known[kept])


def test_outcome_known_before_the_cutoff_does_not_change_when_later_bars_arrive(make_market):
    bars = make_market(5)
    family = Family(symbol="btc", window_bars=3, swing_type="high")
    swings, outcomes = find_events(bars, family, grid=GRID)
    _, longer = find_events(make_market(5).part(0, 600), family, grid=GRID)
    n_events = len(longer.outcome)
    differs = outcomes.outcome[:n_events] != longer.outcome
    assert differs.any()
    assert (longer.outcome[differs] == -1).all()
    labelled = outcomes.outcome >= 0
    reach = np.broadcast_to(np.array(GRID.horizon_bars), outcomes.known.shape)
    first = np.broadcast_to(swings.t[:, None, None], outcomes.known.shape)
    assert (outcomes.known[labelled] > first[labelled]).all()
    assert (outcomes.known[labelled] <= (first + reach)[labelled]).all()


@pytest.fixture
def labels(make_market) -> FamilyLabels:
    """Labels of a market with 60 bars missing from a timeline of 700 rows."""
    bars = make_market(11, missing=60)
    swings, outcomes = find_events(bars, Family(symbol="btc", window_bars=3, swing_type="low"), grid=GRID)
    return index_by_row(
        swings,
        outcomes,
        rows=bars.timestamp // 900_000,
        n_rows=700,
        horizon_bars=GRID.horizon_bars,
        structure=np.zeros((len(swings.t), 2), np.float32),
    )


def test_rows_count_the_timeline_and_not_the_symbols_own_bars(make_market, labels):
    bars = make_market(11, missing=60)
    rows = (bars.timestamp // 900_000).tolist()
    swings, outcomes = find_events(bars, Family(symbol="btc", window_bars=3, swing_type="low"), grid=GRID)
    assert labels.row.tolist() == [rows[t] for t in swings.t]
    for place, t in enumerate(swings.t):
        for k, horizon in enumerate(GRID.horizon_bars):
            exists = t + horizon < len(rows)
            assert labels.end_row[place, k] == (rows[t + horizon] if exists else 700)
            known = [rows[bar] if exists else -1 for bar in outcomes.known[place, :, k]]
            assert labels.known_row[place, :, k].tolist() == known
    assert labels.end_row.max() == 700
    assert (labels.outcome == -1).any()


def test_arrays_have_the_types_that_readers_rely_on(labels):
    assert {field.name: getattr(labels, field.name).dtype.name for field in fields(labels)} == {
        "row": "int32",
        "deviation": "float64",
        "outcome": "int8",
        "known_row": "int32",
        "end_row": "int32",
        "structure": "float32",
    }


def test_variant_view_holds_exactly_the_variants_labelled_events(labels):
    variant = next(v for v in GRID.variants() if v.variant_id == "btc-w3-low-h20-d1.5-t1.0")
    view = labels.variant_view(variant, GRID)
    expected = [e for e in range(len(labels.row)) if labels.deviation[e] >= 1.5 and labels.outcome[e, 1, 1] >= 0]
    assert view.events.tolist() == expected
    assert view.row.tolist() == labels.row[expected].tolist()
    assert view.y.tolist() == labels.outcome[expected, 1, 1].tolist()
    assert view.known_row.tolist() == labels.known_row[expected, 1, 1].tolist()
    assert view.end_row.tolist() == labels.end_row[expected, 1].tolist()


def test_labels_read_from_a_stage_equal_those_written(store, labels):
    folder = StageFolder(store, "runs/abc/labels", key="abc")
    folder.write(labels_file("btc-w3-low"), labels.to_bytes())
    folder.commit()
    loaded = load_family_labels(folder, "btc-w3-low")
    for field in fields(labels):
        np.testing.assert_array_equal(getattr(loaded, field.name), getattr(labels, field.name))


def test_same_labels_give_the_same_bytes_on_any_day(labels):
    with zipfile.ZipFile(io.BytesIO(labels.to_bytes())) as archive:
        assert {entry.date_time for entry in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
    assert labels.to_bytes() == FamilyLabels.from_bytes(labels.to_bytes()).to_bytes()
