"""What nobody can go below: ``lgb.train`` in a loop over Datasets that are ready."""

import time
from collections.abc import Sequence

from fleetcast.fleet.variants import Variant
from fleetcast.job_args.fleet import FleetJobArgs
from fleetcast.training.fitting import fit_model
from fleetcast.training.groups import Group, variants_with_groups
from fleetcast.training.parameters import stage_1_parameters
from fleetcast.training.run_data import RunData, load_run_data
from fleetcast.training.variant import judged_rows


def bare_loop(args: FleetJobArgs, variants: Sequence[Variant]) -> tuple[float, float]:
    """CPU seconds of LightGBM for models and structure baselines, and of gathering and binning their rows."""
    data = load_run_data(args)
    training, total = 0.0, time.process_time()
    for variant, group in variants_with_groups(data, variants):
        training += fit_both(data, group, variant)
    return training, time.process_time() - total - training


def fit_both(data: RunData, group: Group, variant: Variant) -> float:
    """CPU seconds of the variant's model and, where it is judged, of its structure baseline."""
    y = group.labels.outcome_of(variant, data.args)
    y_fit, y_stop = y[group.rows.fit], y[group.rows.stop]
    parameters = stage_1_parameters(len(group.rows.fit), seed=data.args.seed)
    judged = judged_rows(data, group.labels, variant).reason is None
    datasets = (group.binned, group.structure_binned) if judged else (group.binned,)
    return sum(fit_model(rows, y_fit, y_stop=y_stop, parameters=parameters).cpu_seconds for rows in datasets)
