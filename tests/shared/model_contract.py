"""What every job that trains models holds to, whatever the models: one class of tests, for each family of models."""

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fleetcast.job_args.run_key import code_digest
from fleetcast.orchestration.commands import check_results, read_arguments, result_folders
from fleetcast.store.manifests import StageFolder

MakeArgv = Callable[[Path], list[str]]
FLEETCAST = [sys.executable, "-c", "from fleetcast.jobs.main import main; main()"]
PATIENCE_SECONDS = 120.0


class ModelContract:
    """A family's tests subclass it with a fixture ``make_argv``: a command line in a new store of the given folder."""

    wrong = ("--seed", "-1")  # a flag and a value that no job of the family takes

    def result_of(self, folder: StageFolder) -> Any:
        """What two runs from nothing must agree in: by default the digests of all outputs."""
        return folder.require().outputs

    @pytest.fixture
    def argv(self, make_argv: MakeArgv, tmp_path: Path) -> list[str]:
        """One that was run to its end."""
        argv = make_argv(tmp_path / "first")
        run(argv)
        return argv

    def test_it_leaves_the_manifests_that_airflow_looks_for(self, argv: list[str]) -> None:
        check_results(read_arguments(argv))

    def test_a_manifest_names_data_code_and_every_file(self, argv: list[str]) -> None:
        for folder in result_folders(read_arguments(argv)):
            manifest = folder.require()
            assert manifest.inputs
            assert manifest.facts
            assert manifest.code_digest == code_digest()
            for name in manifest.outputs:
                assert folder.read(name)  # its digest is checked

    def test_done_once_it_changes_nothing(self, argv: list[str]) -> None:
        folders = result_folders(read_arguments(argv))
        before = [folder.store.modified_at(f"{folder.path}/manifest.json") for folder in folders]
        run(argv)
        assert [folder.store.modified_at(f"{folder.path}/manifest.json") for folder in folders] == before

    def test_two_runs_from_nothing_agree(self, argv: list[str], make_argv: MakeArgv, tmp_path: Path) -> None:
        again = make_argv(tmp_path / "second")
        run(again)
        assert self._results(argv) == self._results(again)

    def test_after_a_kill_it_ends_the_same(self, argv: list[str], make_argv: MakeArgv, tmp_path: Path) -> None:
        killed = make_argv(tmp_path / "killed")
        files = set((tmp_path / "killed").rglob("*"))
        process = subprocess.Popen([*FLEETCAST, *killed], stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        deadline = time.monotonic() + PATIENCE_SECONDS
        while process.poll() is None and time.monotonic() < deadline:
            if set((tmp_path / "killed").rglob("*")) - files:
                break
            time.sleep(0.02)
        process.kill()
        process.wait()
        run(killed)
        assert self._results(argv) == self._results(killed)

    def test_a_wrong_value_is_one_line_and_exit_2(self, make_argv: MakeArgv, tmp_path: Path) -> None:
        ended = start([*make_argv(tmp_path / "wrong"), *self.wrong])
        assert ended.returncode == 2
        assert self.wrong[0] in ended.stderr.strip().splitlines()[-1]

    def _results(self, argv: list[str]) -> list[Any]:
        return [self.result_of(folder) for folder in result_folders(read_arguments(argv))]


def start(argv: list[str]) -> "subprocess.CompletedProcess[str]":
    """Runs a command line to its end, in a process as a pod would."""
    return subprocess.run([*FLEETCAST, *argv], capture_output=True, text=True, check=False)


def run(argv: list[str]) -> None:
    """The same; a failure fails the test with what the command has said."""
    ended = start(argv)
    assert ended.returncode == 0, ended.stderr[-2000:]
