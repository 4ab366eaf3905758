import numpy as np
import pytest
from scipy.optimize import minimize

from fleetcast.job_args.sequence_config import ConvLstmTraining, parse_config
from fleetcast.sequence.baselines import LogisticRegression, baseline_probabilities
from fleetcast.sequence.direction_data import DirectionData, prepare_direction
from fleetcast.sequence.panels import read_panel
from synthetic_panel import make_panel, write_panel

CONFIG = parse_config(ConvLstmTraining, '{"model_params": {"sequence_length": 4}}', where="test")


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> DirectionData:
    """A market in which a day follows the one before."""
    path = write_panel(tmp_path_factory.mktemp("panel") / "p.parquet", make_panel(900, 3, momentum=0.8))
    return prepare_direction(read_panel(path), CONFIG, features=("return_1", "body"))


def test_the_regression_is_that_on_the_flattened_windows(data: DirectionData) -> None:
    ends, penalty = data.split.train, 0.1
    X = np.stack([data.features[end - 3 : end + 1].ravel() for end in ends]).astype(np.float64)
    y = data.target[ends]

    def loss(point: np.ndarray) -> float:
        logit = point[0] + X @ point[1:]
        return float(np.mean(np.logaddexp(0, logit) - y * logit) + penalty / 2 * np.sum(point[1:] ** 2))

    found = minimize(loss, np.zeros(1 + X.shape[1]), method="L-BFGS-B")
    expected = 1 / (1 + np.exp(-(found.x[0] + X @ found.x[1:])))
    ours = LogisticRegression.fit(data, penalty=penalty, sequence_length=4).predict(data, ends)
    np.testing.assert_allclose(ours, expected, atol=2e-3)


def test_baselines_find_what_is_there_to_find(data: DirectionData) -> None:
    ends = data.split.test
    found = baseline_probabilities(data, ends, sequence_length=4)
    accuracy = {name: float(((p > 0.5) == (data.target[ends] == 1)).mean()) for name, p in found.items()}
    assert accuracy["logistic regression"] > 0.6
    assert accuracy["previous direction"] > 0.6
    assert accuracy["always up"] == (data.target[ends] == 1).mean()
    assert set(found["majority class"]) == {data.target[data.split.train].mean()}


def test_no_baseline_knows_the_test_part(data: DirectionData) -> None:
    features, target = data.features.copy(), data.target.copy()
    after = int(data.split.test[0]) + 1
    features[after:], target[after:] = 0, 1 - target[after:]
    changed = DirectionData(features, target, data.split, data.scaler, data.panel)
    ends = data.split.test[:1]
    ours, theirs = (baseline_probabilities(one, ends, sequence_length=4) for one in (data, changed))
    for name, probability in ours.items():
        assert probability == pytest.approx(theirs[name]), name
