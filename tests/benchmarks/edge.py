"""How often a planted edge is found, by its strength, and how often a family beside it is promoted wrongly."""

from typing import Any

from fleet_options import check_any, parse_options, share

from collected_fleets import collect
from market_fleet import MarketFleet
from simulated_bars import KAPPAS, LEADER

FIRST_SEED = 10_000  # no fleet of `noise` has these
POWER, LIMIT = 0.80, 0.05


def measure() -> dict[str, Any]:
    """Runs the fleets that are missing; the value is the share of the families with the strongest edge not found."""
    options = parse_options(n_fleets=40)
    by_oracle = {}
    for oracle, kappa in sorted(KAPPAS.items(), reverse=True):
        found = collect(
            MarketFleet(preset=options.preset, kappa=kappa, n_trials=options.n_trials),
            range(FIRST_SEED, FIRST_SEED + options.fleets),
            folder=options.folder,
            n_processes=options.processes,
            until=options.until,
        )
        by_oracle[oracle] = describe(found)
    check_any(by_oracle[max(KAPPAS)]["found"]["n"])
    strongest = by_oracle[max(KAPPAS)]["found"]
    controls = [one["controls"] for one in by_oracle.values()]
    n_wrong, n = (sum(one[name] for one in controls) for name in ("count", "n"))
    return {
        "value": round(1 - strongest["share"], 4),
        "unit": f"of planted families not found at an oracle's AUC of {max(KAPPAS):.2f}",
        "limit": round(1 - POWER, 4),
        "also": {"controls": n_wrong <= LIMIT * n},
        "by_oracle_auc": {f"{oracle:.2f}": one for oracle, one in by_oracle.items()},
        "controls": share(n_wrong, n),
    }


def describe(fleets: list[dict[str, Any]]) -> dict[str, Any]:
    """Of the families that follow, how many are promotable; of the leader's, which nothing leads, how many too."""
    rows = [(family_id, row) for fleet in fleets for family_id, row in fleet["families"].items()]
    planted = [row for family_id, row in rows if not family_id.startswith(LEADER)]
    controls = [row for family_id, row in rows if family_id.startswith(LEADER)]
    directions = [row["statistics"]["direction"]["estimate"] for row in planted if row["statistics"]]
    known = [value for value in directions if value is not None]
    return {
        "found": share(sum(row["promotable"] for row in planted), len(planted)),
        "controls": share(sum(row["promotable"] for row in controls), len(controls)),
        "mean_direction": round(0.5 + sum(known) / len(known), 3) if known else None,
        "mean_cpu_seconds": round(sum(fleet["cpu_seconds"] for fleet in fleets) / max(len(fleets), 1), 1),
    }
