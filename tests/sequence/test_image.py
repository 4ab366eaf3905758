"""What the sequence models' jobs import, in a process of its own."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from fleetcast.job_args import sequence
from fleetcast.job_args.base import JobArgs

ROOT = Path(__file__).parents[2]
SEQUENCE_JOBS = [
    re.sub("[- ]", "_", job.command)
    for job in vars(sequence).values()
    if isinstance(job, type) and issubclass(job, JobArgs) and "command" in vars(job)
]


def run_python(code: str, *arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=False)


def test_every_sequence_job_imports_with_what_its_image_holds() -> None:
    code = re.search(r'IMPORT_JOBS = """(.*?)"""', (ROOT / "tests/images/test_locks.py").read_text(), re.DOTALL)
    lock = (ROOT / "include/fleetcast/locks/sequence-image.lock").read_text()
    # The image's `tensorflow` is `tensorflow-cpu` here, with the same content.
    locked = {*re.findall(r"^([\w.-]+)==", lock, re.MULTILINE), "fleetcast", "tensorflow-cpu"}
    assert code is not None
    assert SEQUENCE_JOBS
    result = run_python(code[1], ",".join(SEQUENCE_JOBS), ",".join(locked))
    assert result.returncode == 0, result.stderr[-2000:]


@pytest.mark.parametrize("job", ["train_variants", "log_runs", "write_report", "main"])
def test_other_jobs_never_import_tensorflow_where_it_is_installed(job: str) -> None:
    code = (
        "import importlib, sys; importlib.import_module(f'fleetcast.jobs.{sys.argv[1]}'); "
        "sys.exit('tensorflow' in sys.modules or 'keras' in sys.modules)"
    )
    result = run_python(code, job)
    assert result.returncode == 0, result.stderr[-2000:]


def test_the_report_is_drawn_without_tensorflow() -> None:
    result = run_python("import sys; import fleetcast.sequence.direction_report; sys.exit('tensorflow' in sys.modules)")
    assert result.returncode == 0, result.stderr[-2000:]
