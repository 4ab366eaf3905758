"""Job ``plan-tuning``: divides a stage's budget, chooses what it tunes and opens its studies."""

import dataclasses
import logging
from collections.abc import Sequence

from fleetcast.fleet.results import FamilyBest, VariantResult
from fleetcast.job_args.tuning import PlanTuning
from fleetcast.settings import StudySettings
from fleetcast.store.manifests import RunFolder
from fleetcast.store.objects import Store
from fleetcast.tuning.budget import MIN_SECONDS, Budget, check_total, total_seconds
from fleetcast.tuning.candidates import family_seconds, stage_2_candidates, stage_3_candidates, stage_4_candidates
from fleetcast.tuning.client import StudyClient
from fleetcast.tuning.planned_study import Candidate, PlannedStudy, open_unused, plan_study
from fleetcast.tuning.space import load_space
from fleetcast.tuning.stage_folds import stage_folds
from fleetcast.tuning.stage_results import StageResult, load_result

logger = logging.getLogger(__name__)


@dataclasses.dataclass(frozen=True)
class Before:
    """What the stages before have found: each family's best, what its variant took in stage 1, and what they spent."""

    bests: list[FamilyBest]
    seconds: dict[str, float]  # by variant
    spent: dict[int, float]  # by stage
    results: dict[int, StageResult]
    digest: str  # of the family bests


def run(args: PlanTuning) -> None:
    """Commits the plan after its studies are open; ends at once when it is committed.

    Raises:
        ConfigurationError: a total was given that is too small, or the service refuses the token.
        ServiceError: the service does not answer.
        StoreError: an earlier stage is not done.
    """
    run_folder = RunFolder(Store(args.store), args.run_key)
    folder = run_folder.tuning_plan(args.stage)
    if folder.is_done():
        return
    before = _load_before(run_folder, args.stage)
    candidates = _choose_candidates(args, before)
    if args.stage == 2 and args.tuning_cpu_seconds is not None and args.tuning_trials is None:
        _check_total(args.tuning_cpu_seconds, candidates, before=before)
    budget = Budget.of(args.stage, total=total_seconds(args.tuning_cpu_seconds, before.spent[1]), spent=before.spent)
    n_trials = args.tuning_trials or budget.n_trials([candidate.trial_seconds for candidate in candidates])
    labels = run_folder.stage("labels").require()
    inputs = {"columns": run_folder.stage("columns").require().output_digest, "labels": labels.output_digest}
    folds = [dataclasses.astuple(fold) for fold in stage_folds(args.stage, labels.facts["n_rows"])]
    reads = [args.run_key, inputs, folds]  # the run, because its trials' predictions lie in its folder
    studies = _open_all([plan_study(c, n_trials, stage=args.stage, data=reads, seed=args.seed) for c in candidates])
    folder.commit(
        inputs={**inputs, "family_bests": before.digest},
        facts={
            "stage": args.stage,
            "budget": budget.facts(),
            "studies": [study.model_dump(mode="json") for study in studies],
        },
    )
    logger.info(
        "stage %d: %d studies of %d trials for %.1f of %.1f CPU seconds",
        *(args.stage, len(studies), n_trials, budget.planned_cpu_seconds, budget.total_cpu_seconds),
    )


def _load_before(run: RunFolder, stage: int) -> Before:
    family_bests = run.stage("family_bests").require()
    facts = family_bests.facts
    bests = [FamilyBest.model_validate(best) for best in facts["families"].values()]
    chosen = [best.variant_id for best in bests if best.variant_id is not None]
    trained = [VariantResult.model_validate(run.variant(variant_id).require().facts) for variant_id in chosen]
    results = {earlier: load_result(run, earlier) for earlier in range(2, stage)}
    return Before(
        bests=bests,
        seconds={result.variant_id: max(result.fit_cpu_seconds, MIN_SECONDS) for result in trained},
        spent={
            1: facts["cpu"]["training_cpu_seconds"] + facts["cpu"]["structure_cpu_seconds"],
            **{earlier: result.spent_cpu_seconds for earlier, result in results.items()},
        },
        results=results,
        digest=family_bests.output_digest,
    )


def _choose_candidates(args: PlanTuning, before: Before) -> list[Candidate]:
    space, families, bests = load_space(args.tuning_space), args.families(), before.bests
    if args.stage == 2:
        return stage_2_candidates(families, bests, seconds=before.seconds, space=space)
    if args.stage == 3:
        return stage_3_candidates(families, bests, seconds=before.seconds, space=space, stage_2=before.results[2])
    return stage_4_candidates(bests, space=space, stage_3=before.results[3])


def _check_total(total: float, representatives: Sequence[Candidate], *, before: Before) -> None:
    """Later stages are expected to take what the representatives are expected to, on folds."""
    of_folds = sum(family_seconds(seconds) for seconds in before.seconds.values())
    check_total(
        total,
        stage_1=before.spent[1],
        one_trial_each={2: sum(c.trial_seconds for c in representatives), 3: of_folds, 4: of_folds},
    )


def _open_all(planned: Sequence[PlannedStudy]) -> list[PlannedStudy]:
    settings = StudySettings()
    with StudyClient(settings.url, token=settings.require("token")) as client:
        return [open_unused(client, study) for study in planned]
