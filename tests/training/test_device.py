import pytest

from fleetcast.errors import ConfigurationError
from fleetcast.training.device import check_device
from fleetcast.training.parameters import dataset_parameters, stage_1_parameters


def test_cores_are_always_there() -> None:
    check_device("cpu")


def test_a_device_that_lightgbm_cannot_use_is_final() -> None:
    # Our LightGBM is built without CUDA, wherever this runs.
    with pytest.raises(ConfigurationError, match=r"cannot compute on the device 'cuda': CUDA .*'cpu'") as raised:
        check_device("cuda")
    assert raised.value.exit_code == 2


def test_rows_are_binned_for_the_device_that_the_models_compute_on() -> None:
    assert dataset_parameters(device="gpu")["device_type"] == "gpu"
    assert stage_1_parameters(100, seed=0, device="gpu")["device_type"] == "gpu"
    assert dataset_parameters()["device_type"] == stage_1_parameters(100, seed=0)["device_type"] == "cpu"
