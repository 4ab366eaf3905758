"""The base of all job arguments: fields become command-line flags and come back unchanged."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import AfterValidator, AwareDatetime, ValidationError
from pydantic_settings import BaseSettings, CliApp, SettingsConfigDict


def _to_utc(instant: datetime) -> datetime:
    return instant.astimezone(UTC)


Instant = Annotated[AwareDatetime, AfterValidator(_to_utc)]


class JobArgs(BaseSettings):
    """Arguments of one command. Field ``n_columns`` is the flag ``--n-columns``; nothing comes from the environment."""

    model_config = SettingsConfigDict(
        frozen=True,
        extra="forbid",
        env_prefix="FLEETCAST_ARGUMENT_",
        cli_kebab_case=True,
        cli_implicit_flags=True,
        cli_hide_none_type=True,
        cli_avoid_json=True,
        defer_build=True,  # what only parses a DAG file validates nothing
    )

    command: ClassVar[str]  # such as "train-variants", or "labels count" for a command that only looks
    image: ClassVar[Literal["trainer", "sequence"]] = "trainer"  # whose environment it runs in

    @classmethod
    def __pydantic_init_subclass__(cls, **_: Any) -> None:
        """The usage line names the command, not the program's own name alone."""
        if "command" in vars(cls):
            cls.model_config["cli_prog_name"] = f"fleetcast {cls.command}"

    def to_argv(self) -> list[str]:
        """The command line after ``fleetcast``, the command's name first."""
        return [*self.command.split(), *CliApp.serialize(self)]

    @classmethod
    def from_argv(cls, argv: Sequence[str]) -> Self:
        """The inverse of `to_argv`; exits with 2 and a usage line when the flags do not fit.

        Raises:
            pydantic.ValidationError: a flag's value does not fit its field.
        """
        return CliApp.run(cls, cli_args=list(argv[len(cls.command.split()) :]))


def describe_validation_error(error: ValidationError, *, flags: bool = True) -> str:
    """One line: the first three offending values, what was wrong, and a count of the rest.

    ``flags`` names them as on a command line (``--n-columns``), else as fields (``n_columns``).
    """
    problems = error.errors(include_url=False)
    shown = [
        f"{_name_of(p['loc'], flags)}: {p['msg']}" + ("" if p["type"] == "missing" else f" (got {p['input']!r:.80})")
        for p in problems[:3]
    ]
    more = f"; and {len(problems) - 3} more" if len(problems) > 3 else ""
    return "; ".join(shown) + more


def _name_of(location: tuple[int | str, ...], flags: bool) -> str:
    name = ".".join(map(str, location))
    return "--" + name.replace("_", "-") if flags else name
