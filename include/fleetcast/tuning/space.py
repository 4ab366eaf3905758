"""Search spaces: which values each parameter may take."""

import math
import tomllib
from importlib.resources import files
from typing import Annotated, Any, Literal, Self

from annotated_types import MinLen
from pydantic import (
    BaseModel,
    ConfigDict,
    Discriminator,
    Field,
    Tag,
    ValidationError,
    field_validator,
    model_validator,
)

from fleetcast.errors import ConfigurationError
from fleetcast.job_args.base import describe_validation_error
from fleetcast.training.parameters import STAGE_1

Value = int | float
Params = dict[str, Value]
LARGEST = 1e15  # whole numbers beyond it are not told apart as floats, which Optuna computes with
Finite = Annotated[Value, Field(ge=-LARGEST, le=LARGEST)]
Choice = Annotated[tuple[Finite, ...], MinLen(1)]


class Range(BaseModel):
    """All numbers from ``low`` to ``high``, both included: whole ones when both are whole, else real ones."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    low: Finite
    high: Finite
    log: bool = False

    @model_validator(mode="after")
    def _check_bounds(self) -> Self:
        if self.low >= self.high:
            raise ValueError(f"low must lie under high, got {self.low} and {self.high}")
        if self.log and self.low <= 0:
            raise ValueError(f"a logarithmic range must start above 0, got {self.low}")
        return self

    @property
    def is_whole(self) -> bool:
        """Whether it holds whole numbers alone."""
        return isinstance(self.low, int) and isinstance(self.high, int)


def _kind_of(allowed: Any) -> Literal["list", "range"]:
    """Which of the two was meant, so that what is refused is said of that one alone."""
    return "range" if isinstance(allowed, (dict, Range)) else "list"


Allowed = Annotated[Annotated[Choice, Tag("list")] | Annotated[Range, Tag("range")], Discriminator(_kind_of)]


class Space(BaseModel):
    """What each parameter may be, by name."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    parameters: Annotated[dict[str, Allowed], MinLen(1)]

    @field_validator("parameters", mode="before")
    @classmethod
    def _check_lists(cls, parameters: Any) -> Any:
        for name, values in parameters.items() if isinstance(parameters, dict) else ():
            if isinstance(values, (list, tuple)) and not values:
                raise ValueError(f"{name} has an empty list: name at least one value, or leave the parameter out")
        return parameters

    @field_validator("parameters")
    @classmethod
    def _check_values(cls, parameters: dict[str, Allowed]) -> dict[str, Allowed]:
        for name, values in parameters.items():
            if not isinstance(values, Range) and len(set(values)) != len(values):
                raise ValueError(f"{name} has a value twice in {list(values)}: name each once")
        return dict(sorted(parameters.items()))

    @property
    def n_points(self) -> int | None:
        """How many points it has; None when a range of real numbers makes them countless."""
        sizes = [_n_values(allowed) for allowed in self.parameters.values()]
        return None if None in sizes else math.prod(size for size in sizes if size is not None)

    def point(self, index: int) -> Params:
        """The point of that index, from 0 to ``n_points`` - 1, of a space that has so many."""
        params: Params = {}
        for name, allowed in self.parameters.items():
            size = _n_values(allowed)
            if size is None:
                raise ConfigurationError(f"the points cannot be numbered: {name} is a range of real numbers")
            index, position = divmod(index, size)
            params[name] = int(allowed.low) + position if isinstance(allowed, Range) else allowed[position]
        return params

    def check_holds(self, params: Params) -> None:
        """Raises ConfigurationError unless ``params`` is a point of the space."""
        if set(params) != set(self.parameters):
            raise ConfigurationError(
                f"a point needs exactly the parameters {sorted(self.parameters)}, got {sorted(params)}"
            )
        for name, value in params.items():
            if not _allows(self.parameters[name], value):
                raise ConfigurationError(
                    f"{name}={value!r} lies outside the space, which allows {self.parameters[name]}"
                )


def load_space(name: str) -> Space:
    """The space of that name in ``spaces.toml``.

    Raises:
        ConfigurationError: no such space, or its content is refused.
    """
    content = tomllib.loads(files("fleetcast.tuning").joinpath("spaces.toml").read_text())
    if name not in content:
        raise ConfigurationError(f"unknown space {name!r}: expected one of {list(content)}")
    return make_space(content[name])


def make_space(parameters: dict[str, Any]) -> Space:
    """The variants' space of these lists and ranges. Raises ConfigurationError, in one line, for what is refused."""
    try:
        if unknown := sorted(set(parameters) - set(STAGE_1)):
            raise ConfigurationError(
                f"cannot use the space: unknown parameters {unknown[:3]} ({len(unknown)}): expected some of "
                f"{sorted(STAGE_1)}"
            )
        return Space.model_validate({"parameters": parameters})
    except ValidationError as exc:
        raise ConfigurationError(f"cannot use the space: {describe_validation_error(exc, flags=False)}") from None


def _n_values(allowed: Choice | Range) -> int | None:
    if not isinstance(allowed, Range):
        return len(allowed)
    return int(allowed.high) - int(allowed.low) + 1 if allowed.is_whole else None


def _allows(allowed: Choice | Range, value: Value) -> bool:
    if not isinstance(allowed, Range):
        return value in allowed
    return allowed.low <= value <= allowed.high and (not allowed.is_whole or value == int(value))
