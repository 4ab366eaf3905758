"""Processes side by side, with work that takes no time; what real trials do in them is tested with the job."""

import os
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from fleetcast.errors import ConfigurationError, ServiceError, TrialsError
from fleetcast.tuning.trial_processes import TrialProcesses


def processes(work: Callable[[int], None], *, n_processes: int = 2) -> TrialProcesses:
    return TrialProcesses(work, n_processes=n_processes, memory_bytes=2**30)


def test_each_process_gets_its_place(tmp_path: Path) -> None:
    processes(lambda place: (tmp_path / str(place)).touch(), n_processes=3).run()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["0", "1", "2"]


def test_what_no_retry_can_help_is_a_configuration_error() -> None:
    def work(place: int) -> None:
        if place == 1:
            raise ConfigurationError("the token is refused")

    with pytest.raises(ConfigurationError, match="the token is refused"):
        processes(work).run()


@pytest.mark.parametrize(
    ("failure", "said"),
    [
        (ServiceError("nothing answered"), "nothing answered"),
        (MemoryError("no room"), "MemoryError: no room"),
    ],
)
def test_a_failed_process_fails_the_job_after_the_others_are_done(
    failure: Exception, said: str, tmp_path: Path
) -> None:
    def work(place: int) -> None:
        if place == 0:
            raise failure
        time.sleep(0.5)
        (tmp_path / "done").touch()

    with pytest.raises(TrialsError, match=f"1 of 2 processes failed, the first: {said}"):
        processes(work).run()
    assert (tmp_path / "done").exists()


def test_a_process_that_needs_too_much_memory_fails() -> None:
    with pytest.raises(TrialsError, match="1 of 1 processes failed, the first: MemoryError"):
        processes(lambda _: bytearray(2**31), n_processes=1).run()


def test_a_killed_process_fails_the_job() -> None:
    with pytest.raises(TrialsError, match="1 of 1 processes failed, the first: ended by SIGKILL"):
        processes(lambda _: os.kill(os.getpid(), signal.SIGKILL), n_processes=1).run()


def test_processes_that_are_stopped_come_to_their_end_first(tmp_path: Path) -> None:
    def work(place: int) -> None:
        (tmp_path / f"begun {place}").touch()
        try:
            time.sleep(60)
        finally:
            (tmp_path / f"handed back {place}").touch()

    both = processes(work)

    def stop() -> None:
        while len(list(tmp_path.glob("begun *"))) < 2:
            time.sleep(0.01)
        both.stop()

    thread = threading.Thread(target=stop)
    thread.start()
    with pytest.raises(TrialsError, match="stopped on request; trials under way were handed back"):
        both.run()
    thread.join()
    assert len(list(tmp_path.glob("handed back *"))) == 2
