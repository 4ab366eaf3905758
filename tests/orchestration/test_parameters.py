from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from airflow.sdk.exceptions import ParamValidationError
from pydantic import ValidationError

from fleetcast.errors import ConfigurationError
from fleetcast.fleet.presets import load_preset, preset_names
from fleetcast.orchestration.parameters import FamilyParameters, FleetParameters, form_fields, requested_cutoff

MakeContext = Callable[..., dict[str, Any]]
AT_NINE = datetime(2026, 3, 2, 9, tzinfo=UTC)
MONDAY = datetime(2026, 3, 2, 6, tzinfo=UTC)


def test_every_field_of_the_form_is_described_and_has_a_default_that_it_accepts() -> None:
    fields = form_fields()
    assert set(fields) == set(FleetParameters.model_fields)
    for field in fields.values():
        field.resolve()
        assert field.description
        assert field.schema["title"]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("preset", "huge"),
        ("bars", ""),
        ("symbols", ["BTC/USDT"]),
        ("symbols", ["btc", "btc"]),
        ("symbols", "btc"),
        ("window_bars", [0]),
        ("window_bars", [1001]),
        ("window_bars", [2.5]),
        ("cutoff", "yesterday"),
        ("cutoff", "2026-03-02T10:00:00"),
        ("variants_per_pod", 0),
        ("variants_per_pod", 100_001),
        ("seed", -1),
        ("seed", 2**31),
        ("tune", "perhaps"),
        ("tuning_space", "wide"),
        ("tuning_trials", 0),
        ("tuning_trials", 10_001),
        ("tuning_cpu_seconds", 0),
        ("families_per_pod", 0),
    ],
)
def test_the_form_and_the_model_refuse_the_same_values(name: str, value: Any) -> None:
    with pytest.raises(ParamValidationError, match="Failed validating"):
        form_fields()[name].resolve(value)
    with pytest.raises((ValidationError, ConfigurationError), match=name if name != "preset" else "unknown preset"):
        FleetParameters.model_validate({name: value}).load_preset()


RUN_KEY = "0123456789abcdef0123"


def test_a_family_is_tuned_by_hand_in_a_run_that_must_be_named() -> None:
    fields = form_fields(FamilyParameters)
    assert set(fields) == set(FamilyParameters.model_fields)
    for name in ("run_key", "family"):
        with pytest.raises(ParamValidationError, match="No value passed"):
            fields[name].resolve()
    assert fields["trials"].resolve() == 50
    assert fields["timeout_seconds"].resolve() is None


@pytest.mark.parametrize(
    ("name", "value"),
    [("run_key", "latest"), ("family", ""), ("trials", 0), ("timeout_seconds", 0), ("space", "wide"), ("workers", 0)],
)
def test_the_form_of_one_family_and_its_model_refuse_the_same_values(name: str, value: Any) -> None:
    with pytest.raises(ParamValidationError, match="Failed validating"):
        form_fields(FamilyParameters)[name].resolve(value)
    with pytest.raises(ValidationError, match=name):
        FamilyParameters.model_validate({"run_key": RUN_KEY, "family": "btc-w5-high", name: value})


def test_the_form_offers_every_preset() -> None:
    assert form_fields()["preset"].schema["enum"] == preset_names()


@pytest.mark.parametrize("value", ["2026-03-02T10:00:00.000Z", "2026-03-02 10:00+05:30", None])
def test_the_form_takes_an_instant_or_nothing_as_cutoff(value: str | None) -> None:
    assert form_fields()["cutoff"].resolve(value) == value
    FleetParameters.model_validate({"cutoff": value})


@pytest.mark.parametrize("empty", [[], None])
def test_an_empty_list_leaves_the_presets_value(empty: list[str] | None) -> None:
    for name in ("symbols", "window_bars"):
        assert form_fields()[name].resolve(empty) == empty
    parameters = FleetParameters.model_validate({"preset": "micro", "symbols": empty, "window_bars": empty})
    assert parameters.load_preset() == load_preset("micro")
    assert FleetParameters(preset="micro", window_bars=(3,)).load_preset().window_bars == (3,)


def test_the_form_starts_at_the_deployments_values(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLEETCAST_PRESET", "full")
    monkeypatch.setenv("FLEETCAST_BARS", "s3://bucket/bars")
    fields = form_fields()
    assert fields["preset"].resolve() == "full"
    assert fields["bars"].resolve() == "s3://bucket/bars"


def test_whether_it_tunes_starts_at_the_deployments_value(monkeypatch: pytest.MonkeyPatch) -> None:
    assert form_fields()["tune"].resolve() is False
    monkeypatch.setenv("FLEETCAST_TUNE", "true")
    monkeypatch.setenv("FLEETCAST_FAMILIES_PER_POD", "36")
    assert form_fields()["tune"].resolve() is True
    assert form_fields()["families_per_pod"].resolve() == 36


def test_variants_per_pod_starts_at_the_deployments_value(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLEETCAST_VARIANTS_PER_POD", "1080")
    assert form_fields()["variants_per_pod"].resolve() == 1080


def test_cutoff_of_a_manual_run_without_data_interval_is_its_time(make_context: MakeContext) -> None:
    context = make_context(data_interval_end=None)
    assert requested_cutoff(FleetParameters(), context) == context["dag_run"].run_after


def test_cutoff_of_a_scheduled_or_backfilled_run_is_its_data_intervals_end(make_context: MakeContext) -> None:
    assert requested_cutoff(FleetParameters(), make_context(data_interval_end=MONDAY)) == MONDAY


def test_a_given_cutoff_wins_over_the_data_interval(make_context: MakeContext) -> None:
    parameters = FleetParameters.model_validate({"cutoff": "2026-03-02T10:00:00+01:00"})
    assert requested_cutoff(parameters, make_context(data_interval_end=MONDAY)) == AT_NINE
