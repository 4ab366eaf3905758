"""Structure baselines: fitted again where one is needed, since they are small and come out the same each time.

As text they would be as large as the models; 36 of 2160 are asked for again, when the family bests meet the holdout.
"""

from collections.abc import Mapping

from fleetcast.errors import VariantError
from fleetcast.fleet.variants import Variant
from fleetcast.labels.families import FamilyLabels
from fleetcast.training.fitting import BinnedRows, FittedModel, bin_rows, fit_model
from fleetcast.training.parameters import STOPPING_ROUNDS, model_parameters
from fleetcast.training.rows import GroupRows, group_rows
from fleetcast.training.run_data import RunData


def bin_structure(labels: FamilyLabels, rows: GroupRows) -> BinnedRows:
    """The rows of a group's structure baselines, binned on the CPU, whose results do not vary."""
    return bin_rows(labels.structure[rows.fit], labels.structure[rows.stop], device="cpu")


def fit_structure(
    data: RunData,
    labels: FamilyLabels,
    variant: Variant,
    *,
    rows: GroupRows,
    binned: BinnedRows,
    tuned: Mapping[str, float | int],
    patience: int = STOPPING_ROUNDS,
) -> FittedModel:
    """The variant's structure baseline: the model's learner, rows and stopping, on columns without direction."""
    y = labels.outcome_of(variant, data.args)
    parameters = model_parameters(len(rows.fit), seed=data.args.seed, device="cpu", tuned=tuned)
    return fit_model(binned, y[rows.fit], y_stop=y[rows.stop], parameters=parameters, patience=patience)


def refit_structure(data: RunData, labels: FamilyLabels, variant: Variant, *, best_round: int) -> FittedModel:
    """The same baseline once more.

    Args:
        data: the run's inputs.
        labels: of the variant's family.
        variant: which.
        best_round: at which it was stopped when the variant was trained.

    Raises:
        VariantError: it stops at another round, so it is not the baseline that the variant was compared with.
    """
    rows = group_rows(labels, data.parts, deviation=variant.deviation)
    model = fit_structure(data, labels, variant, rows=rows, binned=bin_structure(labels, rows), tuned={})
    if model.best_round != best_round:
        raise VariantError(
            f"{variant.variant_id}: its structure baseline stops at round {model.best_round} here, {best_round} was "
            "stored: another LightGBM or processor computes here. Run all jobs of a run with one image."
        )
    return model
