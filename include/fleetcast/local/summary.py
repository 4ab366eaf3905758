"""What a finished run has found: a table with one row a family, its totals and what the ledger lets pass."""

from collections.abc import Mapping

from rich.console import Console
from rich.table import Table

from fleetcast.fleet.results import FamilyBest
from fleetcast.store.manifests import RunFolder

WIDTH = 190  # of a terminal that says nothing of its width


def print_summary(run: RunFolder, console: Console) -> None:
    """Prints the family bests and the totals. Raises StoreError when they are not committed."""
    facts = run.stage("family_bests").require().facts
    holdout = run.stage("holdout").committed()
    looked = facts if holdout is None else holdout.facts  # of a run that tunes, after all of its stages
    bests = [FamilyBest.model_validate(best) for best in looked["families"].values()]
    console.print(summary_table(bests))
    if holdout is not None:
        console.print("validation: by the models of stage 1; holdout: by the tuned ones")
    totals = facts["totals"]
    console.print(
        f"{totals['variants']} variants = {totals['trained']} trained + {totals['skipped']} skipped; "
        f"{totals['judged']} judged; {looked['holdout_looks']} looks at the holdout, "
        f"{looked['holdout_looks_of_all_runs']} with those of earlier runs on these bars"
    )
    ledger = run.stage("ledger").committed()
    if ledger is not None:
        passed = ", ".join(ledger.facts["promotable"]) or "none"
        console.print(
            f"promotable: {passed} of {len(ledger.facts['families'])} families; why: fleetcast ledger show --run-key "
            f"{run.run_key}"
        )
    registration = run.stage("registration").committed()
    if registration is not None:
        console.print(f"{len(registration.facts['versions'])} tuned models are registered as challengers")


def summary_table(bests: list[FamilyBest]) -> Table:
    """One row a family; validation chose the variant, the holdout was read once, after the choice."""
    table = Table(title="Family bests: delta and direction tell of an edge; average precision alone is volatility")
    table.add_column("family")
    table.add_column("best variant")
    table.add_column("events", justify="right")
    for part in ("validation", "holdout"):
        for name in ("AP (random)", "delta [95 %]", "direction [95 %]"):
            table.add_column(f"{part}\n{name}", justify="right")
    for best in bests:
        if best.variant_id is None:
            table.add_row(best.family_id, f"none: {best.reason}", "0")
        else:
            variant = best.variant_id.removeprefix(f"{best.family_id}-")
            table.add_row(best.family_id, variant, str(best.n_events), *_cells(best.validation), *_cells(best.holdout))
    return table


def _cells(metrics: Mapping[str, float]) -> list[str]:
    return [
        f"{_number(metrics, 'macro_average_precision')} ({_number(metrics, 'random_baseline')})",
        f"{_number(metrics, 'delta', '+.3f')} {_interval(metrics, 'delta', '+.3f')}",
        f"{_number(metrics, 'direction')} {_interval(metrics, 'direction')}",
    ]


def _interval(metrics: Mapping[str, float], name: str, form: str = ".3f") -> str:
    return f"\\[{_number(metrics, f'{name}_low', form)}, {_number(metrics, f'{name}_high', form)}]"


def _number(metrics: Mapping[str, float], name: str, form: str = ".3f") -> str:
    return format(metrics[name], form) if name in metrics else "-"
