"""Job ``plan-family-tuning``: opens one family's study as a person has asked for, beside those of its run.

It has the folds of stage 3 and nothing else of the run's own tuning: another name, no part of its budget, and what it
finds is shown, changes no model and cannot be promoted: no ledger counts it.
"""

import dataclasses
import logging

from fleetcast.errors import DataError
from fleetcast.fleet.results import FamilyBest, VariantResult
from fleetcast.job_args.tuning import PlanFamilyTuning, TunedStage
from fleetcast.settings import StudySettings
from fleetcast.store.manifests import RunFolder
from fleetcast.store.objects import Store
from fleetcast.tuning.budget import MIN_SECONDS
from fleetcast.tuning.candidates import family_seconds
from fleetcast.tuning.client import StudyClient
from fleetcast.tuning.planned_study import BY_HAND_STAGE, Candidate, default_point, open_unused, plan_study
from fleetcast.tuning.space import load_space
from fleetcast.tuning.stage_folds import stage_folds

STAGE: TunedStage = 3  # whose folds and patience it has
logger = logging.getLogger(__name__)


def run(args: PlanFamilyTuning) -> None:
    """Commits the plan after its study is open; ends at once when it is committed.

    Raises:
        ConfigurationError: there is no such family, or the service refuses the token.
        DataError: the family has no variant to tune.
        ServiceError: the service does not answer.
        StoreError: stage 1 is not done.
    """
    args.check_family(args.family_id)
    run_folder = RunFolder(Store(args.store), args.run_key)
    folder = run_folder.tuning_plan(STAGE, by_hand=args.by_hand)
    if folder.is_done():
        return
    bests, columns = run_folder.stage("family_bests").require(), run_folder.stage("columns").require()
    labels = run_folder.stage("labels").require()
    candidate = _choose(args, run_folder, FamilyBest.model_validate(bests.facts["families"][args.family_id]))
    inputs = {"columns": columns.output_digest, "labels": labels.output_digest}
    folds = [dataclasses.astuple(fold) for fold in stage_folds(STAGE, labels.facts["n_rows"])]
    reads = [args.run_key, inputs, folds, args.by_hand]
    study = plan_study(candidate, args.n_trials, stage=STAGE, data=reads, seed=args.seed, name=BY_HAND_STAGE)
    settings = StudySettings()
    with StudyClient(settings.url, token=settings.require("token")) as client:
        study = open_unused(client, study)
    folder.commit(
        inputs={**inputs, "family_bests": bests.output_digest},
        facts={
            "stage": STAGE,
            "by_hand": args.by_hand,
            "budget": {"planned_cpu_seconds": study.n_trials * study.expected_trial_seconds},
            "studies": [study.model_dump(mode="json")],
        },
    )
    logger.info("%s: study %s of %d trials on %s", args.by_hand, study.study, study.n_trials, study.variant_id)


def _choose(args: PlanFamilyTuning, run_folder: RunFolder, best: FamilyBest) -> Candidate:
    if best.variant_id is None:
        raise DataError(f"cannot tune {args.family_id}: {best.reason}. Choose a family that has a best variant.")
    trained = VariantResult.model_validate(run_folder.variant(best.variant_id).require().facts)
    space = load_space(args.space)
    return Candidate(
        family_id=args.family_id,
        variant_id=best.variant_id,
        space=space,
        starts=(default_point(space),),
        trial_seconds=family_seconds(max(trained.fit_cpu_seconds, MIN_SECONDS)),
    )
