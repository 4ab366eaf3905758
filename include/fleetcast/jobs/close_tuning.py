"""Job ``close-tuning``: reads a stage's finished studies, learns from them and stores their artifacts."""

import logging
from collections.abc import Callable, Sequence

from fleetcast.errors import ServiceError
from fleetcast.fleet.results import TrialResult
from fleetcast.job_args.run_key import digest_of
from fleetcast.job_args.tuning import CloseTuning
from fleetcast.settings import StudySettings
from fleetcast.store.manifests import Manifest, RunFolder
from fleetcast.store.objects import Store
from fleetcast.tuning.artifacts import BY_HAND, write_artifacts
from fleetcast.tuning.client import StudyClient
from fleetcast.tuning.learnings import Learnings, learn
from fleetcast.tuning.messages import StudyTrials
from fleetcast.tuning.planned_study import PlannedStudy
from fleetcast.tuning.stage_results import StageResult, choose_tuned, cost_over_expected, describe_family, load_result

logger = logging.getLogger(__name__)


def run(args: CloseTuning, *, write: Callable[..., None] = write_artifacts) -> None:
    """Commits the stage's result; ends at once when it is committed.

    Args:
        args: of the job.
        write: writes a study's files, as `write_artifacts` does.

    Raises:
        ServiceError: a study is not over, or the service does not answer.
        StoreError: the stage is not planned, or a trial that ended has no manifest.
    """
    folder = RunFolder(Store(args.store), args.run_key)
    result_folder = folder.tuning_result(args.stage, by_hand=args.by_hand)
    if result_folder.is_done():
        return
    plan = folder.tuning_plan(args.stage, by_hand=args.by_hand).require()
    planned = [PlannedStudy.model_validate(study) for study in plan.facts["studies"]]
    found = _read_studies(planned)
    if args.by_hand is None:
        for trials in found.values():
            _check_over(trials)
    outcomes, inputs = {}, {}
    for study in planned:
        manifests = _read_manifests(folder, found[study.family_id])
        results = [TrialResult.model_validate(manifest.facts) for manifest in manifests]
        outcomes[study.family_id] = describe_family(study, found[study.family_id], results=results)
        inputs[study.study] = digest_of([manifest.output_digest for manifest in manifests])
        write(result_folder, study, found[study.family_id], results=results)
    spent = sum(outcome.cpu_seconds for outcome in outcomes.values())
    planned_seconds = plan.facts["budget"]["planned_cpu_seconds"]
    result = StageResult(
        stage=args.stage,
        planned_cpu_seconds=planned_seconds,
        spent_cpu_seconds=spent,
        left_cpu_seconds=planned_seconds - spent,
        cost_over_expected=cost_over_expected(planned, outcomes),
        families=outcomes,
        learnings=learn(found) if args.stage == 2 else Learnings(),
        tuned=choose_tuned(load_result(folder, 3), outcomes) if args.stage == 4 and args.by_hand is None else None,
    )
    result_folder.commit(inputs=inputs, facts=result.facts())
    logger.info("stage %d: spent %.1f of %.1f CPU seconds", args.stage, spent, planned_seconds)
    if args.by_hand is not None:
        logger.warning("%s is not promotable: %s", args.by_hand, BY_HAND)


def _read_studies(planned: Sequence[PlannedStudy]) -> dict[str, StudyTrials]:
    """Every study's trials, by family."""
    settings = StudySettings()
    found = {}
    with StudyClient(settings.url, token=settings.require("token")) as client:
        for study in planned:
            found[study.family_id] = client.trials(study.study)
    return found


def _check_over(found: StudyTrials) -> None:
    n_ended = sum(trial.state in ("complete", "pruned", "failed") for trial in found.trials)
    if n_ended < found.n_trials:
        raise ServiceError(
            f"study {found.spec.name} is not over: {n_ended} of {found.n_trials} trials have ended. Let run-trials end "
            "first."
        )


def _read_manifests(folder: RunFolder, found: StudyTrials) -> list[Manifest]:
    """Of the trials that ended with or without a score; failed ones leave nothing in the store."""
    ended = [trial.number for trial in found.trials if trial.state in ("complete", "pruned")]
    return [folder.trial(found.spec.name, number).require() for number in ended]
