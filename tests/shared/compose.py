"""The real Docker Compose on the repository's file, with or without an engine behind it."""

import json
import os
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import pytest

REPOSITORY = Path(__file__).parents[2]
EXAMPLE = REPOSITORY / ".env.example"


@cache
def compose_command() -> tuple[str, ...] | None:
    """The plugin, else the program; None where there is neither."""
    if shutil.which("docker") and subprocess.run(["docker", "compose", "version"], capture_output=True).returncode == 0:
        return ("docker", "compose")
    program = shutil.which("docker-compose") or shutil.which("docker-compose", path=str(Path.home() / "go" / "bin"))
    return None if program is None else (program,)


def has_engine() -> bool:
    """Whether a Docker engine answers, such as the one that DOCKER_HOST names."""
    return bool(shutil.which("docker")) and subprocess.run(["docker", "info"], capture_output=True).returncode == 0


@dataclass
class Compose:
    """One project of the repository's file.

    Attributes:
        project: its name.
        variables: the file with the values of its variables, and what is laid over it.
        env_file: an empty path is no file.
    """

    project: str = "fleetcast"
    variables: Mapping[str, str] = field(default_factory=dict)
    env_file: str = str(EXAMPLE)

    def run(self, *words: str, timeout: float = 60.0) -> "subprocess.CompletedProcess[str]":
        """One command, whatever its end."""
        program = compose_command()
        if program is None:
            pytest.skip("neither `docker compose` nor docker-compose is installed")
        file = ("--env-file", self.env_file or os.devnull)
        command = [*program, "--project-name", self.project, "--file", str(REPOSITORY / "docker-compose.yaml"), *file]
        ours = {name: value for name, value in os.environ.items() if not name.startswith("FLEETCAST_")}
        return subprocess.run(
            [*command, *words], env={**ours, **self.variables}, capture_output=True, text=True, timeout=timeout
        )

    def succeed(self, *words: str, timeout: float = 60.0) -> str:
        """One command that must succeed; returns what it printed."""
        ended = self.run(*words, timeout=timeout)
        if ended.returncode != 0:
            logs = self.run("logs", "--tail", "20").stdout if words[0] == "up" else ""
            raise RuntimeError(f"compose {' '.join(words)}: {ended.stderr}\n{logs}")
        return ended.stdout

    def services(self) -> dict[str, dict[str, Any]]:
        """The services as an engine would get them."""
        services: dict[str, dict[str, Any]] = json.loads(self.succeed("config", "--format", "json"))["services"]
        return services


def example() -> dict[str, str]:
    """What `.env.example` sets; what it has only as a comment is not in it."""
    lines = [line for line in EXAMPLE.read_text().splitlines() if line and not line.startswith("#")]
    return dict(line.split("=", maxsplit=1) for line in lines)
