"""The report's summary in words: what was found, beside what chance alone would have shown."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import Literal

from fleetcast.evaluation.report_inputs import ReportInputs
from fleetcast.fleet.results import FamilyBest

NOTHING = {"delta": 0.0, "direction": 0.5}  # what a model without an edge shows
NOTHING_IN_WORDS = {"delta": "zero", "direction": "one half"}
TAIL = 0.025  # of a 95 % interval, on one side
Part = Literal["validation", "holdout"]


@dataclass(frozen=True)
class Verdict:
    """How many families' intervals of one metric, on one part, lie clear of nothing."""

    metric: str
    part: str
    n: int
    above: tuple[str, ...]  # family ids
    below: tuple[str, ...]

    @property
    def nothing(self) -> str:
        """What the intervals are compared with, in words."""
        return NOTHING_IN_WORDS[self.metric]

    @property
    def by_chance(self) -> float:
        """How many families' intervals would lie above, and below, if there were nothing."""
        return TAIL * self.n


def verdict(bests: Sequence[FamilyBest], metric: str, *, part: Part) -> Verdict:
    """Counts the families whose interval excludes nothing.

    Args:
        bests: the families that have a best variant.
        metric: ``delta`` or ``direction``.
        part: ``validation`` or ``holdout``.
    """
    sides = {best.family_id: side_of_nothing(best, metric, part=part) for best in bests}
    known = {family_id: side for family_id, side in sides.items() if side is not None}
    return Verdict(
        metric=metric,
        part=part,
        n=len(known),
        above=tuple(family_id for family_id, side in known.items() if side > 0),
        below=tuple(family_id for family_id, side in known.items() if side < 0),
    )


def side_of_nothing(best: FamilyBest, metric: str, *, part: Part) -> int | None:
    """1 where the 95 % interval lies above nothing, -1 below, 0 around it, None where there is no interval."""
    metrics = best.validation if part == "validation" else best.holdout
    low, high = metrics.get(f"{metric}_low"), metrics.get(f"{metric}_high")
    if low is None or high is None:
        return None
    return 1 if low > NOTHING[metric] else -1 if high < NOTHING[metric] else 0


def summary_sentences(inputs: ReportInputs) -> list[str]:
    """The findings, each with the caution that belongs to it."""
    chosen, n_families = inputs.chosen, len(inputs.grid.families())
    if not chosen:
        return [
            f"No family has a best variant: {_count(len(inputs.judged), 'variant')} of {len(inputs.results):,} could "
            "be judged. The reasons stand below.",
            "Nothing is promoted here: this page reports, it does not decide.",
        ]
    return [
        f"{len(chosen)} of {n_families} families have a best variant, chosen on validation by its score; each was "
        f"then looked at once on the holdout.",
        _verdict_sentence(chosen, "delta", "what the model adds to the structure baseline, which sees no direction"),
        _verdict_sentence(chosen, "direction", "telling breakouts from reversals"),
        f"{_both_sentence(chosen)} Families share bars, so their intervals move together: a count far from chance may "
        "be one stretch of the market seen many times.",
        _volatility_sentence(chosen),
        "Nothing is promoted here: this page reports, it does not decide.",
    ]


def _verdict_sentence(chosen: Sequence[FamilyBest], metric: str, meaning: str) -> str:
    validation, holdout = (verdict(chosen, metric, part=part) for part in ("validation", "holdout"))
    return (
        f"{metric.capitalize()} ({meaning}): the 95 % interval lies above {holdout.nothing} in {len(holdout.above)} of "
        f"{holdout.n} families on the holdout, and below it in {len(holdout.below)}; chance alone would put about "
        f"{holdout.by_chance:.1f} on either side. On validation, where the variants were chosen and a count can "
        f"flatter, it is {len(validation.above)} above and {len(validation.below)} below."
    )


def _both_sentence(chosen: Sequence[FamilyBest]) -> str:
    delta, direction = (set(verdict(chosen, metric, part="holdout").above) for metric in NOTHING)
    both = [best.family_id for best in chosen if best.family_id in delta & direction]
    if not both:
        return "No family has both intervals above no effect on the holdout."
    return (
        f"{_count(len(both), 'family', 'families')} {'has' if len(both) == 1 else 'have'} both above no effect on the "
        f"holdout: {', '.join(both)}."
    )


def _volatility_sentence(chosen: Sequence[FamilyBest]) -> str:
    names = ("macro_average_precision", "structure_macro_average_precision", "random_baseline")
    values = [[best.holdout[name] for best in chosen if name in best.holdout] for name in names]
    caution = (
        "Macro average precision above its random baseline is volatility, not an edge: which outcome follows depends "
        "on how wide the bars are, whichever way they go"
    )
    if not all(values):
        return f"{caution}."
    model, structure, random = (median(part) for part in values)
    return (
        f"{caution}. The families' median on the holdout is {model:.3f} for the models, {structure:.3f} for the "
        f"structure baselines and {random:.3f} for a random order."
    )


def _count(n: int, singular: str, plural: str | None = None) -> str:
    return f"{n:,} {singular if n == 1 else plural or singular + 's'}"
