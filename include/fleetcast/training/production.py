"""What production models are made from: each family's choice, and columns that were selected on all rows."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from fleetcast.audit.certificate import check_certified
from fleetcast.errors import DataError
from fleetcast.fleet.results import FamilyBest, Parents
from fleetcast.fleet.variants import Variant
from fleetcast.job_args.fleet import FleetJobArgs
from fleetcast.job_args.run_key import digest_of
from fleetcast.labels.families import FamilyLabels, load_family_labels
from fleetcast.store.manifests import RunFolder
from fleetcast.store.objects import Store
from fleetcast.training.checked_inputs import PRODUCTION_COLUMNS, require_checked
from fleetcast.training.run_data import load_matrix

NOTHING_CHOSEN = "no variant of the family was chosen"
Point = dict[str, float | int]


@dataclass(frozen=True)
class Choice:
    """One family's problem and its tuned parameters, which are laid over stage 1's; or why it has none."""

    family_id: str
    variant: Variant | None
    parents: Parents | None
    point: Point
    reason: str | None = None

    @property
    def digest(self) -> str:
        """Of what decides the model beside its rows, its columns and the seed."""
        return digest_of([self.parents.variant_id if self.parents else None, self.point])


@dataclass(frozen=True)
class ProductionData:
    """What a run's production models share; ``matrix`` is (n_rows, n_columns) float32, memory-mapped.

    ``choices`` are by family id, in the grid's order; ``inputs`` are the digests that manifests list.
    """

    args: FleetJobArgs
    folder: RunFolder
    matrix: npt.NDArray[np.float32]
    choices: Mapping[str, Choice]
    inputs: Mapping[str, str]

    def family_labels(self, family_id: str) -> FamilyLabels:
        """The labels of one family, read from the store."""
        return load_family_labels(self.folder.stage("labels"), family_id)


def load_production_data(args: FleetJobArgs) -> ProductionData:
    """Reads what the stages before production committed.

    Raises:
        DataError: the features have no valid leak certificate, the inputs were not compared with the bars, or a choice
            is of another fleet.
        StoreError: a stage is not done, or an object does not match its manifest.
    """
    folder = RunFolder(Store(args.store), args.run_key)
    certificate = check_certified(folder, width=args.feature_width)
    columns, labels = folder.stage(PRODUCTION_COLUMNS), folder.stage("labels").require()
    matrix = load_matrix(columns)
    return ProductionData(
        args=args,
        folder=folder,
        matrix=matrix,
        choices=read_choices(args, folder),
        inputs={
            "production_columns": columns.require().output_digest,
            "labels": labels.output_digest,
            "certificate": certificate,
            "checks": require_checked(folder, PRODUCTION_COLUMNS, matrix=matrix),
        },
    )


def read_choices(args: FleetJobArgs, folder: RunFolder) -> dict[str, Choice]:
    """What tuning chose for each family; where nothing was tuned, the family best and stage 1's parameters.

    Raises:
        DataError: a choice names a variant that is not in the fleet.
        StoreError: the choices are not made yet.
    """
    variants = {variant.variant_id: variant for variant in args.variants()}
    chosen = _tuned(folder) if args.tune else _family_bests(folder)
    choices = {}
    for family_id in (family.family_id for family in args.families()):
        if family_id not in chosen:
            choices[family_id] = Choice(family_id, None, None, {}, reason=NOTHING_CHOSEN)
            continue
        parents, point = chosen[family_id]
        if parents.variant_id not in variants:
            raise DataError(
                f"cannot train {family_id} for production: its chosen variant {parents.variant_id!r} is not in the "
                f"fleet of run {folder.run_key}. Trigger a new run."
            )
        choices[family_id] = Choice(family_id, variants[parents.variant_id], parents, point)
    return choices


def _tuned(folder: RunFolder) -> dict[str, tuple[Parents, Point]]:
    entries = folder.tuning_result(4).require().facts["tuned"]
    return {family_id: (_parents(entry), entry["parameters"]) for family_id, entry in entries.items()}


def _parents(entry: Mapping[str, object]) -> Parents:
    own = {name: entry[name] for name in ("variant_id", "stage", "study", "value", "default_value")}
    return Parents.model_validate({**own, "trial": entry["number"]})


def _family_bests(folder: RunFolder) -> dict[str, tuple[Parents, Point]]:
    bests = [
        FamilyBest.model_validate(best) for best in folder.stage("family_bests").require().facts["families"].values()
    ]
    return {b.family_id: (Parents(variant_id=b.variant_id, stage=1), {}) for b in bests if b.variant_id is not None}
