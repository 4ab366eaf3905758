import pytest

from fleetcast.job_args.sequence_config import ConvLstmParams, ConvLstmSpace
from fleetcast.sequence.convlstm_space import flat_space, params_at
from fleetcast.tuning.space import Range, Space

POINT = {
    "n_layers": 2,
    **{f"conv_lstm_filters_{i}": 16 * i for i in (1, 2, 3)},
    **{f"kernel_size_{i}": i + 1 for i in (1, 2, 3)},
    **{f"dense_units_{i}": 40 + i for i in (1, 2, 3)},
    "dropout_rate": 0.3,
    "learning_rate": 1e-4,
    "l1": 1e-4,
    "l2": 1e-3,
    "batch_size": 64,
}


def test_the_space_is_the_sources() -> None:
    space = Space.model_validate({"parameters": flat_space(ConvLstmSpace())})
    assert space.parameters["conv_lstm_filters_3"] == Range(low=16, high=128)
    assert space.parameters["kernel_size_1"] == Range(low=2, high=4)
    assert space.parameters["learning_rate"] == Range(low=1e-5, high=1e-2, log=True)
    assert space.parameters["dropout_rate"] == Range(low=0.1, high=0.4)
    assert space.parameters["batch_size"] == (16, 32, 64, 128)
    space.check_holds(POINT)


def test_a_point_is_a_model_of_as_many_layers_as_it_says() -> None:
    params = params_at(POINT, ConvLstmParams(sequence_length=12, epochs=70))
    assert params.conv_lstm_filters == (16, 32)
    assert params.kernels == (2, 3)
    assert params.dense_units == (41, 42)
    assert (params.dropout_rate, params.learning_rate, params.batch_size) == (0.3, 1e-4, 64)
    assert (params.sequence_length, params.epochs) == (12, 70)


def test_a_range_of_one_value_is_a_choice() -> None:
    narrow = ConvLstmSpace.model_validate({"conv_lstm_filters": {"min": 4, "max": 4}, "dropout_rate": [0.2, 0.2]})
    space = Space.model_validate({"parameters": flat_space(narrow)})
    assert space.parameters["conv_lstm_filters_1"] == (4,)
    assert space.parameters["dropout_rate"] == pytest.approx((0.2,))
