"""Without helm the chart's tests are skipped on one's own machine, and fail where they are what is asked for."""

from pathlib import Path

import pytest

from rendered_chart import helm


def test_in_ci_a_missing_helm_fails_the_test(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("CI", "true")
    with pytest.raises(pytest.fail.Exception, match="helm is not installed"):
        helm("version")


def test_elsewhere_a_missing_helm_skips_the_test(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CI", raising=False)
    with pytest.raises(pytest.skip.Exception, match="helm is not installed"):
        helm("version")
