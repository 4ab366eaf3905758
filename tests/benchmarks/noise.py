"""How many fleets without any direction have something promotable: sign-flipped real bars, and simulated scores."""

from typing import Any

from fleet_options import parse_options, share

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
    wrong = [line["seed"] for line in found if line["promotable"]]
    passed = [line for line in found if any(_passes(family) for family in line["families"].values())]
    return {
        "value": round(len(wrong) / max(len(found), 1), 4),
        "unit": "of fleets on sign-flipped bars with anything promotable",
        "limit": LIMIT,
        "fleets": fleet.name,
        **share(len(wrong), len(found)),
        "p_at_most_0.05": share(len(passed), len(found)),  # before the holdout has its say
        "seeds": wrong,
        "mean_cpu_seconds": round(sum(line["cpu_seconds"] for line in found) / max(len(found), 1), 1),
        "code_versions": len({line["code_digest"] for line in found}),
        "simulated_scores": {str(n_blocks): simulate(n_blocks, options.simulated) for n_blocks in N_BLOCKS},
    }


def simulate(n_blocks: int, n_fleets: int) -> dict[str, Any]:
    """Fleets of scores without a market, where the blocks' number alone matters."""
    ledgers = [simulated_ledger(seed, n_blocks=n_blocks) for seed in range(n_fleets)]
    passed = [min(_p_values(ledger)) <= LIMIT for ledger in ledgers]
    return {
        "p_at_most_0.05": share(sum(passed), n_fleets),
        "promotable": share(sum(bool(ledger.promotable) for ledger in ledgers), n_fleets),
    }


def _p_values(ledger: Any) -> list[float]:
    return [t.p for row in ledger.trials for t in row.statistics.values() if t.p is not None]


def _passes(family: dict[str, Any]) -> bool:
    return any(tested["p"] is not None and tested["p"] <= LIMIT for tested in family["statistics"].values())
