"""What a command has printed, as a program reads it."""

import json
from typing import Any

import pytest


def printed_objects(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    """One JSON object a line, of all that was printed since the last look."""
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]
