"""The contract of model families, for both sequence models."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from fleetcast.orchestration.commands import read_arguments, result_folders
from fleetcast.sequence.panels import read_panel
from fleetcast.sequence.stored_panels import store_panel
from fleetcast.store.manifests import StageFolder
from fleetcast.store.objects import Store
from model_contract import MakeArgv, ModelContract

CNN_LSTM = {
    "sequence_length": 6,
    "cnn_filters": [2],
    "kernel_sizes": [3],
    "lstm_units": [2],
    "attention_heads": 1,
    "dense_units": [2],
    "epochs": 2,
}


# Keras alone, as with whoever takes the model from the registry.
LOAD_WITH_KERAS_ALONE = """
import sys
sys.modules["fleetcast"] = None
import keras
model = keras.saving.load_model(sys.argv[1])
assert not model.compiled
print(*model.input_shape[1:])
"""


class SequenceContract(ModelContract):
    command: str

    def test_a_stored_model_needs_no_code_of_ours(self, argv: list[str]) -> None:
        (model,) = (folder for folder in result_folders(read_arguments(argv)) if folder.stage == "model")
        with model.open_file("model.keras") as path:
            command = [sys.executable, "-c", LOAD_WITH_KERAS_ALONE, str(path)]
            found = subprocess.run(command, capture_output=True, text=True, check=False)
        assert found.returncode == 0, found.stderr
        assert found.stdout.split() == [str(size) for size in model.require().facts["input_shape"]]

    def result_of(self, folder: StageFolder) -> Any:
        """Numbers: a ``.keras`` file holds the time at which it was written."""
        facts = folder.require().facts
        if folder.stage != "model":
            return facts["scores"]
        history = [{k: v for k, v in row.items() if k != "seconds"} for row in json.loads(folder.read("history.json"))]
        return facts["best_epoch"], facts["n_windows"], history

    @pytest.fixture
    def make_argv(self, panel_file: str, small_config: str, tmp_path: Path) -> MakeArgv:
        def make(folder: Path) -> list[str]:
            store, panel = Store(folder.as_uri()), read_panel(panel_file)
            store_panel(store, panel, source="a file")
            words = {"--store": store.uri, "--dataset-rev": panel.dataset_rev, "--config": self.config(small_config)}
            return [self.command, *(word for pair in words.items() for word in pair)]

        return make

    def config(self, small: str) -> str:
        return small


class TestConvlstm(SequenceContract):
    command = "train-convlstm"


class TestCnnLstm(SequenceContract):
    command = "train-cnn-lstm"

    def config(self, small: str) -> str:
        path = Path(small).with_name("cnn_lstm.json")
        path.write_text(json.dumps({"model_params": CNN_LSTM}))
        return str(path)
