"""Where each tuned stage cuts time."""

from fleetcast.job_args.tuning import TunedStage
from fleetcast.splits.folds import Fold, rolling_folds
from fleetcast.splits.parts import Parts


def stage_folds(stage: TunedStage, n_rows: int) -> tuple[Fold, ...]:
    """Stage 2 has stage 1's own split as its one fold, stages 3 and 4 have the rolling folds."""
    if stage == 2:
        parts = Parts.of(n_rows)
        return (Fold(train_start=0, train_end=parts.train_end, end=parts.validation_end),)
    return rolling_folds(n_rows)
