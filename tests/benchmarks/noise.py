"""How many fleets without any direction have something promotable: sign-flipped real bars, and simulated scores."""

from typing import Any

from fleet_options import check_any, parse_options, share

from collected_fleets import collect
from market_fleet import MarketFleet
from simulated_trials import simulated_ledger

N_BLOCKS = (20, 40, 60)  # of time, in simulated fleets
LIMIT = 0.05


def measure() -> dict[str, Any]:
    """Runs the fleets that are missing; the value is the share of all that have something promotable."""
    options = parse_options(n_fleets=300)
    fleet = MarketFleet(preset=options.preset, n_trials=options.n_trials)
    found = collect(
        fleet,
        range(options.fleets),
        folder=options.folder,
        n_processes=options.processes,
        until=options.until,
    )
    check_any(found)
    wrong = [line["seed"] for line in found if line["promotable"]]
    return {
        "value": round(len(wrong) / len(found), 4),
        "unit": "of fleets on sign-flipped bars with anything promotable",
        "limit": LIMIT,
        "fleets": fleet.name,
        "promotable": share(len(wrong), len(found)),
        "a_familys_p": share(sum(_has_small_p(line, "tests") for line in found), len(found)),
        "a_bests_own_p": share(sum(_has_small_p(line, "statistics") for line in found), len(found)),
        "seeds": wrong,
        "mean_cpu_seconds": round(sum(line["cpu_seconds"] for line in found) / len(found), 1),
        "code_versions": len({line["code_digest"] for line in found}),
        "simulated_scores": {str(n_blocks): simulate(n_blocks, options.simulated) for n_blocks in N_BLOCKS},
    }


def simulate(n_blocks: int, n_fleets: int) -> dict[str, Any]:
    """Fleets of scores without a market; a family's best is the one with the largest T, the worst way to choose."""
    ledgers = [simulated_ledger(seed, n_blocks=n_blocks) for seed in range(n_fleets)]
    tests = {
        "promotable": [bool(ledger.promotable) for ledger in ledgers],
        "a_familys_p": [
            any(_passes(test.p) for row in ledger.families for test in row.tests.values()) for ledger in ledgers
        ],
        "a_trials_p": [
            any(_passes(t.p) for row in ledger.trials for t in row.statistics.values()) for ledger in ledgers
        ],
    }
    return {name: share(sum(passed), n_fleets) for name, passed in tests.items()}


def _has_small_p(line: dict[str, Any], kind: str) -> bool:
    return any(_passes(test["p"]) for family in line["families"].values() for test in family[kind].values())


def _passes(p: float | None) -> bool:
    return p is not None and p <= LIMIT
