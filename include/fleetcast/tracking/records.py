"""What MLflow is told about a fleet and about each variant: plain texts and numbers, nothing of MLflow itself."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from fleetcast.fleet.results import FamilyBest, VariantResult
from fleetcast.fleet.variants import Grid, Variant

KEY_TAG = "fleetcast.idempotency_key"
KIND_TAG = "fleetcast.kind"
COMPLETE_TAG = "fleetcast.complete"
WRITER_TAG = "fleetcast.writer"
DAG_RUNS_TAG = "fleetcast.dag_run_ids"
MAX_TAG_CHARACTERS = 500  # MLflow allows 8000; a reason is a line

COUNTS = (
    "n_events",
    "n_fit",
    "n_stop",
    "n_validation",
    "n_holdout",
    "best_round",
    "structure_best_round",
    "n_restarts",
    "training_cpu_seconds",
    "structure_cpu_seconds",
    "cpu_seconds",
    "peak_memory_bytes",
)


@dataclass(frozen=True)
class RunRecord:
    """One MLflow run to be: ``key`` names it for ever, so that a retry finds it."""

    key: str
    name: str
    tags: Mapping[str, str]
    parameters: Mapping[str, str] = field(default_factory=dict)
    metrics: Mapping[str, float] = field(default_factory=dict)
    seconds: float = 0.0  # shown as the run's duration: the CPU time of the variant's process


def variant_record(result: VariantResult, variant: Variant, *, run_key: str, output_digest: str) -> RunRecord:
    """The nested run of one variant, trained or skipped.

    Args:
        result: the facts of its manifest.
        variant: its place in the grid.
        run_key: the fleet's.
        output_digest: of its manifest's outputs; other outputs make another run.
    """
    tags = {
        KEY_TAG: f"{run_key}/{variant.variant_id}/{output_digest[:20]}",
        KIND_TAG: "variant",
        "run_key": run_key,
        "variant_id": variant.variant_id,
        "family_id": variant.family.family_id,
        "symbol": variant.family.symbol,
        "window_bars": str(variant.family.window_bars),
        "swing_type": variant.family.swing_type,
        "horizon_bars": str(variant.horizon_bars),
        "deviation": str(variant.deviation),
        "threshold": str(variant.threshold),
        "status": result.status,
        "judged": str(result.judged).lower(),
    }
    if reason := result.reason or result.unjudged_reason:
        tags["reason"] = reason[:MAX_TAG_CHARACTERS]
    counts = {name: float(getattr(result, name)) for name in COUNTS} if result.status == "trained" else {}
    return RunRecord(
        key=tags[KEY_TAG],
        name=variant.variant_id,
        tags=tags,
        parameters={name: str(value) for name, value in result.parameters.items()},
        metrics={
            "n_events": float(result.n_events),
            **{f"n_{name}": float(count) for name, count in result.n_by_class.items()},
            **counts,
            **result.metrics,
        },
        seconds=result.cpu_seconds,
    )


def study_record(family_id: str, outcome: Mapping[str, Any], *, stage: int, run_key: str) -> RunRecord:
    """The nested run of one family's study in a stage of tuning.

    Args:
        family_id: whose study.
        outcome: what the stage's result says of it.
        stage: 2, 3 or 4.
        run_key: the fleet's.
    """
    best, default = outcome["best"], outcome["default"]
    scores = {name: point["value"] for name, point in (("value", best), ("default_value", default)) if point}
    gain = {"gain": scores["value"] - scores["default_value"]} if len(scores) == 2 else {}
    return RunRecord(
        key=f"{run_key}/{outcome['study']}",
        name=f"{family_id} stage {stage}",
        tags={
            KEY_TAG: f"{run_key}/{outcome['study']}",
            KIND_TAG: "study",
            "run_key": run_key,
            "study": outcome["study"],
            "stage": str(stage),
            "family_id": family_id,
            "variant_id": outcome["variant_id"],
        }
        | ({"best_trial": str(best["number"])} if best else {}),
        parameters={name: str(value) for name, value in (best["parameters"] if best else {}).items()},
        metrics={name: float(outcome[name]) for name in ("n_complete", "n_pruned", "n_failed", "cpu_seconds")}
        | scores
        | gain,
        seconds=outcome["cpu_seconds"],
    )


def fleet_record(grid: Grid, *, run_key: str, facts: Mapping[str, Any]) -> RunRecord:
    """The parent run of one run key.

    Args:
        grid: the fleet; its lists become parameters.
        run_key: names the run.
        facts: what else names it, such as ``dataset_rev cutoff preset code_digest``; empty ones are left out.
    """
    named = {name: str(value)[:MAX_TAG_CHARACTERS] for name, value in facts.items() if value not in (None, "")}
    lists = {name: ", ".join(map(str, getattr(grid, name))) for name in Grid.model_fields}
    return RunRecord(
        key=run_key,
        name=f"fleet {run_key}",
        tags={KEY_TAG: run_key, KIND_TAG: "fleet", "run_key": run_key, **named},
        parameters={**lists, "n_variants": str(len(grid.variants()))},
    )


def holdout_metrics(best: FamilyBest) -> dict[str, float]:
    """A family best's metrics on the holdout, named so that they stand beside validation's."""
    return {f"holdout_{name}": value for name, value in best.holdout.items()}
