from collections.abc import Callable
from pathlib import Path

import lightgbm as lgb
import numpy as np
import pytest

from fleetcast.errors import DataError
from fleetcast.fleet.results import ProductionResult
from fleetcast.job_args.fleet import FleetJobArgs
from fleetcast.labels.families import VariantLabels
from fleetcast.training.parameters import least_leaf_rows
from fleetcast.training.production import Choice, ProductionData, load_production_data
from fleetcast.training.production_model import rounds_for_all_rows, split_rows, train_production_model

N_ROWS, BOUNDARY = 6000, 5100


@pytest.fixture(scope="module")
def data(new_production_run: Callable[..., FleetJobArgs]) -> ProductionData:
    return load_production_data(new_production_run(seed=1))


@pytest.fixture(scope="module")
def trained(data: ProductionData, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("model")
    train_production_model(data, data.choices["btc-w5-high"], data.family_labels("btc-w5-high"), folder)
    return folder


def result_of(folder: Path) -> ProductionResult:
    return ProductionResult.model_validate_json((folder / "result.json").read_bytes())


def labels_at(row: list[int], *, horizon_bars: int) -> VariantLabels:
    rows = np.array(row, dtype=np.int32)
    ends = np.minimum(rows + horizon_bars, N_ROWS)
    return VariantLabels(
        events=np.arange(len(rows)), row=rows, y=np.zeros(len(rows), dtype=np.int8), known_row=ends, end_row=ends
    )


def test_rows_end_before_what_watches_them_and_before_the_cutoff() -> None:
    view = labels_at([300, BOUNDARY - 21, BOUNDARY - 20, BOUNDARY, N_ROWS - 21, N_ROWS - 20], horizon_bars=20)
    rows = split_rows(view, n_rows=N_ROWS, name="a variant")
    assert rows.fit.row.tolist() == [300, BOUNDARY - 21]
    assert rows.stop.row.tolist() == [BOUNDARY, N_ROWS - 21]
    assert rows.all.row.tolist() == [300, BOUNDARY - 21, BOUNDARY - 20, BOUNDARY, N_ROWS - 21]


@pytest.mark.parametrize(("row", "part"), [([5200], "fit"), ([300], "stop")])
def test_a_variant_without_rows_is_refused(row: list[int], part: str) -> None:
    with pytest.raises(DataError, match=f"cannot train a variant for production: no row to {part} before 6000"):
        split_rows(labels_at(row, horizon_bars=20), n_rows=N_ROWS, name="a variant")


@pytest.mark.parametrize(
    ("best_round", "n_fit", "n_rows", "expected"),
    [(100, 850, 1000, 118), (1, 850, 1000, 1), (980, 850, 1000, 1000), (1000, 1000, 1000, 1000)],
)
def test_the_last_fit_has_as_many_more_rounds_as_rows(best_round: int, n_fit: int, n_rows: int, expected: int) -> None:
    assert rounds_for_all_rows(best_round, n_fit=n_fit, n_rows=n_rows) == expected


def test_the_model_has_seen_every_label_before_the_cutoff(data: ProductionData, trained: Path) -> None:
    result, variant = result_of(trained), data.choices["btc-w5-high"].variant
    assert variant is not None
    view = data.family_labels("btc-w5-high").variant_view(variant, data.args)
    assert result.n_rows == int((view.end_row < N_ROWS).sum()) > result.n_fit + result.n_stop
    assert result.parameters["min_child_samples"] == least_leaf_rows(result.n_rows)
    assert view.row[view.end_row < N_ROWS].max() > N_ROWS - 300


def test_the_model_is_the_plain_refit_with_the_stated_rounds(data: ProductionData, trained: Path) -> None:
    result, variant = result_of(trained), data.choices["btc-w5-high"].variant
    assert variant is not None
    assert result.n_rounds == rounds_for_all_rows(result.best_round, n_fit=result.n_fit, n_rows=result.n_rows)
    view = data.family_labels("btc-w5-high").variant_view(variant, data.args)
    known = view.end_row < N_ROWS
    X = np.array(data.matrix[view.row[known]])
    plain = lgb.train(dict(result.parameters), lgb.Dataset(X, label=view.y[known]), num_boost_round=result.n_rounds)
    model = lgb.Booster(model_file=str(trained / "model.txt"))
    assert model.num_trees() == 3 * result.n_rounds
    np.testing.assert_array_equal(model.predict(X), plain.predict(X))


def test_the_same_choice_gives_the_same_bytes(data: ProductionData, trained: Path, tmp_path: Path) -> None:
    train_production_model(data, data.choices["btc-w5-high"], data.family_labels("btc-w5-high"), tmp_path)
    assert (tmp_path / "model.txt").read_bytes() == (trained / "model.txt").read_bytes()


def test_tuned_parameters_lie_over_stage_1s(data: ProductionData, tmp_path: Path) -> None:
    before = data.choices["btc-w5-high"]
    point = {"num_leaves": 7, "learning_rate": 0.1, "lambda_l2": 2.5}
    choice = Choice(before.family_id, before.variant, before.parents, point)
    train_production_model(data, choice, data.family_labels("btc-w5-high"), tmp_path)
    parameters = result_of(tmp_path).parameters
    assert point.items() <= parameters.items()
    assert (parameters["feature_fraction"], parameters["max_bin"], parameters["seed"]) == (0.7, 63, 1)
    assert choice.digest != before.digest


def test_a_family_without_a_choice_is_refused(data: ProductionData, tmp_path: Path) -> None:
    labels = data.family_labels("sol-w5-high")
    with pytest.raises(DataError, match="cannot train sol-w5-high for production: no variant of the family was chosen"):
        train_production_model(data, data.choices["sol-w5-high"], labels, tmp_path)
