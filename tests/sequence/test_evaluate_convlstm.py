from pathlib import Path

import pytest

from fleetcast.errors import StoreError
from fleetcast.job_args.sequence import DirectionArgs, EvaluateConvlstm, TrainConvlstm
from fleetcast.jobs import evaluate_convlstm
from fleetcast.sequence.direction_inputs import read_inputs
from fleetcast.store.holdout import count_looks
from fleetcast.store.objects import Store


@pytest.fixture(scope="module")
def evaluated(trained: TrainConvlstm) -> EvaluateConvlstm:
    args = EvaluateConvlstm(**trained.model_dump(include=set(DirectionArgs.model_fields)))
    evaluate_convlstm.run(args)
    return args


def test_the_manifest_holds_scores_baselines_and_advice(evaluated: EvaluateConvlstm) -> None:
    inputs = read_inputs(evaluated)
    facts = inputs.folder(Store(evaluated.store), "evaluation").require().facts
    assert facts["n_days"] == len(inputs.data.split.test)
    assert set(facts["baselines"]) == {"majority class", "always up", "previous direction", "logistic regression"}
    assert {"accuracy", "macro_f1", "mcc", "roc_auc"} <= set(facts["scores"])
    assert not facts["is_good"]  # a random walk
    assert facts["recommendations"]


def test_a_look_at_the_test_part_is_counted_once(evaluated: EvaluateConvlstm) -> None:
    rev = read_inputs(evaluated).dataset_revs[0]
    evaluate_convlstm.run(evaluated)
    assert count_looks(Store(evaluated.store), dataset_rev=rev) == 1


def test_the_report_needs_nothing_but_itself(evaluated: EvaluateConvlstm) -> None:
    folder = read_inputs(evaluated).folder(Store(evaluated.store), "evaluation")
    page = folder.read("report.html").decode()
    assert "list made after the last day (the 30 of the Sensex: of 2024)" in page
    assert "ROC curve" in page
    assert "://" not in page
    assert "<script" not in page


def test_a_model_that_was_not_trained_is_refused(evaluated: EvaluateConvlstm, tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="stage 'model' has no manifest"):
        evaluate_convlstm.run(evaluated.model_copy(update={"store": tmp_path.as_uri()}))
