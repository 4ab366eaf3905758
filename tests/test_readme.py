"""What the README promises: its paths exist and its commands are known."""

import re
from pathlib import Path

import pytest

from fleetcast.jobs.main import JOBS

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
PATHS = sorted(set(re.findall(r"`((?:include|dags|plugins|tests|images|helm|\.ci)(?:/[\w./-]+)?)`", README)))
TARGETS = sorted(set(re.findall(r"make ([a-z-]+)", README)))


@pytest.mark.parametrize("path", PATHS)
def test_every_path_exists(path: str) -> None:
    assert (ROOT / path).exists()


@pytest.mark.parametrize("target", TARGETS)
def test_every_make_target_exists(target: str) -> None:
    assert re.search(rf"^{target}:", (ROOT / "Makefile").read_text(), re.MULTILINE)


def test_the_two_commands_come_first() -> None:
    block = README.split("```")[1]
    assert [line.split("#")[0].strip() for line in block.splitlines()[1:] if line] == ["make run", "make test"]


def test_every_command_it_names_is_known() -> None:
    for words in re.findall(r"`fleetcast ([a-z-]+(?: [a-z]+)?)", README):
        assert words in JOBS
