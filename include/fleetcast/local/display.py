"""What a person sees while the fleet trains: a bar on a terminal, plain lines everywhere else."""

import time
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from fleetcast.local.progress import FleetProgress, Rate

SECONDS_BETWEEN_LINES = 10.0


class FleetDisplay:
    """Shows each update on the console; use it as a context, so that a bar ends before other output.

    Nothing is drawn from a thread: the supervisor forks, and a forking process had better have one thread.
    """

    def __init__(self, console: Console) -> None:
        self._console = console
        self._rate = Rate()
        self._stage = "starting"
        self._last_line = ("", -SECONDS_BETWEEN_LINES)
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[details]}"),
            console=console,
            auto_refresh=False,
            transient=True,
        )
        self._task = self._bar.add_task("starting", total=None, details="")

    def __enter__(self) -> "FleetDisplay":
        if self._console.is_terminal:
            self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._console.is_terminal:
            self._bar.stop()

    def update(self, progress: FleetProgress, *, stage: str) -> None:
        """Shows the counts and what is at work; an empty stage is a pause between two, and changes nothing."""
        self._stage = stage or self._stage
        self._rate.update(progress)
        details = self.details(progress)
        if self._console.is_terminal:
            total = progress.n_variants or None
            self._bar.update(
                self._task, description=self._stage, completed=progress.n_done, total=total, details=details
            )
            self._bar.refresh()
        else:
            self._print_line(f"{self._stage}: {progress.n_done}/{progress.n_variants} variants, {details}")

    def details(self, progress: FleetProgress) -> str:
        """Failed, skipped, rate and time left."""
        words = [f"{progress.n_failed} failed", f"{progress.n_skipped} skipped"]
        if self._rate.per_second is not None:
            words.append(f"{self._rate.per_second:.1f}/s")
        if self._rate.seconds_left is not None:
            minutes, seconds = divmod(round(self._rate.seconds_left), 60)
            words.append(f"{minutes}:{seconds:02d} left")
        if progress.n_trials:
            words.append(f"{progress.n_trials_done} of {progress.n_trials} trials")
        return ", ".join(words)

    def _print_line(self, line: str) -> None:
        last_stage, last_time = self._last_line
        if self._stage == last_stage and time.monotonic() - last_time < SECONDS_BETWEEN_LINES:
            return
        self._last_line = (self._stage, time.monotonic())
        self._console.print(line, highlight=False, soft_wrap=True)
