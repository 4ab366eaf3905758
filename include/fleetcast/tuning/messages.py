"""What workers and the study service say to each other, as JSON bodies; both sides validate."""

from datetime import datetime
from typing import Annotated, Literal

from annotated_types import Ge, Le, MaxLen, MinLen
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from fleetcast.job_args.run_key import digest_of
from fleetcast.tuning.space import Params, Space

Score = Annotated[float, Field(allow_inf_nan=False)]
Step = Annotated[int, Ge(0), Le(1_000_000)]
Token = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{32}$")]
Worker = Annotated[str, MinLen(1), MaxLen(200)]
Reason = Annotated[str, MinLen(1), MaxLen(1000)]
Count = Annotated[int, Ge(1), Le(100_000)]


class Message(BaseModel):
    """Frozen, and nothing but its fields."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class StudySpec(Message):
    """What makes a study the one it is; its name is a digest of all of it.

    ``data`` names everything that the objective reads (rows, columns, labels, splits), so that a study never goes on
    with scores of other data, and ``space`` stands in it whole, so that none goes on in another space.
    """

    stage: Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,39}$")]
    data: Annotated[str, MinLen(1), MaxLen(200)]
    space: Space
    direction: Literal["maximize", "minimize"] = "maximize"
    pruner: Literal["none", "median", "wilcoxon"] = "none"
    seed: Annotated[int, Ge(0), Le(2**31 - 1)] = 0

    @property
    def name(self) -> str:
        """Such as ``stage-2-`` and 20 hexadecimal digits."""
        return f"{self.stage}-{digest_of(self.model_dump(mode='json'))[:20]}"


class OpenStudy(Message):
    """Asks for a study with a budget of ``n_trials``; one that is there keeps the larger budget of the two.

    ``starts`` are points that a new study runs first.
    """

    spec: StudySpec
    n_trials: Count
    starts: tuple[Params, ...] = ()


class StudyState(Message):
    """How far a study is. ``n_left`` trials of its budget are not finished; it is over when that is 0."""

    name: str
    n_trials: int
    n_complete: int
    n_pruned: int
    n_failed: int
    n_running: int
    n_waiting: int  # to be run again, or starting points

    @property
    def n_left(self) -> int:
        """Of the budget, not finished."""
        return self.n_trials - self.n_complete - self.n_pruned - self.n_failed


class TrialRecord(Message):
    """One trial as the database has it; instants are UTC."""

    number: int
    state: Literal["waiting", "running", "complete", "pruned", "failed"]
    params: Params
    value: float | None
    reports: dict[int, float]  # by step
    started_at: datetime | None
    finished_at: datetime | None
    reason: str | None  # why it failed, or why it last had to run again


class StudyTrials(Message):
    """All trials of a study, in the order of their numbers."""

    spec: StudySpec
    n_trials: int
    trials: tuple[TrialRecord, ...]


class Ask(Message):
    """Asks for a trial. The worker makes the token up: the same one again is the same question, asked again."""

    worker: Worker
    token: Token


class LeasedTrial(Message):
    """A trial that is the worker's until it has not renewed the lease for ``lease_seconds``.

    ``reports`` holds what an earlier attempt has reported, by step: a worker may go on from there.
    """

    number: int
    params: Params
    attempt: int  # 1 for the first
    lease_seconds: float
    reports: dict[int, float]


class Answer(Message):
    """A trial; or, without one, whether the study is over or the question is worth repeating after a while."""

    trial: LeasedTrial | None = None
    is_over: bool = False
    wait_seconds: float = 0.0


class Renew(Message):
    """Says that the worker lives."""

    token: Token


class Report(Message):
    """A score on the way, such as one fold's."""

    token: Token
    step: Step
    value: Score


class Verdict(Message):
    """Whether the trial is to end here."""

    prune: bool


class Tell(Message):
    """The trial's end. A pruned one without a value takes its last report's."""

    token: Token
    state: Literal["complete", "pruned"]
    value: Score | None = None


class Fail(Message):
    """The trial has no score. ``again``: another worker may have more luck with the same parameters."""

    token: Token
    reason: Reason
    again: bool
