"""The contract of model families, for both sequence models."""

import json
from pathlib import Path
from typing import Any

import pytest

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


class SequenceContract(ModelContract):
    command: str

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
