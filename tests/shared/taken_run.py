"""A run over the bundled bars, whose snapshot the real job has taken."""

from fleetcast.fleet.presets import load_preset
from fleetcast.job_args.fleet import FleetJobArgs, TakeSnapshot
from fleetcast.jobs import take_snapshot
from fleetcast.store.manifests import request_folder
from fleetcast.store.objects import Store


def take_run(store: Store, preset: str = "micro") -> FleetJobArgs:
    """The arguments of its jobs; nothing but the snapshot is there."""
    chosen = load_preset(preset)
    request = TakeSnapshot(store=store.uri, request="test", symbols=chosen.symbols, last_bars=chosen.last_bars)
    take_snapshot.run(request)
    facts = request_folder(store, request.request).require().facts
    return FleetJobArgs(
        store=store.uri,
        dataset_rev=facts["dataset_rev"],
        cutoff=facts["cutoff"],
        **chosen.model_dump(exclude={"last_bars"}),
    ).with_run_key()
