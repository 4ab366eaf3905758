"""Small fleets through all stages, on markets whose truth is known; the benchmarks `noise` and `edge` run many."""

import json
from pathlib import Path

import pytest

from collected_fleets import collect
from market_fleet import MarketFleet
from simulated_bars import KAPPAS, LEADER

ONE_TRIAL = 1  # of each study


@pytest.mark.end_to_end
def test_of_ten_fleets_without_a_direction_one_at_most_has_something_promotable(tmp_path: Path) -> None:
    fleets = collect(MarketFleet(n_trials=ONE_TRIAL), range(10), folder=tmp_path)
    assert len(fleets) == 10
    assert all(fleet["n_by_state"]["finished"] > 10 for fleet in fleets)  # else there was nothing to choose from
    assert sum(bool(fleet["promotable"]) for fleet in fleets) <= 1


@pytest.mark.end_to_end
def test_of_four_fleets_most_families_that_follow_a_leader_are_found_and_the_leaders_own_are_not(
    tmp_path: Path,
) -> None:
    fleets = collect(MarketFleet(kappa=KAPPAS[0.70], n_trials=ONE_TRIAL), range(10_000, 10_004), folder=tmp_path)
    found = [family for fleet in fleets for family in fleet["promotable"]]
    assert sum(not family.startswith(LEADER) for family in found) >= 6  # of 8; they are 8
    assert not any(family.startswith(LEADER) for family in found)


class CountedFleet(MarketFleet):
    """Its fleets are no work."""

    def run(self, seed: int) -> dict[str, object]:
        return {"seed": seed, "promotable": []}


def test_a_collection_goes_on_where_it_ended(tmp_path: Path) -> None:
    path = tmp_path / f"{CountedFleet().name}.jsonl"
    path.write_text(json.dumps({"seed": 1, "promotable": ["kept"]}) + "\n")
    found = collect(CountedFleet(), range(3), folder=tmp_path, n_processes=2)
    assert [line["seed"] for line in found] == [0, 1, 2]
    assert found[1]["promotable"] == ["kept"]
    assert len(path.read_text().splitlines()) == 3


def test_a_collection_that_is_out_of_time_begins_nothing(tmp_path: Path) -> None:
    assert collect(CountedFleet(), range(3), folder=tmp_path, until=0.0) == []


def test_kinds_of_fleets_are_kept_apart() -> None:
    kinds = [MarketFleet(), MarketFleet(n_trials=1), MarketFleet(kappa=0.336), MarketFleet(preset="sample")]
    assert len({kind.name for kind in kinds}) == 4
