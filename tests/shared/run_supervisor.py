"""A supervisor in a process of its own, as it must be: it ends every child of its process.

Usage: run_supervisor.py FOLDER START_SECONDS, where ``components.json`` lists names and shell commands. While there is
a file ``NAME.stuck`` the component of that name does not serve; ``NAME.seen`` says that it was seen to.
"""

import json
import os
import signal
import sys
import time
from functools import partial
from pathlib import Path

from fleetcast.errors import ServiceError
from fleetcast.local.supervisor import Component, Supervisor


def serves(folder: Path, name: str) -> bool:
    if (folder / f"{name}.stuck").exists():
        return False
    (folder / f"{name}.seen").touch()
    return True


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
        stuck_seconds=0.5,
        start_seconds=float(sys.argv[2]),
        look_seconds=0.1,
    ) as supervisor:
        for name, command in json.loads((folder / "components.json").read_text()).items():
            is_ready = partial(serves, folder, name)
            supervisor.start(Component(name, ("sh", "-c", command), dict(os.environ), is_ready=is_ready))
        print("started", flush=True)
        while True:
            supervisor.watch()
            time.sleep(0.02)
except ServiceError as exc:
    print(f"gave up: {exc}", flush=True)
    sys.exit(1)
