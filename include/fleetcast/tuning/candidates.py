"""What each stage tunes: six representatives broadly, then all families, then closely around each one's best."""

from collections.abc import Mapping, Sequence

from fleetcast.fleet.results import FamilyBest
from fleetcast.fleet.variants import Family
from fleetcast.tuning.budget import BROAD_FACTOR, FOLDS_FACTOR
from fleetcast.tuning.learnings import choose_space, choose_starts
from fleetcast.tuning.narrowing import around
from fleetcast.tuning.planned_study import Candidate, default_point
from fleetcast.tuning.representatives import choose_representatives
from fleetcast.tuning.space import Space
from fleetcast.tuning.stage_results import StageResult


def stage_2_candidates(
    families: Sequence[Family], bests: Sequence[FamilyBest], *, seconds: Mapping[str, float], space: Space
) -> list[Candidate]:
    """A representative of each window, in the whole space, from the default point on.

    Args:
        families: all, in the grid's order.
        bests: what stage 1 chose for each.
        seconds: by variant, what it took in stage 1.
        space: the run's.
    """
    chosen = {family.family_id for family in choose_representatives(families, bests)}
    return [
        Candidate(best.family_id, variant_id, space, (default_point(space),), seconds[variant_id] * BROAD_FACTOR)
        for best, variant_id in _chosen(bests)
        if best.family_id in chosen
    ]


def stage_3_candidates(
    families: Sequence[Family],
    bests: Sequence[FamilyBest],
    *,
    seconds: Mapping[str, float],
    space: Space,
    stage_2: StageResult,
) -> list[Candidate]:
    """Every family that has a judged variant, with what its window's representative has taught."""
    known = {family.family_id: family for family in families}
    representatives = [known[family_id] for family_id in stage_2.families]
    by_window = {family.window_bars: family for family in representatives}
    ratio = stage_2.cost_over_expected or 1.0
    candidates = []
    for best, variant_id in _chosen(bests):
        window = known[best.family_id].window_bars
        starts = choose_starts(stage_2.learnings, window, representatives=representatives, default=default_point(space))
        own = choose_space(space, stage_2.learnings, representative=by_window[window], starts=starts)
        candidates.append(
            Candidate(best.family_id, variant_id, own, starts, ratio * family_seconds(seconds[variant_id]))
        )
    return candidates


def stage_4_candidates(bests: Sequence[FamilyBest], *, space: Space, stage_3: StageResult) -> list[Candidate]:
    """Every family that stage 3 has found a point for: the space around that point, which is run first.

    The space is cut from the run's, not from the one that stage 3 looked in: a best point at its edge may lie beyond.
    """
    candidates = []
    for best, variant_id in _chosen(bests):
        outcome = stage_3.families[best.family_id]
        if outcome.best is not None and outcome.trial_seconds is not None:
            point = outcome.best.parameters
            candidates.append(
                Candidate(best.family_id, variant_id, around(space, point), (point,), outcome.trial_seconds)
            )
    return candidates


def family_seconds(stage_1: float) -> float:
    """What a trial on folds is expected to take before any was measured, from what the variant took in stage 1."""
    return stage_1 * BROAD_FACTOR * FOLDS_FACTOR


def _chosen(bests: Sequence[FamilyBest]) -> list[tuple[FamilyBest, str]]:
    """The families that have a variant, with it."""
    return [(best, best.variant_id) for best in bests if best.variant_id is not None]
