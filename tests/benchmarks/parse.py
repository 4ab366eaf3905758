"""Parsing ``dags/train_fleet.py`` against importing Airflow and the Kubernetes operator alone."""

import os
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from prepared import run_command

ROOT = Path(__file__).parents[2]
PYTHON = str(ROOT / ".venv-airflow" / "bin" / "python")
# By name: `import airflow.sdk` alone loads nothing, and a weekly schedule alone makes Airflow load croniter (0.1 s).
IMPORTS = (
    "from airflow.sdk import CronTriggerTimetable, Param, dag, get_current_context, task; "
    "from airflow.providers.cncf.kubernetes.operators.pod import KubernetesPodOperator"
)
PARSE = f"{IMPORTS}; import runpy; runpy.run_path('dags/train_fleet.py')"
N_REPEATS = 7


def measure() -> dict[str, Any]:
    """Median CPU of parsing over median CPU of the imports, taken in turn after one warm-up of each."""
    os.chdir(ROOT)
    with tempfile.TemporaryDirectory() as home:
        os.environ["AIRFLOW_HOME"] = home
        for code in (IMPORTS, PARSE):
            run_command([PYTHON, "-c", code])
        seconds = [
            [run_command([PYTHON, "-c", code]).cpu_seconds for code in (IMPORTS, PARSE)] for _ in range(N_REPEATS)
        ]
    imports, parsing = np.median(np.array(seconds), axis=0)
    return {
        "value": round(float(parsing / imports), 3),
        "unit": "times the imports",
        "limit": 1.1,
        "imports_cpu_seconds": round(float(imports), 2),
        "parsing_cpu_seconds": round(float(parsing), 2),
        "repeats": N_REPEATS,
    }
