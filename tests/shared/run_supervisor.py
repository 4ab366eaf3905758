"""A supervisor in a process of its own, as it must be: it ends every child of its process.

Usage: run_supervisor.py FOLDER, where ``components.json`` lists names and shell commands.
"""

import json
import os
import signal
import sys
import time
from pathlib import Path

from fleetcast.errors import ServiceError
from fleetcast.local.supervisor import Component, Supervisor

folder = Path(sys.argv[1])
signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
try:
    with Supervisor(
        folder,
        logs=folder / "logs",
        record=folder / "processes.json",
        say=lambda line: print(line, flush=True),
        backoff_seconds=0.05,
        grace_seconds=1.0,
    ) as supervisor:
        for name, command in json.loads((folder / "components.json").read_text()).items():
            supervisor.start(Component(name, ("sh", "-c", command), dict(os.environ), is_ready=lambda: True))
        print("started", flush=True)
        while True:
            supervisor.watch()
            time.sleep(0.02)
except ServiceError as exc:
    print(f"gave up: {exc}", flush=True)
    sys.exit(1)
