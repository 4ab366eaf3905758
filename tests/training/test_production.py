from collections.abc import Callable

import pytest

from fleetcast.errors import DataError, StoreError
from fleetcast.fleet.results import Parents
from fleetcast.job_args.fleet import FleetJobArgs
from fleetcast.store.manifests import RunFolder
from fleetcast.store.objects import Store
from fleetcast.training.production import load_production_data, read_choices
from synthetic_fleet import SyntheticFleet, fleet_args


def tuned_entry(variant_id: str) -> dict[str, object]:
    return {
        "stage": 3,
        "study": "stage-3-0123",
        "number": 7,
        "parameters": {"num_leaves": 7, "learning_rate": 0.1},
        "value": 0.41,
        "default_value": 0.4,
        "variant_id": variant_id,
        "patience": 40,
    }


def test_without_tuning_the_family_bests_are_chosen_with_stage_1s_parameters(store: Store) -> None:
    fleet = SyntheticFleet(fleet_args(store.uri))
    bests = fleet.write_family_bests()
    choices = read_choices(fleet.args, fleet.folder)
    assert [choice.variant and choice.variant.variant_id for choice in choices.values()] == [
        b.variant_id for b in bests
    ]
    assert {choice.parents.stage for choice in choices.values() if choice.parents} == {1}
    assert all(choice.point == {} for choice in choices.values())


def test_with_tuning_its_parameters_and_its_trial_are_the_choice(store: Store) -> None:
    args = fleet_args(store.uri, tune=True)
    fleet = SyntheticFleet(args)
    fleet.write_family_bests()  # which do not count then
    variant = args.variants()[3]
    fleet.folder.tuning_result(4).commit(facts={"tuned": {"btc-w5-high": tuned_entry(variant.variant_id)}})
    choices = read_choices(args, fleet.folder)
    assert choices["btc-w5-high"].variant == variant
    assert choices["btc-w5-high"].point == {"num_leaves": 7, "learning_rate": 0.1}
    assert choices["btc-w5-high"].parents == Parents(
        variant_id=variant.variant_id, stage=3, study="stage-3-0123", trial=7, value=0.41, default_value=0.4
    )
    assert choices["eth-w5-high"].variant is None
    assert choices["eth-w5-high"].reason == "no variant of the family was chosen"


def test_tuning_that_is_not_closed_is_asked_for(store: Store) -> None:
    fleet = SyntheticFleet(fleet_args(store.uri, tune=True))
    fleet.write_family_bests()
    with pytest.raises(StoreError, match=r"stage 'result' has no manifest at .*tuning/stage-4/result: run it first"):
        read_choices(fleet.args, fleet.folder)


def test_a_variant_of_another_fleet_is_refused(store: Store) -> None:
    fleet = SyntheticFleet(fleet_args(store.uri, tune=True))
    fleet.folder.tuning_result(4).commit(facts={"tuned": {"btc-w5-high": tuned_entry("btc-w99-high-h5-d1.0-t0.5")}})
    with pytest.raises(DataError, match=r"its chosen variant 'btc-w99-high-h5-d1\.0-t0\.5' is not in the fleet"):
        read_choices(fleet.args, fleet.folder)


def test_features_without_a_certificate_are_refused(new_production_run: Callable[..., FleetJobArgs]) -> None:
    args = new_production_run(seed=100)
    folder = RunFolder(Store(args.store), args.run_key)
    folder.store.delete(f"{folder.path}/features/manifest.json")
    folder.stage("features").commit(facts={"certificate_key": "another"})
    with pytest.raises(DataError, match="have no valid leak certificate"):
        load_production_data(args)
