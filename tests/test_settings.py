from pathlib import Path
from typing import get_args

import pytest
import yaml

from fleetcast.errors import ConfigurationError
from fleetcast.settings import BY_ENVIRONMENT, Settings, read_pod_settings, read_settings

HELM = Path(__file__).parents[1] / "helm"
CHART = yaml.safe_load((HELM / "fleetcast" / "values.yaml").read_text())


@pytest.mark.parametrize("environment", BY_ENVIRONMENT)
def test_an_environment_starts_where_its_cluster_does(environment: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLEETCAST_ENVIRONMENT", environment)
    values = CHART | yaml.safe_load((HELM / "environments" / f"{environment}.yaml").read_text())
    settings = Settings()
    assert (settings.environment, settings.preset, settings.bars, settings.retry_delay_seconds, settings.tune) == (
        environment,
        values["preset"],
        values["bars"],
        values["retryDelaySeconds"],
        values["tune"],
    )


def test_the_environments_are_the_six() -> None:
    assert tuple(BY_ENVIRONMENT) == get_args(Settings.model_fields["environment"].annotation)


def test_a_variable_wins_over_its_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLEETCAST_ENVIRONMENT", "production")
    monkeypatch.setenv("FLEETCAST_PRESET", "sample")
    assert (Settings().preset, Settings().bars) == ("sample", "s3://fleetcast-market-data/bars")


def test_without_an_environment_nothing_differs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FLEETCAST_ENVIRONMENT", raising=False)
    assert Settings().preset == Settings.model_fields["preset"].default


def test_a_value_that_does_not_fit_is_named_by_its_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLEETCAST_ENVIRONMENT", "prod")
    monkeypatch.setenv("FLEETCAST_POD_USER_ID", "somebody")
    with pytest.raises(ConfigurationError, match=r"^FLEETCAST_ENVIRONMENT: Input should be .* \(got 'prod'\)$"):
        read_settings()
    with pytest.raises(ConfigurationError, match=r"^FLEETCAST_POD_USER_ID: .* \(got 'somebody'\)$"):
        read_pod_settings()


def test_an_empty_variable_is_no_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLEETCAST_ENVIRONMENT", "")
    assert read_settings().environment == "local-dev"


def test_settings_are_read_again_when_a_variable_has_changed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLEETCAST_PRESET", "full")
    assert read_settings() is read_settings()
    monkeypatch.setenv("FLEETCAST_PRESET", "micro")
    assert read_settings().preset == "micro"
