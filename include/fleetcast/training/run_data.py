"""What all variants of a run share: selected columns, labels, parts of time and bootstrap draws."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from fleetcast.audit.certificate import check_certified
from fleetcast.job_args.fleet import FleetJobArgs
from fleetcast.labels.families import FamilyLabels, load_family_labels
from fleetcast.metrics.bootstrap import block_weights
from fleetcast.splits.parts import Parts
from fleetcast.store.manifests import RunFolder, StageFolder
from fleetcast.store.objects import Store
from fleetcast.training.checked_inputs import COLUMNS, require_checked

VALIDATION_DRAWS = 200
HOLDOUT_DRAWS = 1000


@dataclass(frozen=True)
class RunData:
    """A run's inputs to training.

    ``matrix`` is (n_rows, n_columns) float32, memory-mapped, so that processes and shards on one machine share it;
    ``counts`` maps each variant to its numbers of events and its reason to be skipped; ``inputs`` are the digests that
    manifests list.
    """

    args: FleetJobArgs
    folder: RunFolder
    matrix: npt.NDArray[np.float32]
    parts: Parts
    counts: Mapping[str, Mapping[str, Any]]
    inputs: dict[str, str]

    def family_labels(self, family_id: str) -> FamilyLabels:
        """The labels of one family, read from the store."""
        return load_family_labels(self.folder.stage("labels"), family_id)

    @cached_property
    def validation_draws(self) -> npt.NDArray[np.float32]:
        """(n_validation_rows, n_draws) bootstrap weights of bar time, the same for all variants."""
        return self._draws("validation", n_draws=VALIDATION_DRAWS)

    @cached_property
    def holdout_draws(self) -> npt.NDArray[np.float32]:
        """(n_holdout_rows, n_draws), as `validation_draws`."""
        return self._draws("holdout", n_draws=HOLDOUT_DRAWS)

    def _draws(self, part: Literal["validation", "holdout"], *, n_draws: int) -> npt.NDArray[np.float32]:
        start, stop = self.parts.bounds(part)
        block_rows = 2 * max(self.args.horizon_bars)  # so that overlapping labels stay together
        return block_weights(stop - start, block_rows, n_draws=n_draws, seed=self.args.seed)


def load_run_data(args: FleetJobArgs) -> RunData:
    """Reads what the stages before training committed.

    Raises:
        DataError: the features have no valid leak certificate, or the inputs were not compared with the bars.
        StoreError: a stage is not done, or an object does not match its manifest.
    """
    folder = RunFolder(Store(args.store), args.run_key)
    certificate = check_certified(folder, width=args.feature_width)
    columns, labels = folder.stage(COLUMNS).require(), folder.stage("labels").require()
    matrix, parts = load_matrix(folder.stage(COLUMNS)), Parts.of(labels.facts["n_rows"])
    return RunData(
        args=args,
        folder=folder,
        matrix=matrix,
        parts=parts,
        counts=labels.facts["counts"],
        inputs={
            "columns": columns.output_digest,
            "labels": labels.output_digest,
            "certificate": certificate,
            "checks": require_checked(folder, COLUMNS, matrix=matrix, parts=parts),
        },
    )


def load_matrix(columns: StageFolder) -> npt.NDArray[np.float32]:
    """(n_rows, n_columns) of a selection of columns, memory-mapped."""
    with columns.open_file("matrix.npy") as path:
        return np.asarray(np.load(path, mmap_mode="r", allow_pickle=False))
