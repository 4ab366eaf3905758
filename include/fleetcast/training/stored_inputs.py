"""What a run has stored before anything is trained, beside the bars that it was made from."""

import json
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from fleetcast.audit.admission import Admission
from fleetcast.audit.certificate import Certificate
from fleetcast.data.bars import BarSet
from fleetcast.features.catalogue import find_columns
from fleetcast.features.engine import Matrix, compute_columns
from fleetcast.job_args.fleet import FleetJobArgs
from fleetcast.labels.families import FamilyLabels, load_family_labels
from fleetcast.store.manifests import RunFolder, StageFolder
from fleetcast.training.run_data import load_matrix


@dataclass(frozen=True)
class StoredInputs:
    """A run's bars and certificate, and what its stages made of them.

    ``columns`` is the stage that selected columns, on rows before ``screen_end``.
    """

    args: FleetJobArgs
    run: RunFolder
    columns: StageFolder
    bars: BarSet
    certificate: Certificate
    screen_end: int

    @cached_property
    def matrix(self) -> npt.NDArray[np.float32]:
        """As stored, ``(n_rows, n_columns)``."""
        return load_matrix(self.columns)

    @cached_property
    def selected(self) -> list[dict[str, Any]]:
        """An entry a column of the matrix: its ``name``, and what stands there for an ``unknown`` value."""
        return list(json.loads(self.columns.read("selected.json")))

    @property
    def features(self) -> StageFolder:
        """The stage that computed all columns."""
        return self.run.stage("features")

    @property
    def labels(self) -> StageFolder:
        """The stage that found events and outcomes."""
        return self.run.stage("labels")

    @cached_property
    def admission(self) -> Admission:
        """The certificate, applied to these bars."""
        return Admission(self.certificate, self.bars)

    def family_labels(self, family_id: str) -> FamilyLabels:
        """As stored."""
        return load_family_labels(self.labels, family_id)

    def sampler(self, purpose: str) -> np.random.Generator:
        """Draws what is looked at: for a purpose of a run always the same."""
        return np.random.default_rng([*self.run.run_key.encode(), *purpose.encode()])

    def recompute(self, names: list[str]) -> Matrix:
        """Columns made anew from the bars, unknown within their warm-up, ``(n_rows, n_names)``."""
        values = compute_columns(self.bars, names)
        self.admission.mask_warm_up(values, find_columns(names, symbols=tuple(self.bars.bars)))
        return values
