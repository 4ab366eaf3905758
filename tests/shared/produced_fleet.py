"""A fleet with production models: made-up results as the jobs write them, with a real booster each."""

import json

from fleetcast.fleet.results import Parents, ProductionResult, TrialResult
from fleetcast.job_args.fleet import FleetJobArgs
from synthetic_fleet import COLUMNS, SyntheticFleet, fleet_args, model_text

STUDY, TRIAL = "stage-4-0123456789", 17  # of the first family
DELTA_OUT_OF_FOLD = 0.0123
CERTIFICATE = "c" * 64


def write_produced_fleet(args: FleetJobArgs, *, skipped: tuple[str, ...] = ()) -> SyntheticFleet:
    """Commits all stages that registration reads; a tuned fleet's models have trials as parents.

    Args:
        args: of the run.
        skipped: ids of families without a production model.
    """
    fleet = SyntheticFleet(args)
    fleet.write_all()
    bests = fleet.folder.stage("family_bests").require().facts["families"]
    if args.tune:
        fleet.folder.stage("holdout").commit(facts={"families": bests, "holdout_looks": len(bests)})
    columns = fleet.folder.stage("production/columns")
    selected = [{"name": name, "gain": 1.0, "n_models": 2, "unknown": 0.5} for name in COLUMNS]
    columns.write("selected.json", json.dumps(selected).encode())
    columns.commit(facts={"n_columns": len(selected), "screen_end": 6000})
    for place, (family_id, best) in enumerate(bests.items()):
        tuned = {"stage": 4, "study": STUDY, "trial": TRIAL + place, "value": 0.43, "default_value": 0.42}
        parents = Parents(variant_id=best["variant_id"], **(tuned if args.tune else {"stage": 1}))
        trained = ProductionResult(
            family_id=family_id,
            status="trained",
            parents=parents,
            n_fit=1000,
            n_stop=180,
            n_rows=1200,
            best_round=40,
            n_rounds=48,
            patience=50,
            parameters={"num_leaves": 30, "learning_rate": 0.05},
            cpu_seconds=1.5,
        )
        absent = ProductionResult(family_id=family_id, status="skipped", reason="no variant of the family was chosen")
        folder = fleet.folder.production_model(family_id)
        if args.tune:
            _write_trial(fleet, parents, family_id)
        if family_id not in skipped:
            folder.write("model.txt", model_text(place))
        folder.commit(
            inputs={"certificate": CERTIFICATE, "labels": "b" * 64, "production_columns": "a" * 64},
            facts=(absent if family_id in skipped else trained).model_dump(mode="json"),
        )
    return fleet


def produced_args(store_uri: str, *, tune: bool = True, **changes: object) -> FleetJobArgs:
    """Arguments of the micro fleet, tuned unless said otherwise."""
    return fleet_args(store_uri, tune=tune, **changes)


def _write_trial(fleet: SyntheticFleet, parents: Parents, family_id: str) -> None:
    trial = TrialResult(
        study=STUDY,
        number=parents.trial or 0,
        stage=4,
        family_id=family_id,
        variant_id=parents.variant_id,
        parameters={"num_leaves": 30, "learning_rate": 0.05},
        state="complete",
        value=parents.value,
        folds=(),
        metrics={"delta": DELTA_OUT_OF_FOLD, "delta_low": -0.01, "delta_high": 0.03},
        cpu_seconds=2.0,
    )
    fleet.folder.trial(STUDY, trial.number).commit(facts=trial.model_dump(mode="json"))
