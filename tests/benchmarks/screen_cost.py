"""One process that screens the features below a folder, on all their rows, and says its cost: ``HOME``."""

import json
import resource
import sys
import time
from collections import Counter
from pathlib import Path

from feature_cost import N_THREADS, features_folder

from fleetcast.selection.selecting import screen_columns

if __name__ == "__main__":
    folder = features_folder(Path(sys.argv[1]))
    started = time.perf_counter()
    screen = screen_columns(folder, screen_end=folder.require().facts["n_rows"], n_threads=N_THREADS)
    cost = {
        "seconds": time.perf_counter() - started,
        "cpu_seconds": time.process_time(),
        "peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "kept": len(screen.kept),
        "dropped": Counter(drop.reason for drop in screen.dropped.values()),
    }
    print(json.dumps(cost))
