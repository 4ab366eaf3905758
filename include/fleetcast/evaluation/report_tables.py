"""The report's tables: rows of plain values, formatted by the template."""

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from fleetcast.evaluation.report_inputs import ReportInputs
from fleetcast.evaluation.report_summary import side_of_nothing
from fleetcast.fleet.results import FamilyBest, VariantResult
from fleetcast.fleet.variants import Variant

N_FINDINGS_SHOWN = 40
QUANTILES = (("least", 0.0), ("5 %", 0.05), ("median", 0.5), ("95 %", 0.95), ("most", 1.0))
MIB = 2**20

DROP_WORDS = {
    "target_related": "computed from what defines the label",
    "missing": "more than 70 % missing",
    "unknown_after_warm_up": "more than 90 % unknown after warm-up",
    "one_value": "more than 95 % one value",
    "low_variance": "variance under the threshold",
    "correlated": "correlation above 0.9 with a kept column",
}
STABILITY_WORDS = {
    "variants": "the best columns of two variants",
    "seeds": "those of one variant under two seeds",
    "folds": "those of one variant from two stretches of the time",
    "halves": "the columns selected by every other variant, and by the rest",
}
STAGE_WORDS = {
    "features": "feature columns",
    "labels": "labels",
    "columns": "screen and selection",
    "family_bests": "family bests, and holdout unless tuned",
    "holdout": "tuned models on the holdout",
}


@dataclass(frozen=True)
class PartCells:
    """A family best on one part of time; ``sides`` says by metric on which side of nothing its interval lies."""

    metrics: Mapping[str, float]
    sides: Mapping[str, int | None]


@dataclass(frozen=True)
class FamilyRow:
    """One family; ``target`` is the variant's id without the family's."""

    best: FamilyBest
    target: str | None
    raw_target: str | None  # only where it is another variant
    validation: PartCells
    holdout: PartCells


def family_rows(inputs: ReportInputs) -> list[FamilyRow]:
    """One row a family, in the grid's order."""
    return [
        FamilyRow(
            best=best,
            target=_target(best, best.variant_id),
            raw_target=None if best.raw_best_variant_id == best.variant_id else _target(best, best.raw_best_variant_id),
            validation=PartCells(
                best.validation, {m: side_of_nothing(best, m, part="validation") for m in ("delta", "direction")}
            ),
            holdout=PartCells(
                best.holdout, {m: side_of_nothing(best, m, part="holdout") for m in ("delta", "direction")}
            ),
        )
        for best in inputs.ordered_bests
    ]


@dataclass
class ReasonRow:
    """Variants with the same reason, whatever its numbers."""

    kind: str
    reason: str  # the numbers replaced by ellipses
    n_variants: int = 0
    families: set[str] = field(default_factory=set)
    example: str = ""


def reason_rows(results: Sequence[VariantResult]) -> list[ReasonRow]:
    """Why variants were skipped or not judged, the most frequent reason first."""
    rows: dict[tuple[str, str], ReasonRow] = {}
    for result in results:
        kind = "skipped" if result.status == "skipped" else "trained, not judged"
        text = result.reason if result.status == "skipped" else result.unjudged_reason
        if result.judged or text is None:
            continue
        pattern = re.sub(r"\d+(?:\.\d+)?", "…", text, count=1)
        row = rows.setdefault((kind, pattern), ReasonRow(kind, pattern, example=f"{result.variant_id}: {text}"))
        row.n_variants += 1
        row.families.add(result.family_id)
    return sorted(rows.values(), key=lambda row: (row.kind, -row.n_variants, row.reason))


@dataclass(frozen=True)
class WhereRow:
    """How many variants of one grid value ended how."""

    name: str
    n_variants: int
    n_skipped: int
    n_unjudged: int


def where_rows(inputs: ReportInputs) -> list[WhereRow]:
    """Skipped and unjudged variants by deviation and by horizon, only values that have any."""
    groups: dict[str, list[Variant]] = defaultdict(list)
    for variant in inputs.grid.variants():
        groups[f"deviation {variant.deviation}"].append(variant)
        groups[f"horizon {variant.horizon_bars} bars"].append(variant)
    rows = []
    for name in sorted(groups, key=lambda text: (text.split()[0], float(text.split()[1]))):
        found = [inputs.results[v.variant_id] for v in groups[name] if v.variant_id in inputs.results]
        n_skipped = sum(r.status == "skipped" for r in found)
        n_unjudged = sum(r.status == "trained" and not r.judged for r in found)
        if n_skipped or n_unjudged:
            rows.append(WhereRow(name, len(groups[name]), n_skipped, n_unjudged))
    return rows


@dataclass(frozen=True)
class AgreementRow:
    """How far lists of columns agree, in the mean over pairs of them."""

    name: str
    n_pairs: int
    jaccard: float
    kuncheva: float


@dataclass(frozen=True)
class ColumnFacts:
    """From computed columns to selected ones; None where a stage's manifest does not say."""

    n_computed: int | None
    blocks: Sequence[tuple[str, int]]
    dropped: Sequence[tuple[str, int]]
    n_kept: int | None
    n_selected: int | None
    stability: Sequence[AgreementRow]


def column_facts(inputs: ReportInputs) -> ColumnFacts:
    """Counts of columns, and why the others were dropped."""
    features, columns = inputs.facts.get("features", {}), inputs.facts.get("columns", {})
    dropped = sorted(columns.get("dropped", {}).items(), key=lambda item: -item[1])
    return ColumnFacts(
        n_computed=features.get("n_columns"),
        blocks=[(name, len(names)) for name, names in features.get("blocks", {}).items()],
        dropped=[(DROP_WORDS.get(reason, reason.replace("_", " ")), count) for reason, count in dropped],
        n_kept=columns.get("n_kept"),
        n_selected=columns.get("n_columns"),
        stability=[
            AgreementRow(STABILITY_WORDS[name], **found)
            for name, found in columns.get("stability", {}).items()
            if found is not None
        ],
    )


@dataclass(frozen=True)
class TimeRow:
    """CPU and wall seconds of one stage; None where its manifest does not say."""

    name: str
    cpu_seconds: float | None
    seconds: float | None
    is_part: bool = False  # of the row above


def time_rows(inputs: ReportInputs) -> list[TimeRow]:
    """Every stage, training with its parts."""
    rows = [
        TimeRow(STAGE_WORDS[stage], inputs.facts[stage].get("cpu_seconds"), inputs.facts[stage].get("seconds"))
        for stage in ("features", "labels", "columns")
        if stage in inputs.facts
    ]
    trained = [r for r in inputs.ordered_results if r.status == "trained"]
    total, model, structure = (
        sum(getattr(r, name) for r in trained)
        for name in ("cpu_seconds", "training_cpu_seconds", "structure_cpu_seconds")
    )
    rows += [
        TimeRow("training, all variants' processes", total, None),
        TimeRow("inside LightGBM: the variants' models", model, None, is_part=True),
        TimeRow("inside LightGBM: the structure baselines", structure, None, is_part=True),
        TimeRow("judging, bootstraps and the rest", max(0.0, total - model - structure), None, is_part=True),
    ]
    return rows + [
        TimeRow(STAGE_WORDS[stage], inputs.facts[stage].get("cpu_seconds"), inputs.facts[stage].get("seconds"))
        for stage in ("family_bests", "holdout")
        if stage in inputs.facts
    ]


@dataclass(frozen=True)
class QuantileRow:
    """One figure over all trained variants: its quantiles, and the sum where that means something."""

    name: str
    values: Sequence[float]
    total: float | None
    decimals: int


def quantile_rows(results: Sequence[VariantResult]) -> list[QuantileRow]:
    """CPU, memory, rounds and events over the trained variants; empty when there are none."""
    trained = [r for r in results if r.status == "trained"]
    judged = [r for r in trained if r.judged]
    if not trained:
        return []

    def row(name: str, values: Sequence[float], *, decimals: int, summed: bool = False) -> QuantileRow:
        ordered = sorted(values) or [0.0]  # no variant is judged, so none has a baseline
        quantiles = [ordered[round(q * (len(ordered) - 1))] for _, q in QUANTILES]
        return QuantileRow(name, quantiles, sum(ordered) if summed else None, decimals)

    baselines = [
        row("CPU of the structure baseline, s", [r.structure_cpu_seconds for r in judged], decimals=2, summed=True),
        row("rounds of the structure baseline", [r.structure_best_round for r in judged], decimals=0),
    ]
    return [
        row("CPU of the process, s", [r.cpu_seconds for r in trained], decimals=2, summed=True),
        row("CPU of the model, s", [r.training_cpu_seconds for r in trained], decimals=2, summed=True),
        row("peak memory, MiB", [r.peak_memory_bytes / MIB for r in trained], decimals=0),
        row("rounds of the model", [r.best_round for r in trained], decimals=0),
        row("events", [r.n_events for r in trained], decimals=0),
        row("restarts", [r.n_restarts for r in trained], decimals=0, summed=True),
        *baselines,
    ]


@dataclass(frozen=True)
class DataFacts:
    """The bars, and what reading them found."""

    bars: Sequence[tuple[str, int]]
    bar_minutes: float | None
    first: str | None
    cutoff: str | None
    findings: Sequence[Mapping[str, Any]]
    n_more_findings: int


def data_facts(inputs: ReportInputs) -> DataFacts:
    """What the snapshot's manifest says."""
    snapshot = inputs.facts.get("snapshot", {})
    findings = snapshot.get("findings", [])
    seconds = snapshot.get("bar_seconds")
    return DataFacts(
        bars=list(snapshot.get("n_bars", {}).items()),
        bar_minutes=None if seconds is None else seconds / 60,
        first=snapshot.get("first"),
        cutoff=snapshot.get("cutoff"),
        findings=findings[:N_FINDINGS_SHOWN],
        n_more_findings=max(0, len(findings) - N_FINDINGS_SHOWN),
    )


def _target(best: FamilyBest, variant_id: str | None) -> str | None:
    return None if variant_id is None else variant_id.removeprefix(f"{best.family_id}-")
