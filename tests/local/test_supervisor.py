import os
import signal
import sys

from fleetcast.local.processes import read_records
from supervised import Supervised, is_running

IN_A_SESSION_OF_ITS_OWN = (
    f"{sys.executable} -c 'import os, signal, time; os.setsid(); signal.signal(signal.SIGTERM, signal.SIG_IGN);"
    ' open("grandchild", "w").write(str(os.getpid())); time.sleep(60)'
    "'"
)


def test_output_of_a_component_goes_to_its_own_log(supervised: Supervised) -> None:
    supervised.start(one="echo out; echo err >&2; sleep 60", two="echo two; sleep 60")
    log = supervised.folder / "logs" / "one.log"
    supervised.wait_for(lambda: log.read_text() == "out\nerr\n")


def test_logs_of_the_run_before_are_kept_and_no_older_ones(supervised: Supervised) -> None:
    for n in ("first", "second", "third"):
        supervised.start(one=f"echo {n}; sleep 60")
        log = supervised.folder / "logs" / "one.log"
        supervised.wait_for(lambda log=log, n=n: log.read_text() == f"{n}\n")  # type: ignore[misc]
        supervised.end()
    assert {path.name: path.read_text() for path in log.parent.iterdir()} == {
        "one.log": "third\n",
        "one.log.1": "second\n",
    }


def test_a_killed_component_is_restarted_and_it_is_said(supervised: Supervised) -> None:
    supervised.start(one="sleep 60", two="sleep 60")
    killed, other = supervised.pid_of("one"), supervised.pid_of("two")
    os.kill(killed, signal.SIGKILL)
    supervised.wait_for(lambda: supervised.pid_of("one") != killed)
    assert is_running(supervised.pid_of("one"))
    assert supervised.pid_of("two") == other
    assert "one died (SIGKILL): restart 1 of 5 in 0.05 s" in supervised.said()


def test_a_component_that_runs_and_does_not_serve_is_killed_with_all_below_it(supervised: Supervised) -> None:
    supervised.start(one=f"{IN_A_SESSION_OF_ITS_OWN} & trap '' TERM; while :; do sleep 0.1; done", two="sleep 60")
    child, grandchild, other = supervised.pid_of("one"), supervised.pid_in("grandchild"), supervised.pid_of("two")
    (supervised.folder / "one.stuck").touch()
    supervised.wait_for(lambda: not is_running(child))
    (supervised.folder / "one.stuck").unlink()
    supervised.wait_for(lambda: supervised.pid_of("one") != child and not is_running(grandchild))
    assert "one has not answered for 0.5 s\none died (SIGKILL): restart 1 of 5" in supervised.said()
    assert supervised.pid_of("two") == other


def test_a_component_that_still_starts_has_more_time_than_one_that_has_served(supervised: Supervised) -> None:
    supervised.start_seconds = 3600.0
    (supervised.folder / "slow.stuck").touch()
    supervised.start(slow="sleep 60", fast="sleep 60")
    slow, fast = supervised.pid_of("slow"), supervised.pid_of("fast")
    supervised.wait_for((supervised.folder / "fast.seen").exists)
    (supervised.folder / "fast.stuck").touch()
    supervised.wait_for(lambda: not is_running(fast))
    assert is_running(slow)
    assert "slow has not answered" not in supervised.said()


def test_a_component_that_dies_again_and_again_ends_everything_and_names_its_log(supervised: Supervised) -> None:
    supervised.start(fine="sleep 60", broken="exit 3")
    fine = supervised.pid_of("fine")
    assert supervised.process is not None
    assert supervised.process.wait(timeout=20) == 1
    said = supervised.said()
    pauses = [f"broken died (exit code 3): restart {n} of 5 in {0.05 * 2 ** (n - 1):g} s" for n in range(1, 6)]
    assert [line for line in said.splitlines() if line.startswith("broken died")] == pauses
    assert f"gave up: broken died 6 times in a row: see {supervised.folder}/logs/broken.log" in said
    assert not is_running(fine)


def test_an_end_leaves_no_process_not_even_one_that_ignores_signals_in_its_own_session(supervised: Supervised) -> None:
    supervised.start(one=f"{IN_A_SESSION_OF_ITS_OWN} & sleep 60; true")
    grandchild, child = supervised.pid_in("grandchild"), supervised.pid_of("one")
    assert supervised.end() == 0
    assert not is_running(child)
    assert not is_running(grandchild)
    assert read_records(supervised.folder / "processes.json") == []


def test_what_loses_its_parent_while_all_goes_on_is_ended(supervised: Supervised) -> None:
    parent = f"({IN_A_SESSION_OF_ITS_OWN} & while [ ! -s grandchild ]; do sleep 0.05; done)"
    supervised.start(one=f"{parent}; sleep 60", two="sleep 60")
    orphan = supervised.pid_in("grandchild")
    supervised.wait_for(lambda: not is_running(orphan))
    assert is_running(supervised.pid_of("one"))
    assert is_running(supervised.pid_of("two"))


def test_the_last_started_ends_first(supervised: Supervised) -> None:
    note = "trap 'echo {0} >> order; exit' TERM; echo > ready-{0}; while :; do sleep 0.05; done"
    supervised.start(first=note.format("first"), second=note.format("second"), third=note.format("third"))
    supervised.wait_for(lambda: all((supervised.folder / f"ready-{n}").exists() for n in ("first", "second", "third")))
    supervised.end()
    assert (supervised.folder / "order").read_text().split() == ["third", "second", "first"]


def test_components_end_when_the_supervisor_is_killed(supervised: Supervised) -> None:
    supervised.start(one="exec sleep 60")
    child = supervised.pid_of("one")
    supervised.end(signal.SIGKILL)
    supervised.wait_for(lambda: not is_running(child))
