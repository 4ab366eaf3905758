import itertools

from fleetcast.job_args.sequence_config import CnnLstmParams
from fleetcast.sequence.cnn_lstm_space import MAX_BLOCKS, SPACE, params_at
from fleetcast.tuning.space import Range, Space


def test_filters_and_kernels_have_one_length_at_every_point() -> None:
    fixed = {
        name: allowed["low"] if isinstance(allowed, dict) else allowed[0]
        for name, allowed in SPACE.items()
        if name not in ("n_blocks", "n_lstm_layers")
    }
    space = Space.model_validate({"parameters": SPACE})
    for n_blocks, n_layers in itertools.product(range(1, MAX_BLOCKS + 1), (1, 2)):
        point = {**fixed, "n_blocks": n_blocks, "n_lstm_layers": n_layers}
        space.check_holds(point)
        params = params_at(point, CnnLstmParams(horizon=3))
        assert len(params.cnn_filters) == len(params.kernel_sizes) == n_blocks
        assert len(params.lstm_units) == n_layers
        assert params.horizon == 3


def test_rates_are_searched_by_their_logarithm() -> None:
    space = Space.model_validate({"parameters": SPACE})
    for name in ("learning_rate", "weight_decay"):
        allowed = space.parameters[name]
        assert isinstance(allowed, Range)
        assert allowed.log
