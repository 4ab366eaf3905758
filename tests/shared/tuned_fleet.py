"""A synthetic fleet that was tuned: made-up results of the stages after the first, as their jobs write them."""

from typing import Any

from fleetcast.fleet.results import FamilyBest, ProductionResult
from synthetic_fleet import SyntheticFleet

POINT = {"num_leaves": 30, "learning_rate": 0.05}
FILES = (
    "study_summary.json",
    "all_trials.json",
    "trials_dataframe.csv",
    "history.html",
    "importances.html",
    "parallel_coordinates.html",
    "slice.html",
)
DEFAULT, THIRD = 0.40, 0.41
GAINS = (0.02, 0.0, -0.01)  # of stage 4 over stage 3, family by family
PLANNED = {2: 15.0, 3: 35.0, 4: 25.0}
SPENT = {2: 12.0, 3: 36.5, 4: 20.25}


def write_tuning(fleet: SyntheticFleet, *, gains: tuple[float, ...] = GAINS, third: float = THIRD) -> None:
    """Commits the plans and results of stages 2 to 4, the holdout and production models; stage 1 must be there.

    Args:
        fleet: whose families have a best variant each.
        gains: of stage 4 over stage 3, by family, over and over.
        third: what stage 3 reaches, where stage 1's parameters reach `DEFAULT`.
    """
    bests = [
        FamilyBest.model_validate(best)
        for best in fleet.folder.stage("family_bests").require().facts["families"].values()
    ]
    for stage in (2, 3, 4):
        write_stage(fleet, stage, bests[:1] if stage == 2 else bests, gains=gains, third=third)
    looked = {best.family_id: best.model_dump(mode="json") for best in bests}
    facts = {"families": looked, "holdout_looks": len(bests), "holdout_looks_of_all_runs": 7, "cpu_seconds": 1.5}
    fleet.folder.stage("holdout").commit(facts=facts)
    for best in bests:
        model = ProductionResult(family_id=best.family_id, status="trained", training_cpu_seconds=1.5)
        fleet.folder.production_model(best.family_id).commit(facts=model.model_dump(mode="json"))


def write_stage(
    fleet: SyntheticFleet, stage: int, bests: list[FamilyBest], *, gains: tuple[float, ...], third: float
) -> None:
    """One stage: a study of eight trials for each of the families."""
    budget = {"total_cpu_seconds": 100.0, "share": {2: 0.15, 3: 0.35, 4: 0.25}[stage], "spent_before": 0.0}
    studies = [{"study": study_name(stage, best.family_id), "family_id": best.family_id} for best in bests]
    cpu = fleet.folder.stage("family_bests").require().facts["cpu"]
    planned = 40.0 - cpu["training_cpu_seconds"] - cpu["structure_cpu_seconds"] if stage == 2 else PLANNED[stage]
    plan_facts = {"stage": stage, "budget": budget | {"planned_cpu_seconds": planned}, "studies": studies}
    fleet.folder.tuning_plan(stage).commit(facts=plan_facts)
    folder = fleet.folder.tuning_result(stage)
    families, tuned = {}, {}
    for place, best in enumerate(bests):
        value = third + (gains[place % len(gains)] if stage == 4 else 0.0)
        families[best.family_id] = outcome(stage, best, value)
        chosen, of = max((third, 3), (value, stage), key=lambda found: found[0])
        tuned[best.family_id] = {
            "stage": of,
            "study": study_name(of, best.family_id),
            "number": 5,
            "parameters": POINT,
            "value": chosen,
            "default_value": DEFAULT,
            "variant_id": best.variant_id,
            "patience": 50,
        }
        for name in FILES:
            folder.write(f"{best.family_id}/{name}", f"{stage} {best.family_id} {name}".encode())
    facts = {
        "stage": stage,
        "planned_cpu_seconds": planned,
        "spent_cpu_seconds": SPENT[stage],
        "left_cpu_seconds": planned - SPENT[stage],
        "families": families,
    }
    folder.commit(facts=facts | ({"tuned": tuned} if stage == 4 else {}))


def outcome(stage: int, best: FamilyBest, value: float) -> dict[str, Any]:
    """One family's study as a stage's result has it."""
    default = None if stage == 4 else {"number": 0, "value": DEFAULT, "parameters": POINT}
    return {
        "study": study_name(stage, best.family_id),
        "variant_id": best.variant_id,
        "default": default,
        "best": {"number": 5, "value": value, "parameters": POINT},
        "n_complete": 5,
        "n_pruned": 2,
        "n_failed": 1,
        "cpu_seconds": 4.0,
    }


def study_name(stage: int, family_id: str) -> str:
    """Of a made-up study."""
    return f"stage-{stage}-{family_id}"
