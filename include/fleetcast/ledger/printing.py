"""The ledger as text for people, and as JSON for programs."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import Any

from fleetcast.ledger.effects import NOTHING, STATISTICS, Statistic
from fleetcast.ledger.trials import FamilyRow, Ledger, Tested, TrialRow, TrialState

MISSING = "-"
SHOWN_STATES: tuple[TrialState, ...] = ("finished", "unjudged", "skipped", "pruned", "failed")
HEADING = f"{'estimate':>9} {'error':>7} {'deflated':>9} {'p':>6}"


def describe_ledger(ledger: Ledger, *, n_beside: int = 0) -> str:
    """The run in a few lines, and a line or two for each family's best.

    Args:
        ledger: of the run.
        n_beside: trials of the run that it does not hold, such as those that a person has asked for.
    """
    width = max((len(_best_name(family)) for family in ledger.families), default=0)
    heading = f"{'family and its best':<{width}}" + "".join(
        f"  {name:<9} {HEADING} {'holdout':>7} {'family p':>8}" for name in STATISTICS
    )
    lines = [*_summary(ledger), *_beside(n_beside), "", heading]
    for family in ledger.families:
        lines += [_family_line(family, width=width), f"    {_verdict(family)}"]
    return "\n".join(lines)


def describe_family(ledger: Ledger, family: FamilyRow) -> str:
    """The run, and all trials of one family, those with the smallest p first."""
    trials = sorted((row for row in ledger.trials if row.trial.family_id == family.family_id), key=_smallest_p)
    width = max(len(row.trial.name) for row in trials)
    heading = f"{'trial':<{width}}" + "".join(f"  {name:<9} {HEADING}" for name in STATISTICS)
    lines = [f"{row.trial.name:<{width}}  {_trial_cells(row)}" for row in trials]
    overfitting = f"overfitting within the family, by CSCV: {_overfitting(family.overfitting)}"
    counts = f"{family.family_id}: {_counts(family.n_by_state)}"
    return "\n".join([*_summary(ledger), "", counts, _best_line(family), overfitting, "", heading, *lines])


def json_lines(ledger: Ledger, family: FamilyRow | None = None) -> Iterator[str]:
    """The run's line, then one a family; or the run's, the family's and one a trial of the family."""
    yield json.dumps(run_facts(ledger))
    for row in ledger.families if family is None else [family]:
        yield json.dumps(asdict(row))
    if family is not None:
        yield from (json.dumps(asdict(row)) for row in ledger.trials if row.trial.family_id == family.family_id)


def run_facts(ledger: Ledger) -> dict[str, Any]:
    """What the ledger says of the run as a whole."""
    run = {name: value for name, value in asdict(ledger).items() if name not in ("families", "trials")}
    return {**run, "promotable": [row.family_id for row in ledger.promotable]}


def _summary(ledger: Ledger) -> list[str]:
    best = _number(ledger.expected_best, 2)
    passed = ", ".join(family.family_id for family in ledger.promotable) or "none"
    return [
        f"run {ledger.run_key}: {_counts(ledger.n_by_state)}",
        f"{ledger.n_tests:,} tests, by {' and '.join(STATISTICS)}, on the same {ledger.n_draws:,} draws of "
        f"{ledger.n_blocks} blocks of {ledger.block_rows} bars; "
        f"as many as {_number(ledger.effective_number, 1)} independent ones (shown, not used)",
        "a family's p is of stage 1, its references and its best's holdout, adjusted for the other families",
        f"the best of them by luck alone is expected at {best} standard errors: deflated = estimate - error x {best}",
        f"probability of backtest overfitting, by CSCV (no gate): {_overfitting(ledger.overfitting)}",
        f"looks at the holdout: {ledger.holdout_looks} in this run, {ledger.all_holdout_looks} in all runs on the same "
        "bars",
        f"promotable: {passed} of {len(ledger.families)} families",
    ]


def _beside(n_beside: int) -> list[str]:
    said = f"not in this ledger: {n_beside:,} trials of no stage (tune_family); nothing of them can be promoted"
    return [said] if n_beside else []


def _family_line(family: FamilyRow, *, width: int) -> str:
    cells = f"{_best_name(family):<{width}}"
    if family.best is None:
        return cells.rstrip()
    for name in STATISTICS:
        tested = family.best.statistics.get(name)
        holdout, p = _above(name, family.holdout.get(name)), _number(family.tests[name].p, 3)
        cells += f"  {name:<9} {_tested_cells(name, tested)} {holdout:>7} {p:>8}"
    return cells


def _best_line(family: FamilyRow) -> str:
    holdout = ", ".join(f"{name} {_above(name, value)}" for name, value in family.holdout.items()) or "not looked at"
    together = ", ".join(f"{name} {_number(test.p, 3)}" for name, test in family.tests.items())
    best = family.best.trial.name if family.best else MISSING
    return f"best: {best}; holdout: {holdout}; p of the family: {together}; {_verdict(family)}"


def _verdict(family: FamilyRow) -> str:
    return "promotable" if family.promotable else f"not promotable: {family.reason}"


def _best_name(family: FamilyRow) -> str:
    return family.best.trial.name if family.best else family.family_id


def _trial_cells(row: TrialRow) -> str:
    if row.trial.state != "finished":
        return f"{row.trial.state}: {row.trial.reason or MISSING}"
    return "  ".join(f"{name:<9} {_tested_cells(name, row.statistics[name])}" for name in STATISTICS)


def _tested_cells(name: Statistic, tested: Tested | None) -> str:
    if tested is None:
        return f"{MISSING:>9} {MISSING:>7} {MISSING:>9} {MISSING:>6}"
    return (
        f"{_above(name, tested.estimate):>9} {_number(tested.standard_error, 3):>7} "
        f"{_above(name, tested.deflated):>9} {_number(tested.p, 3):>6}"
    )


def _smallest_p(row: TrialRow) -> tuple[float, str]:
    known = [tested.p for tested in row.statistics.values() if tested.p is not None]
    return min(known, default=2.0), row.trial.name


def _counts(n_by_state: Mapping[TrialState, int]) -> str:
    shown = [f"{n_by_state[state]:,} {state}" for state in SHOWN_STATES if state in n_by_state]
    return f"{sum(n_by_state.values()):,} trials: {', '.join(shown) or 'none'}"


def _overfitting(by_statistic: Mapping[Statistic, Any]) -> str:
    return ", ".join(f"{name} {_number(found.probability, 2)}" for name, found in by_statistic.items())


def _above(name: Statistic, value: float | None) -> str:
    """On the statistic's own scale: delta as it is, direction as a ROC AUC."""
    return MISSING if value is None else f"{NOTHING[name] + value:{'+' if name == 'delta' else ''}.3f}"


def _number(value: float | None, decimals: int) -> str:
    return MISSING if value is None else f"{value:.{decimals}f}"
