"""Airflow reads its settings when it is imported: tests give it a folder of their own first."""

import atexit
import os
import shutil
import tempfile


def make_airflow_home() -> None:
    """A folder that is gone when the tests are."""
    os.environ["AIRFLOW_HOME"] = tempfile.mkdtemp(prefix="fleetcast-airflow-")
    atexit.register(shutil.rmtree, os.environ["AIRFLOW_HOME"], ignore_errors=True)
