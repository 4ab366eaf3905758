import subprocess
import sys


def test_it_is_airflows_command_line_with_the_pod_operator_loaded() -> None:
    version = subprocess.run(
        [sys.executable, "-m", "fleetcast.orchestration.preloaded", "version"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert version.stdout.strip().startswith("3.")
    loaded = subprocess.run(
        [sys.executable, "-c", "import fleetcast.orchestration.preloaded, sys; print(*sys.modules)"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert "airflow.providers.cncf.kubernetes.operators.pod" in loaded.stdout.split()
