"""How far a run is, read from its manifests."""

import time
from dataclasses import dataclass

from fleetcast.store.manifests import RunFolder


@dataclass(frozen=True)
class FleetProgress:
    """Counts of variants at one moment; ``n_done`` includes the skipped ones."""

    n_variants: int
    n_done: int
    n_failed: int
    n_skipped: int
    n_trials: int = 0  # of the stage that is tuned now
    n_trials_done: int = 0


def read_progress(run: RunFolder) -> FleetProgress:
    """Counts the manifests; everything is 0 before the run's plan is committed."""
    plan = run.stage("plan").committed()
    if plan is None:
        return FleetProgress(0, 0, 0, 0)
    labels = run.stage("labels").committed()
    counts = labels.facts["counts"].values() if labels is not None else ()
    committed = run.committed_variants()
    n_trials, n_trials_done = _count_trials(run) if plan.facts.get("tune") else (0, 0)
    return FleetProgress(
        n_variants=plan.facts["n_variants"],
        n_done=len(committed),
        n_failed=len(run.failed_variants() - committed),
        n_skipped=sum(count["skipped"] is not None for count in counts),
        n_trials=n_trials,
        n_trials_done=n_trials_done,
    )


def _count_trials(run: RunFolder) -> tuple[int, int]:
    """Those planned of the first stage that is not closed, and those that have begun to be stored."""
    open_stage = next((stage for stage in (2, 3, 4) if run.tuning_result(stage).committed() is None), None)
    plan = None if open_stage is None else run.tuning_plan(open_stage).committed()
    studies = [] if plan is None else plan.facts["studies"]
    done = sum(len(run.store.list_folders(f"{run.study(study['study']).path}/trials")) for study in studies)
    return sum(study["n_trials"] for study in studies), done


class Rate:
    """Variants a second since the first one of this run was seen, and what is left at that pace."""

    def __init__(self) -> None:
        self._start: tuple[float, int] | None = None
        self.per_second: float | None = None
        self.seconds_left: float | None = None

    def update(self, progress: FleetProgress, *, now: float | None = None) -> None:
        """Takes the latest counts at ``now`` (seconds of a steady clock).

        What was done when the first look was taken belongs to an earlier attempt and counts for nothing. Once all is
        done nothing is left, and the rate stays as it was.
        """
        if progress.n_variants == 0:
            return
        now = time.monotonic() if now is None else now
        if self._start is None or progress.n_done == self._start[1]:
            self._start = (now, progress.n_done)
            return
        if progress.n_done == progress.n_variants:
            self.seconds_left = None
            return
        began, n_before = self._start
        self.per_second = (progress.n_done - n_before) / max(now - began, 1e-9)
        self.seconds_left = (progress.n_variants - progress.n_done) / self.per_second
