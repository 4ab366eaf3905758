"""The base of all job arguments: fields become command-line flags and come back unchanged."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, ClassVar, Self

from pydantic import AfterValidator, AwareDatetime
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
    )

    command: ClassVar[str]  # such as "train-variants", or "labels count" for a command that only looks

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
