"""The report's section on tuning: what each stage cost and gained out of fold, and the one look at the holdout."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from fleetcast.evaluation.report_inputs import TUNED_STAGES, ReportInputs
from fleetcast.evaluation.report_summary import side_of_nothing, verdict
from fleetcast.fleet.results import FamilyBest

STAGE_WORDS = {
    1: "all variants, stage 1's parameters",
    2: "a family of each window, broadly",
    3: "all families, on five folds",
    4: "all families, closely around their best",
}
Facts = Mapping[str, Any]


@dataclass(frozen=True)
class StageRow:
    """What a stage took and gave; seconds are CPU inside LightGBM, of models and their structure baselines.

    ``gains`` are by family, against what stood before: stage 1's parameters on the same rows or, for stage 4, stage 3's
    best. A family is missing where either has no score.
    """

    stage: int
    name: str
    n_studies: int
    n_complete: int
    n_pruned: int
    n_failed: int
    planned_seconds: float
    spent_seconds: float
    gains: Mapping[str, float]

    @property
    def n_gained(self) -> int:
        """Families that score higher than before."""
        return sum(gain > 0 for gain in self.gains.values())

    @property
    def median_gain(self) -> float | None:
        """Over the families that can be compared."""
        return median(self.gains.values()) if self.gains else None


@dataclass(frozen=True)
class TunedRow:
    """One family: its scores out of fold on the rows of stages 3 and 4, and the tuned model on the holdout.

    ``sides`` says by metric on which side of nothing the holdout's interval lies.
    """

    family_id: str
    n_trials: int
    default: float | None
    third: float | None
    fourth: float | None
    gain: float | None
    chosen: str
    holdout: Mapping[str, float]
    sides: Mapping[str, int | None]


@dataclass(frozen=True)
class TuningSection:
    """All of it."""

    total_seconds: float
    stages: Sequence[StageRow]
    families: Sequence[TunedRow]
    sentences: Sequence[str]
    n_models: int  # of production
    models_seconds: float  # that they took, CPU inside LightGBM

    @property
    def spent_seconds(self) -> float:
        """Stage 1's too."""
        return sum(row.spent_seconds for row in self.stages)


def tuning_section(inputs: ReportInputs) -> TuningSection | None:
    """The section; None of a run that did not tune."""
    results = {stage: inputs.facts[f"tuning_{stage}"] for stage in TUNED_STAGES if f"tuning_{stage}" in inputs.facts}
    if len(results) < len(TUNED_STAGES):
        return None
    budget = inputs.facts["tuning_plan_2"]["budget"]
    stages = [_first_row(inputs, budget), *(_stage_row(stage, results) for stage in TUNED_STAGES)]
    families = [_family_row(best, results) for best in inputs.chosen]
    models = [facts for facts in inputs.facts["production"].values() if facts["status"] == "trained"]
    return TuningSection(
        total_seconds=budget["total_cpu_seconds"],
        stages=stages,
        families=families,
        sentences=_sentences(inputs, stages, families),
        n_models=len(models),
        models_seconds=sum(facts["training_cpu_seconds"] for facts in models),
    )


def _first_row(inputs: ReportInputs, budget: Facts) -> StageRow:
    """Stage 1 has no studies: each variant is a trial. Stage 2's plan is the two shares less what stage 1 spent."""
    cpu = inputs.facts["family_bests"]["cpu"]
    spent = cpu["training_cpu_seconds"] + cpu["structure_cpu_seconds"]
    own_share = budget["planned_cpu_seconds"] + spent - budget["share"] * budget["total_cpu_seconds"]
    return StageRow(
        stage=1,
        name=STAGE_WORDS[1],
        n_studies=0,
        n_complete=sum(result.status == "trained" for result in inputs.ordered_results),
        n_pruned=0,
        n_failed=0,
        planned_seconds=own_share,
        spent_seconds=spent,
        gains={},
    )


def _stage_row(stage: int, results: Mapping[int, Facts]) -> StageRow:
    outcomes: Mapping[str, Facts] = results[stage]["families"]
    before = {family_id: _value(outcome["default"]) for family_id, outcome in outcomes.items()}
    if stage == 4:
        before = {family_id: _value(results[3]["families"][family_id]["best"]) for family_id in outcomes}
    pairs = {family_id: (before[family_id], _value(outcome["best"])) for family_id, outcome in outcomes.items()}
    return StageRow(
        stage=stage,
        name=STAGE_WORDS[stage],
        n_studies=len(outcomes),
        n_complete=sum(outcome["n_complete"] for outcome in outcomes.values()),
        n_pruned=sum(outcome["n_pruned"] for outcome in outcomes.values()),
        n_failed=sum(outcome["n_failed"] for outcome in outcomes.values()),
        planned_seconds=results[stage]["planned_cpu_seconds"],
        spent_seconds=results[stage]["spent_cpu_seconds"],
        gains={f: after - first for f, (first, after) in pairs.items() if first is not None and after is not None},
    )


def _value(point: Facts | None) -> float | None:
    return None if point is None else float(point["value"])


def _family_row(best: FamilyBest, results: Mapping[int, Facts]) -> TunedRow:
    outcomes = {stage: results[stage]["families"].get(best.family_id) for stage in results}
    tuned = results[4]["tuned"].get(best.family_id)
    third, fourth = (None if outcomes[stage] is None else _value(outcomes[stage]["best"]) for stage in (3, 4))
    value, default = (None, None) if tuned is None else (tuned["value"], tuned["default_value"])
    gain = None if value is None or default is None else value - default
    if tuned is None:
        chosen = "none: no trial has a score"
    elif gain is not None and gain <= 0:
        chosen = "stage 1's parameters"
    else:
        chosen = f"stage {tuned['stage']}, trial {tuned['number']}"
    return TunedRow(
        family_id=best.family_id,
        n_trials=sum(o["n_complete"] + o["n_pruned"] + o["n_failed"] for o in outcomes.values() if o is not None),
        default=default,
        third=third,
        fourth=fourth,
        gain=gain,
        chosen=chosen,
        holdout=best.holdout,
        sides={metric: side_of_nothing(best, metric, part="holdout") for metric in ("delta", "direction")},
    )


def _sentences(inputs: ReportInputs, stages: Sequence[StageRow], families: Sequence[TunedRow]) -> list[str]:
    gains = [row.gain for row in families if row.gain is not None]
    gained = [gain for gain in gains if gain > 0]
    n_trials = sum(row.n_complete + row.n_pruned + row.n_failed for row in stages if row.stage > 1)
    if not families:
        return ["No family has a judged variant, so there was nothing to tune."]
    if gained:
        found = (
            f"Out of fold, the chosen parameters score above stage 1's in {len(gained)} of {len(gains)} families, by "
            f"{median(gained):+.4f} in their median; in {len(gains) - len(gained)} nothing was gained, and stage 1's "
            f"parameters stay."
        )
    else:
        found = f"Nothing was gained: stage 1's parameters are the best of all trials in {len(gains)} of {len(gains)}."
    delta, direction = (verdict(inputs.chosen, metric, part="holdout") for metric in ("delta", "direction"))
    return [
        f"{found} Each is the best of the family's trials ({n_trials:,} in all) on the very rows that chose it, so "
        "that pure noise would show a gain too.",
        f"The holdout was looked at once, after every choice, with the tuned models: delta's 95 % interval lies above "
        f"zero in {len(delta.above)} of {delta.n} families and direction's above one half in {len(direction.above)} of "
        f"{direction.n}; chance alone would put about {delta.by_chance:.1f} there.",
    ]
