"""One study of a stage, as its plan names it: opened at the service under a name that no other data has."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ConfigDict

from fleetcast.job_args.run_key import digest_of
from fleetcast.training.parameters import STAGE_1
from fleetcast.tuning.client import StudyClient
from fleetcast.tuning.messages import OpenStudy, StudySpec
from fleetcast.tuning.space import Params, Space

PATIENCE = {2: 40, 3: 40, 4: 50}  # rounds of early stopping
# Between folds a trial is compared with the best one fold by fold (Wilcoxon's signed ranks): folds differ more than
# trials do. The median pruner would compare a trial's best fold so far with what others reached in another fold.
PRUNERS = {2: "none", 3: "wilcoxon", 4: "wilcoxon"}

BY_HAND_STAGE = "by-hand"  # begins the name of a study that a person has asked for

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Candidate:
    """What a stage wants to tune: a family's variant, where to look and begin, and CPU seconds that a trial takes."""

    family_id: str
    variant_id: str
    space: Space
    starts: tuple[Params, ...]
    trial_seconds: float


class PlannedStudy(BaseModel):
    """One entry of a plan's manifest."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    study: str
    family_id: str
    variant_id: str
    n_trials: int
    expected_trial_seconds: float
    spec: StudySpec
    starts: tuple[Params, ...]


def default_point(space: Space) -> Params:
    """Stage 1's parameters, as a point of the space."""
    return {name: STAGE_1[name] for name in space.parameters}


def plan_study(
    candidate: Candidate, n_trials: int, *, stage: int, data: Sequence[Any], seed: int, name: str | None = None
) -> PlannedStudy:
    """The study of a candidate.

    A space with fewer points than trials gets as many trials as it has points, and a budget smaller than the starting
    points runs the first of them.

    Args:
        candidate: what is tuned.
        n_trials: that the budget holds.
        stage: 2, 3 or 4.
        data: JSON values that name all that its objective reads, beside the variant.
        seed: the run's.
        name: with which the study's begins; None: the stage's.
    """
    n_points = candidate.space.n_points
    n_trials = n_trials if n_points is None else min(n_trials, n_points)
    spec = StudySpec.model_validate(
        {
            "stage": name or f"stage-{stage}",
            "data": f"{candidate.variant_id} {digest_of([candidate.variant_id, *data])[:40]}",
            "space": candidate.space,
            "pruner": PRUNERS[stage],
            "seed": int(digest_of([seed, stage, candidate.family_id])[:7], 16),
        }
    )
    return PlannedStudy(
        study=spec.name,
        family_id=candidate.family_id,
        variant_id=candidate.variant_id,
        n_trials=n_trials,
        expected_trial_seconds=candidate.trial_seconds,
        spec=spec,
        starts=candidate.starts[:n_trials],
    )


def open_unused(client: StudyClient, planned: PlannedStudy) -> PlannedStudy:
    """Opens the study, and says under which name.

    Nobody runs trials before the plan is committed. A study that has some all the same ran in a store that is gone,
    where its trials' predictions went too: it is left alone, and one that is its equal but for the name takes its
    place.

    Raises:
        ConfigurationError: the service refuses the token or the study.
        ServiceError: it does not answer.
    """
    spec, take = planned.spec, 1
    while True:
        state = client.open(OpenStudy(spec=spec, n_trials=planned.n_trials, starts=planned.starts))
        if state.n_left == state.n_trials and not state.n_running:
            return planned.model_copy(update={"study": spec.name, "spec": spec})
        log.warning("study %s was run before this plan: a new one takes its place", spec.name)
        take += 1
        spec = planned.spec.model_copy(update={"data": f"{planned.spec.data} take {take}"})
