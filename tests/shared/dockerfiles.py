"""Reads a Dockerfile as a list of instructions, grouped by stage."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Self


@dataclass(frozen=True)
class Stage:
    """What stands between one FROM and the next; the first stage of a file also has a name-less head before it."""

    source: str
    name: str
    instructions: tuple[tuple[str, str], ...]

    def values(self, keyword: str) -> list[str]:
        return [value for word, value in self.instructions if word == keyword]


@dataclass(frozen=True)
class Dockerfile:
    arguments: dict[str, str]  # before the first FROM
    stages: tuple[Stage, ...]

    @classmethod
    def read(cls, path: Path) -> Self:
        text = re.sub(r"^\s*#.*\n", "", path.read_text(), flags=re.MULTILINE)
        lines = [line for line in re.sub(r"\\\n\s*", " ", text).splitlines() if line.strip()]
        instructions = [(line.split(maxsplit=1)[0].upper(), line.split(maxsplit=1)[1]) for line in lines]
        starts = [i for i, (word, _) in enumerate(instructions) if word == "FROM"]
        head = instructions[: starts[0]]
        stages = []
        for start, stop in zip(starts, [*starts[1:], len(instructions)], strict=True):
            source, _, name = instructions[start][1].partition(" AS ")
            stages.append(Stage(source.strip(), name.strip(), tuple(instructions[start + 1 : stop])))
        return cls({v.partition("=")[0]: v.partition("=")[2] for _, v in head}, tuple(stages))

    @property
    def final(self) -> Stage:
        return self.stages[-1]

    def instructions(self) -> list[tuple[str, str]]:
        return [instruction for stage in self.stages for instruction in stage.instructions]
