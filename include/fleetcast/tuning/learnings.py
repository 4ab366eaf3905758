"""What the broad search of a few families teaches the study of every family: where to begin, and where to look."""

from collections.abc import Mapping, Sequence
from math import ceil

from pydantic import BaseModel, ConfigDict

from fleetcast.fleet.variants import Family
from fleetcast.tuning.finished_study import completed, importances_of
from fleetcast.tuning.messages import StudyTrials
from fleetcast.tuning.narrowing import span
from fleetcast.tuning.space import Params, Space

GOOD_SHARE = 0.25  # of a study's completed trials
MIN_FOR_REGION = 10  # completed trials; where the two best of five lie is chance
MIN_TO_FIX = 40  # completed trials; importances compare the best tenth with all, and three trials say little
LEAST_IMPORTANCE = 0.05  # a quarter of an equal share of five parameters
OWN_STARTS, MAX_STARTS = 2, 5  # from the window's own representative; in all, with the default point


class Learnings(BaseModel):
    """What stage 2 has taught, by the representative's family id; of other stages empty."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    good_points: dict[str, tuple[Params, ...]] = {}  # the best quarter, best first
    good_regions: dict[str, Space | None] = {}  # what spans them; None where there are too few trials to tell
    importances: dict[str, dict[str, float]] = {}
    unimportant: tuple[str, ...] = ()


def learn(studies: Mapping[str, StudyTrials]) -> Learnings:
    """What the representatives' finished studies teach.

    Args:
        studies: by family id.
    """
    points = {family_id: _good_points(found) for family_id, found in studies.items()}
    regions = {
        family_id: span(found.spec.space, points[family_id]) if len(completed(found)) >= MIN_FOR_REGION else None
        for family_id, found in studies.items()
    }
    importances = {family_id: importances_of(found) for family_id, found in studies.items()}
    telling = [importances[family_id] for family_id, found in studies.items() if len(completed(found)) >= MIN_TO_FIX]
    return Learnings(
        good_points=points, good_regions=regions, importances=importances, unimportant=_unimportant(telling)
    )


def choose_starts(
    learnings: Learnings, window_bars: int, *, representatives: Sequence[Family], default: Params
) -> tuple[Params, ...]:
    """The points that a family of the window runs first, five at most, each once.

    First the default point, which everything is compared with on the same rows; then the two best of the window's own
    representative; then the best of the other windows' ones, the nearest window first. Unimportant parameters have
    their default in all of them.
    """
    by_nearness = sorted(representatives, key=lambda f: (abs(f.window_bars - window_bars), f.window_bars))
    starts = [default]
    for family in by_nearness:
        n_taken = OWN_STARTS if family.window_bars == window_bars else 1
        for point in learnings.good_points[family.family_id][:n_taken]:
            kept = {name: default[name] if name in learnings.unimportant else value for name, value in point.items()}
            if kept not in starts:
                starts.append(kept)
    return tuple(starts[:MAX_STARTS])


def choose_space(space: Space, learnings: Learnings, *, representative: Family, starts: Sequence[Params]) -> Space:
    """Where a family looks: the good region of its window's representative, as wide as it takes to hold the starts.

    A parameter that is unimportant stays at its default: what does not decide is not searched, so that the few trials
    of a family are spent on what does. Without a region the other parameters keep their whole range.

    Args:
        space: the run's.
        learnings: of stage 2.
        representative: of the family's window.
        starts: from `choose_starts`, the default point first.
    """
    narrowed = space
    if learnings.good_regions[representative.family_id] is not None:
        narrowed = span(space, [*starts, *learnings.good_points[representative.family_id]])
    fixed = {name: (starts[0][name],) for name in learnings.unimportant if name in narrowed.parameters}
    return Space(parameters={**narrowed.parameters, **fixed})


def _good_points(found: StudyTrials) -> tuple[Params, ...]:
    trials = completed(found)
    return tuple(trial.params for trial in trials[: ceil(GOOD_SHARE * len(trials))])


def _unimportant(importances: Sequence[Mapping[str, float]]) -> tuple[str, ...]:
    """The parameters whose importance, averaged over the studies that tell, is under the least that counts."""
    told = [by_name for by_name in importances if by_name]
    names = sorted({name for by_name in told for name in by_name})
    means = {name: sum(by_name.get(name, 0.0) for by_name in told) / len(told) for name in names}
    return tuple(name for name in names if means[name] < LEAST_IMPORTANCE)
