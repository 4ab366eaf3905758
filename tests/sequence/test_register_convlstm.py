"""The registration of a trained model in an MLflow of its own."""

import hashlib
import shutil
from pathlib import Path
from urllib.parse import urlsplit

import mlflow
import numpy as np
import pytest
from mlflow.tracking import MlflowClient

from fleetcast.errors import ConfigurationError, StoreError
from fleetcast.job_args.sequence import DirectionArgs, EvaluateConvlstm, RegisterConvlstm, TrainConvlstm
from fleetcast.jobs import evaluate_convlstm, register_convlstm
from fleetcast.sequence.direction_inputs import read_inputs
from fleetcast.sequence.panels import read_panel
from fleetcast.sequence.stored_panels import store_panel
from fleetcast.store.manifests import sequence_folder
from fleetcast.store.objects import Store


@pytest.fixture(scope="module")
def tracking_uri(tmp_path_factory: pytest.TempPathFactory) -> str:
    return f"sqlite:///{tmp_path_factory.mktemp('mlflow')}/mlflow.db"


@pytest.fixture
def registering(trained: TrainConvlstm, tracking_uri: str) -> RegisterConvlstm:
    """The arguments that register the small model, whose panel is in the store."""
    store, panel = Store(trained.store), read_panel(trained.panel)
    store_panel(store, panel, source="a file")
    shared = trained.model_dump(include=set(DirectionArgs.model_fields)) | {"dataset_rev": panel.dataset_rev}
    return RegisterConvlstm(**shared, tracking_uri=tracking_uri)


def test_a_model_that_nobody_judged_is_not_registered(
    registering: RegisterConvlstm, trained: TrainConvlstm, tmp_path: Path
) -> None:
    other = Store(tmp_path.as_uri())
    model = sequence_folder(Store(trained.store), read_inputs(trained).run_key, "model")
    shutil.copytree(urlsplit(trained.store).path, tmp_path, dirs_exist_ok=True, ignore=lambda *_: ["evaluation"])
    assert sequence_folder(other, model.key, "model").is_done()
    with pytest.raises(StoreError, match="stage 'evaluation' has no manifest"):
        register_convlstm.run(registering.model_copy(update={"store": other.uri}))


def test_it_becomes_the_challenger_once_with_file_signature_data_and_report(
    registering: RegisterConvlstm, trained: TrainConvlstm, tracking_uri: str, tmp_path: Path
) -> None:
    evaluate_convlstm.run(EvaluateConvlstm(**trained.model_dump(include=set(DirectionArgs.model_fields))))
    for _ in range(2):
        register_convlstm.run(registering)
    client = MlflowClient(tracking_uri)
    (version,) = client.search_model_versions("name = 'fleetcast-small'")
    assert client.get_model_version_by_alias("fleetcast-small", "challenger").version == version.version
    key = read_inputs(trained).run_key
    assert version.tags["run_key"] == key
    assert version.tags["dataset_rev"] == registering.dataset_rev
    assert version.tags["promotable"] == "false"
    assert {"report.html"} <= {one.path for one in client.list_artifacts(version.run_id)}
    mlflow.set_tracking_uri(tracking_uri)
    folder = Path(mlflow.artifacts.download_artifacts("models:/fleetcast-small@challenger", dst_path=str(tmp_path)))
    (file,) = folder.rglob("*.keras")
    stored = sequence_folder(Store(trained.store), key, "model").read("model.keras")
    assert hashlib.sha256(file.read_bytes()).digest() == hashlib.sha256(stored).digest()
    assert {"config.json", "scaler.npz"} <= {one.name for one in folder.iterdir()}
    info = mlflow.models.get_model_info(str(folder))
    assert info.signature.inputs.inputs[0].shape == (-1, 5, 4, 4, 1)
    assert info.metadata["target"] == "panel"
    loaded = mlflow.pyfunc.load_model(str(folder))
    assert loaded.predict(np.zeros((2, 5, 4, 4, 1), np.float32)).shape == (2, 1)


def test_without_a_stored_panel_it_cannot_know_the_model(registering: RegisterConvlstm) -> None:
    with pytest.raises(ConfigurationError, match="register-convlstm needs --dataset-rev"):
        register_convlstm.run(registering.model_copy(update={"dataset_rev": None}))
