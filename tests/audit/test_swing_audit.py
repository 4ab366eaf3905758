"""The audit of swings: nothing is said of those of the package, and a swing that counts one bar early is named."""

import pytest

from fleetcast.audit.default_fleet import GRID
from fleetcast.audit.slices import load_slices
from fleetcast.audit.swing_audit import audit_swings, known_swings
from planted_market_leaks import SWING_WINDOWS
from planted_swings import UNCONFIRMED_SWINGS

SHORT = slice(1150, 1180)


def test_nothing_is_said_of_confirmed_swings_and_events() -> None:
    audit = audit_swings(load_slices()[0], window_bars=GRID.window_bars, stretch=SHORT)
    assert audit.leaks == ()
    assert audit.n_prefixes == 30


@pytest.mark.parametrize("name", UNCONFIRMED_SWINGS)
def test_a_swing_that_counts_one_bar_early_is_found_for_every_symbol(name: str) -> None:
    find, window_bars = UNCONFIRMED_SWINGS[name]
    audit = audit_swings(load_slices()[0], window_bars=(window_bars,), find=find)
    assert {leak.split(":")[0] for leak in audit.leaks} == {"btc", "eth", "sol"}
    assert all(f"swings of {window_bars} bars know the bar after 2024-02-0" in leak for leak in audit.leaks)


def test_all_windows_of_the_default_fleet_are_tried_in_planted_leaks_too() -> None:
    assert GRID.window_bars == SWING_WINDOWS


def test_columns_and_labels_are_asked_at_every_bar() -> None:
    own = load_slices()[0].bars.bars["btc"].part(0, 600)
    known = known_swings(own, 5, 900_000)
    assert len(known) == 16
    assert {len(values) for values in known.values()} == {600}
