from pathlib import Path

import keras
import numpy as np
import pytest

from fleetcast.errors import StoreError
from fleetcast.job_args.sequence_config import ConvLstmParams
from fleetcast.sequence.convlstm import build_convlstm
from fleetcast.sequence.model_files import load_model, model_bytes


@pytest.mark.parametrize(("filters", "kernels"), [((4,), None), ((3, 2), (2, 4)), ((2, 2, 2), (3, 3, 3))])
def test_it_takes_windows_and_gives_a_probability(filters: tuple[int, ...], kernels: tuple[int, ...] | None) -> None:
    params = ConvLstmParams(sequence_length=6, conv_lstm_filters=filters, kernel_sizes=kernels, dense_units=(4,))
    model = build_convlstm(params, (5, 3, 1))
    assert model.input_shape == (None, 6, 5, 3, 1)
    found = model.predict(np.zeros((2, 6, 5, 3, 1), np.float32), verbose=0)
    assert found.shape == (2, 1)
    assert ((found > 0) & (found < 1)).all()


def test_the_sources_model_has_as_many_layers_and_units_as_it_says() -> None:
    model = build_convlstm(ConvLstmParams(), (30, 4, 1))
    convolutions = [layer for layer in model.layers if isinstance(layer, keras.layers.ConvLSTM2D)]
    assert [layer.filters for layer in convolutions] == [64, 32, 16]
    assert [layer.kernel_size for layer in convolutions] == [(3, 3)] * 3
    assert [layer.units for layer in model.layers if isinstance(layer, keras.layers.Dense)] == [128, 64, 32, 1]


def test_a_saved_model_foretells_the_same_and_holds_nothing_of_the_fit(tmp_path: Path) -> None:
    model = build_convlstm(ConvLstmParams(sequence_length=4, conv_lstm_filters=(2,), dense_units=(3,)), (3, 2, 1))
    data = model_bytes(model, tmp_path)
    again = load_model(tmp_path / "model.keras")
    x = np.random.default_rng(0).normal(size=(5, 4, 3, 2, 1)).astype(np.float32)
    np.testing.assert_array_equal(model.predict(x, verbose=0), again.predict(x, verbose=0))
    assert len(data) == (tmp_path / "model.keras").stat().st_size


def test_a_model_file_with_code_in_it_is_refused(tmp_path: Path) -> None:
    x = keras.Input((2,))
    keras.Model(x, keras.layers.Lambda(lambda v: v + 1)(x)).save(tmp_path / "code.keras")
    with pytest.raises(StoreError, match=r"cannot load code\.keras"):
        load_model(tmp_path / "code.keras")
