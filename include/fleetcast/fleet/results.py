"""What the manifests of variants and families say: light models that every layer may read."""

from collections.abc import Mapping
from math import isfinite
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict

# Files beside the manifests of variants and trials, for the ledger; with the prefix, a reference's before validation.
PREDICTIONS, STRUCTURE_PREDICTIONS, EARLIER = "predictions.npy", "structure_predictions.npy", "earlier_"


def _with_value(metrics: Any) -> Any:
    """Leaves out what is not a finite number: JSON has no NaN, a manifest holds null in its place."""
    if not isinstance(metrics, Mapping):
        return metrics
    return {name: value for name, value in metrics.items() if not _is_missing(value)}


def _is_missing(value: Any) -> bool:
    return value is None or (isinstance(value, float) and not isfinite(value))


Metrics = Annotated[dict[str, float], BeforeValidator(_with_value)]


class VariantResult(BaseModel):
    """One variant's outcome, stored as the facts of its manifest.

    ``metrics`` holds, on the validation part, ``macro_average_precision``, ``random_baseline`` (exact for the
    sample), ``standard_error`` (block bootstrap, of it), ``score`` = (macro average precision -
    random baseline) / standard error, ``structure_macro_average_precision``, ``delta`` with ``delta_low`` and
    ``delta_high`` (95 % interval), ``direction`` (ROC AUC, breakout against reversal) with ``direction_low`` and
    ``direction_high``, ``neither_auc``, ``log_loss``, and per class ``average_precision_breakout`` and so on.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    variant_id: str
    family_id: str
    status: Literal["trained", "skipped"]
    reason: str | None = None  # why skipped
    judged: bool = False
    unjudged_reason: str | None = None  # why trained, not judged
    n_events: int
    n_by_class: dict[str, int]  # breakout, reversal, neither: labelled events before the cutoff
    n_fit: int = 0
    n_stop: int = 0  # rows that early stopping watches
    n_validation: int = 0
    n_holdout: int = 0
    best_round: int = 0
    structure_best_round: int = 0  # 0 where it is not judged: the baseline is then not trained
    parameters: dict[str, float | int | str | bool] = {}
    metrics: Metrics = {}
    training_cpu_seconds: float = 0.0  # inside LightGBM, the variant's model
    structure_cpu_seconds: float = 0.0  # inside LightGBM, its structure baseline
    earlier_cpu_seconds: float = 0.0  # inside LightGBM, what a reference says of the time before validation
    cpu_seconds: float = 0.0  # the variant's whole process
    peak_memory_bytes: int = 0
    n_restarts: int = 0

    @property
    def fit_cpu_seconds(self) -> float:
        """Inside LightGBM, the model and its structure baseline: what a budget pays."""
        return self.training_cpu_seconds + self.structure_cpu_seconds


class FamilyBest(BaseModel):
    """The variant chosen for a family, its validation metrics, and its one look at the holdout.

    ``variant_id`` is None when no variant of the family was judged. ``holdout`` holds the keys of
    `VariantResult.metrics` without ``score``.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    family_id: str
    variant_id: str | None
    raw_best_variant_id: str | None  # largest macro average precision, shown beside it
    reason: str | None = None  # why there is none
    n_trained: int
    n_judged: int
    n_skipped: int
    n_events: int = 0
    n_holdout: int = 0
    validation: Metrics = {}
    holdout: Metrics = {}


class FoldResult(BaseModel):
    """One fold of a trial; ``value`` is the macro average precision on its own slice, None where a class is missing."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    fold: int
    n_fit: int
    n_stop: int
    n_validation: int
    best_round: int
    structure_best_round: int
    value: float | None
    training_cpu_seconds: float
    structure_cpu_seconds: float


class TrialResult(BaseModel):
    """One trial of stages 2 to 4, stored as the facts of its manifest beside what it predicted out of fold.

    ``value`` is what the study maximises: the macro average precision on the pooled out-of-fold rows; a pruned trial
    has none and holds the folds that it came to. ``metrics`` has the keys of `VariantResult.metrics`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    study: str
    number: int
    stage: Literal[2, 3, 4]
    family_id: str
    variant_id: str
    parameters: dict[str, float | int]  # the point: those that the space tunes
    state: Literal["complete", "pruned"]
    value: float | None
    folds: tuple[FoldResult, ...]
    metrics: Metrics = {}
    cpu_seconds: float

    @property
    def fit_cpu_seconds(self) -> float:
        """Inside LightGBM, the models and structure baselines of all folds: what a budget pays."""
        return sum(fold.training_cpu_seconds + fold.structure_cpu_seconds for fold in self.folds)


class Parents(BaseModel):
    """Where a production model's problem and parameters come from; without tuning there is neither study nor trial.

    ``value`` is what the trial reached out of fold, ``default_value`` what stage 1's parameters reached on the same
    rows.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    variant_id: str
    stage: Literal[1, 2, 3, 4]
    study: str | None = None
    trial: int | None = None
    value: float | None = None
    default_value: float | None = None


class ProductionResult(BaseModel):
    """One family's production model, stored as the facts of its manifest; it is scored on nothing.

    A first fit, on the time before the rows that early stopping watches, finds ``best_round``; the model that is kept
    has ``n_rounds`` and has seen all ``n_rows`` labelled rows up to the cutoff.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    family_id: str
    status: Literal["trained", "skipped"]
    reason: str | None = None  # why skipped
    parents: Parents | None = None
    n_fit: int = 0
    n_stop: int = 0
    n_rows: int = 0
    best_round: int = 0
    n_rounds: int = 0
    patience: int = 0
    parameters: dict[str, float | int | str | bool] = {}  # of the model that is kept
    training_cpu_seconds: float = 0.0  # inside LightGBM, both fits
    cpu_seconds: float = 0.0  # the whole process
    peak_memory_bytes: int = 0
    n_restarts: int = 0
