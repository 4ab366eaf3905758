"""stop-local: ends what run-local has started in a folder, also after its supervisor was killed."""

from pathlib import Path

from fleetcast.job_args.looking import StopLocal
from fleetcast.local.instance import stop_instance
from fleetcast.local.layout import Layout


def run(args: StopLocal) -> None:
    """Returns when nothing of it runs any more."""
    layout = Layout(repository=Path.cwd(), home=Path(args.home).absolute())
    layout.jobs_environment.unlink(missing_ok=True)
    print("stopped" if stop_instance(layout.lock, started=layout.processes) else "nothing was running here")
