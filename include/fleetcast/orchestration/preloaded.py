"""Airflow's command line, with what its tasks import loaded first: ``python -m fleetcast.orchestration.preloaded``.

Scheduler and DAG processor fork a process for every task and every parsing. The pod operator takes seconds of CPU and
100 MB to import; loaded before the fork it costs them once, and the children share it.
"""

import sys

from airflow.__main__ import main

import fleetcast.orchestration.planning
import fleetcast.orchestration.pods
import fleetcast.orchestration.task_logs  # noqa: F401

if __name__ == "__main__":
    sys.argv[0] = "airflow"
    main()
