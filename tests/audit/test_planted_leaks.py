"""Planted leaks: at least 98 % of the mutations are found, and nothing is said of what is clean."""

from collections.abc import Iterable

import pytest

from fleetcast.audit.column_audit import ColumnAudit, audit_columns
from fleetcast.audit.default_fleet import GRID, label
from fleetcast.audit.label_audit import audit_labels
from fleetcast.audit.row_audit import find_outside
from fleetcast.audit.slices import SYMBOLS, load_slices
from fleetcast.audit.swing_audit import audit_swings
from fleetcast.features.catalogue import list_columns
from fleetcast.fleet.variants import Family
from fleetcast.splits.parts import Parts
from fleetcast.training.row_checks import used_rows
from planted_columns import PLANTED_COLUMNS
from planted_labels import LABELS, ROWS
from planted_market_leaks import MARKET_LEAKS, NOT_LOOKED_FOR
from planted_rare_leaks import RARE_LEAKS
from planted_swings import UNCONFIRMED_SWINGS

COLUMNS = (*PLANTED_COLUMNS, *RARE_LEAKS, *MARKET_LEAKS)

FAMILY = Family(symbol="btc", window_bars=2, swing_type="high")
LEAST_SHARE = 0.98


@pytest.fixture(scope="module")
def found() -> dict[str, str]:
    """What the audit says of each mutation, by name; nothing of those that it missed."""
    said: dict[str, str] = {}
    for one, audit in zip(COLUMNS, audit_columns([p.column() for p in COLUMNS], load_slices()), strict=True):
        if (audit.leak if one.leaks else audit.refusal) is not None:
            said[one.name] = str(audit.refusal)
    for mutation in LABELS:
        if leaks := audit_labels(FAMILY, load_slices(), label=mutation.label).leaks:
            said[mutation.name] = leaks[0]
    for name, (find, window_bars) in UNCONFIRMED_SWINGS.items():
        if early := audit_swings(load_slices()[0], window_bars=(window_bars,), find=find).leaks:
            said[name] = early[0]
    labels = [label(load_slices()[0].bars, family) for family in GRID.families()[::3]]
    for rows in ROWS:
        if lines := find_outside(rows.use(one, real_parts()) for one in labels)[1]:
            said[rows.name] = lines[0]
    return said


def real_parts() -> Parts:
    return Parts.of(len(load_slices()[0].bars.timeline))


def test_planted_leaks_are_found(found: dict[str, str]) -> None:
    names = [*(one.name for one in (*COLUMNS, *LABELS, *ROWS)), *UNCONFIRMED_SWINGS]
    assert len(set(names)) == len(names) >= 40
    for name in names:
        print(f"{'found ' if name in found else 'MISSED'}  {name:<44} {found.get(name, '')[:150]}")
    assert len(found) / len(names) >= LEAST_SHARE, sorted(set(names) - set(found))


def test_leaks_that_rarely_show_are_found_by_themselves(found: dict[str, str]) -> None:
    names = {one.name for one in (*RARE_LEAKS, *MARKET_LEAKS)}
    assert len(names) >= 150
    assert len(names & set(found)) / len(names) >= LEAST_SHARE, sorted(names - set(found))


def test_what_the_audit_does_not_look_for_is_what_is_said_of_it() -> None:
    """Columns that do much else, and leak at shapes which made-up bars alone hold."""
    audits = audit_columns([one.column() for one in NOT_LOOKED_FOR], load_slices())
    assert [audit.name for audit in audits if audit.leak is not None] == []


def test_columns_that_leak_are_told_from_those_that_need_too_much_history(found: dict[str, str]) -> None:
    for one in COLUMNS:
        if one.name in found and one.name != "never known":
            assert ("knows later bars" in found[one.name]) == one.leaks, found[one.name]


def test_nothing_is_said_of_real_columns() -> None:
    columns = list_columns(SYMBOLS, width="full")[::59]
    assert len(columns) >= len(COLUMNS)
    assert refusals(audit_columns(columns, load_slices())) == []


def refusals(audits: Iterable[ColumnAudit]) -> list[str]:
    return [f"{audit.name} {audit.refusal}" for audit in audits if audit.refusal is not None]


@pytest.mark.parametrize("family_id", ["btc-w2-high", "eth-w10-low", "sol-w50-high"])
def test_nothing_is_said_of_real_labels_and_rows(family_id: str) -> None:
    family = next(one for one in GRID.families() if one.family_id == family_id)
    audit = audit_labels(family, load_slices(), label=label)
    assert audit.leaks == ()
    assert audit.n_labels > 1000
    labels = label(load_slices()[0].bars, family)
    n_rows, lines = find_outside(used_rows(labels, family, GRID, parts=real_parts()))
    assert lines == []
    assert n_rows > 1000
