"""The source's way, as a process of its own per variant: import LightGBM, bin 255 wide, train, judge, write.

Run as ``python plain_variant.py ARGUMENTS VARIANT_ID OUTPUT``; same columns, rows and stopping rule as ours.
"""

import json
import sys
from pathlib import Path

import lightgbm as lgb
import numpy as np

from fleetcast.job_args.fleet import FleetJobArgs
from fleetcast.metrics.ranking import Ranking
from fleetcast.training.fitting import predict
from fleetcast.training.parameters import MAX_ROUNDS, STOPPING_ROUNDS, stage_1_parameters
from fleetcast.training.rows import group_rows, validation_labels
from fleetcast.training.run_data import load_run_data

args = FleetJobArgs(**json.loads(Path(sys.argv[1]).read_text()))
variant = next(v for v in args.variants() if v.variant_id == sys.argv[2])
data = load_run_data(args)
labels = data.family_labels(variant.family.family_id)
rows = group_rows(labels, data.parts, deviation=variant.deviation)
y = labels.outcome_of(variant, args)
parameters = {**stage_1_parameters(len(rows.fit), seed=args.seed), "max_bin": 255}
fit = lgb.Dataset(data.matrix[labels.row[rows.fit]], y[rows.fit], params=parameters)
stop = lgb.Dataset(data.matrix[labels.row[rows.stop]], y[rows.stop], reference=fit, params=parameters)
stopping = lgb.early_stopping(STOPPING_ROUNDS, verbose=False)
booster = lgb.train(parameters, fit, MAX_ROUNDS, valid_sets=[stop], callbacks=[stopping])
validation = validation_labels(labels.variant_view(variant, args), data.parts)
probabilities = predict(booster, data.matrix[validation.row])
precision = [Ranking(probabilities[:, k], validation.y == k).average_precision()[0] for k in np.unique(validation.y)]
booster.save_model(f"{sys.argv[3]}.txt")
Path(f"{sys.argv[3]}.json").write_text(json.dumps({"macro_average_precision": float(np.mean(precision))}))
