"""Airflow reads its settings when it is imported: they go to a folder of the tests' own."""

import os
import tempfile

os.environ["AIRFLOW_HOME"] = tempfile.mkdtemp(prefix="fleetcast-airflow-")
