import io

from rich.console import Console

from fleetcast.local.display import FleetDisplay
from fleetcast.local.progress import FleetProgress


def test_without_a_terminal_a_line_comes_with_each_stage_and_not_with_each_look() -> None:
    out = io.StringIO()
    with FleetDisplay(Console(file=out, width=100)) as display:
        for n_done, stage in ((0, "label_events"), (0, ""), (0, "train_variants"), (3, "train_variants")):
            display.update(FleetProgress(36, n_done, 1, 2), stage=stage)
    assert out.getvalue().splitlines() == [
        "label_events: 0/36 variants, 1 failed, 2 skipped",
        "train_variants: 0/36 variants, 1 failed, 2 skipped",
    ]


def test_a_terminal_gets_a_bar() -> None:
    out = io.StringIO()
    with FleetDisplay(Console(file=out, width=100, force_terminal=True)) as display:
        display.update(FleetProgress(36, 9, 0, 0), stage="train_variants")
        shown = out.getvalue()
    assert "train_variants" in shown
    assert "9/36" in shown


def test_rate_and_time_left_are_shown_once_they_are_known() -> None:
    display = FleetDisplay(Console(file=io.StringIO()))
    assert display.details(FleetProgress(1000, 0, 0, 0)) == "0 failed, 0 skipped"
    display.update(FleetProgress(1000, 0, 0, 0), stage="train_variants")
    display.update(FleetProgress(1000, 10, 0, 0), stage="train_variants")
    assert display.details(FleetProgress(1000, 10, 0, 0)).endswith("left")


def test_trials_are_shown_while_a_stage_is_tuned() -> None:
    display = FleetDisplay(Console(file=io.StringIO()))
    progress = FleetProgress(36, 36, 0, 0, n_trials=30, n_trials_done=12)
    assert display.details(progress) == "0 failed, 0 skipped, 12 of 30 trials"
