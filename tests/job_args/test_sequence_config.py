import json
from pathlib import Path

import pytest

from fleetcast.errors import ConfigurationError
from fleetcast.job_args.sequence_config import ConvLstmTraining, ConvLstmTuning, parse_config, search_epochs

CONFIG = Path(__file__).parents[2] / "include" / "config"


def test_the_shipped_files_say_what_the_defaults_are() -> None:
    training = parse_config(ConvLstmTraining, (CONFIG / "convlstm_training.json").read_text(), where="file")
    tuning = parse_config(ConvLstmTuning, (CONFIG / "convlstm_tuning.json").read_text(), where="file")
    assert training == ConvLstmTraining()
    assert tuning == ConvLstmTuning()


def test_the_training_file_has_exactly_the_sources_keys() -> None:
    content = json.loads((CONFIG / "convlstm_training.json").read_text())
    assert list(content) == ["experiment_name", "model_params", "data_split"]
    assert list(content["model_params"]) == [
        "sequence_length",
        "conv_lstm_filters",
        "dense_units",
        "learning_rate",
        "batch_size",
        "epochs",
        "patience",
    ]
    assert content["data_split"] == {"train_ratio": 0.7, "val_ratio": 0.2, "test_ratio": 0.1}


def test_the_sample_is_small() -> None:
    sample = parse_config(ConvLstmTraining, (CONFIG / "convlstm_sample.json").read_text(), where="file")
    assert sample.model_params.conv_lstm_filters == (8, 8, 4)
    assert sample.model_params.epochs == 5


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "Invalid JSON"),
        ('{"modle_params": {}}', "modle_params: Extra inputs are not permitted"),
        ('{"model_params": {"epochs": 0}}', "model_params.epochs: Input should be greater than or equal to 1"),
        (
            '{"model_params": {"conv_lstm_filters": [8, 4], "kernel_sizes": [3]}}',
            "conv_lstm_filters has 2 entries and kernel_sizes 1: name one kernel size a layer",
        ),
        ('{"data_split": {"train_ratio": 0.8}}', "sum to 1.1: expected 1"),
    ],
)
def test_what_does_not_fit_is_one_line(content: str, message: str) -> None:
    with pytest.raises(ConfigurationError, match=r"^cannot use t\.json: ") as caught:
        parse_config(ConvLstmTraining, content, where="t.json")
    assert message in str(caught.value)


def test_the_command_line_wins_and_is_checked_too() -> None:
    config = parse_config(ConvLstmTraining, "{}", where="t.json", overrides={"epochs": 3})
    assert config.model_params.epochs == 3
    with pytest.raises(ConfigurationError, match=r"model_params\.epochs"):
        parse_config(ConvLstmTraining, "{}", where="t.json", overrides={"epochs": 0})


@pytest.mark.parametrize(
    ("space", "message"),
    [
        ('{"conv_lstm_filters": {"min": 128, "max": 16}}', "min 128 is above max 16"),
        (
            '{"learning_rate": [0.01, 0.0001]}',
            "learning_rate: Value error, the smallest value 0.01 is above the largest",
        ),
        ('{"l1": [0, 0.01]}', "l1.0: Input should be greater than 0"),
        ('{"dropout_rate": [0.1, 1.5]}', "dropout_rate.1: Input should be less than 1"),
        ('{"batch_size": [16, 16]}', "batch_size: Value error, a value is named twice"),
    ],
)
def test_a_space_that_no_search_can_use_is_one_line(space: str, message: str) -> None:
    with pytest.raises(ConfigurationError, match=r"^cannot use t\.json: ") as caught:
        parse_config(ConvLstmTuning, f'{{"hyperparameter_space": {space}}}', where="t.json")
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("epochs", "asked", "of_trial", "of_best"),
    [(100, None, 20, 100), (20, None, 5, 20), (5, None, 5, 20), (5, 2, 2, 8)],
)
def test_the_best_of_a_search_is_fitted_for_longer_than_its_trial(
    epochs: int, asked: int | None, of_trial: int, of_best: int
) -> None:
    assert search_epochs(epochs, asked) == (of_trial, of_best)


@pytest.mark.parametrize(
    ("value", "problem"), [("true", "expected a number"), ("1000000", "less than or equal to 100000"), ("0", "greater")]
)
def test_a_count_is_a_number_of_some_sense(value: str, problem: str) -> None:
    with pytest.raises(ConfigurationError, match=rf"cannot use file: model_params.batch_size: .*{problem}"):
        parse_config(ConvLstmTraining, f'{{"model_params": {{"batch_size": {value}}}}}', where="file")
