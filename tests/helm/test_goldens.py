"""The chart as each environment renders it, so that a change of values or templates is reviewed as a diff.

``make goldens`` writes them anew.
"""

import os
import re
from pathlib import Path

import pytest

from rendered_chart import CHART, environments, helm, render, values_of

GOLDENS = Path(__file__).parent / "goldens"
PRESETS = Path(__file__).parents[2] / "include" / "fleetcast" / "fleet" / "default.toml"
UPDATE = bool(os.environ.get("UPDATE_GOLDENS"))


def without_secrets(text: str) -> str:
    """Generated passwords differ in every rendering; where they stand does not."""
    documents = re.split(r"(?m)^---\n", text)
    masked = [
        re.sub(r'(?m)^(  [\w.-]+): "?[A-Za-z0-9+/=]{20,}"?$', r"\1: GENERATED", document)
        if re.search(r"(?m)^kind: Secret$", document)
        else document
        for document in documents
    ]
    return "---\n".join(masked)


@pytest.mark.parametrize("environment", environments())
def test_the_rendering_is_the_reviewed_one(environment: str) -> None:
    rendered = without_secrets(render(environment).text)
    golden = GOLDENS / f"{environment}.yaml"
    if UPDATE:
        golden.parent.mkdir(exist_ok=True)
        golden.write_text(rendered)
    assert rendered == golden.read_text(), "review the change, then: make goldens"


@pytest.mark.parametrize("environment", environments())
def test_helm_has_nothing_to_say_against_it(environment: str) -> None:
    assert "0 chart(s) failed" in helm(
        "lint", "--strict", str(CHART), *values_of(environment), "--kube-version", "1.34.0"
    )


def test_there_is_a_golden_for_every_environment_and_no_other() -> None:
    assert sorted(path.stem for path in GOLDENS.glob("*.yaml")) == environments()


def test_a_golden_holds_no_password() -> None:
    for golden in GOLDENS.glob("*.yaml"):
        for document in golden.read_text().split("---\n"):
            if "kind: Secret\n" in document:
                values = document.split("\ndata:\n")[1].split()[1::2]
                assert set(values) <= {"GENERATED", "ZmxlZXRjYXN0"}, golden  # the latter is the key's name, fleetcast


def test_the_chart_knows_the_packages_presets() -> None:
    copy = CHART / "fleet.toml"
    if UPDATE:
        copy.write_bytes(PRESETS.read_bytes())
    assert copy.read_bytes() == PRESETS.read_bytes(), "the chart's copy is old: make goldens"
