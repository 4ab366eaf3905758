from pathlib import Path

import pytest

from fleetcast.evaluation.report import render_report
from fleetcast.evaluation.report_inputs import ReportInputs, read_inputs
from fleetcast.evaluation.report_tuning import TuningSection, tuning_section
from synthetic_fleet import SyntheticFleet, fleet_args
from tuned_fleet import SPENT, write_stage, write_tuning


@pytest.fixture
def fleet(tmp_path: Path) -> SyntheticFleet:
    """Stage 1 of three families."""
    fleet = SyntheticFleet(fleet_args((tmp_path / "store").as_uri(), tune=True))
    fleet.write_all(report=None)
    return fleet


def inputs_of(fleet: SyntheticFleet) -> ReportInputs:
    return read_inputs(fleet.folder, fleet.args, dataset_rev=fleet.args.dataset_rev)


def section_of(fleet: SyntheticFleet) -> TuningSection:
    section = tuning_section(inputs_of(fleet))
    assert section is not None
    return section


def test_each_stage_shows_what_it_was_to_cost_and_what_it_cost(fleet: SyntheticFleet) -> None:
    write_tuning(fleet)
    section = section_of(fleet)
    first, *tuned = section.stages
    of_stage_1 = fleet.folder.stage("family_bests").require().facts["cpu"]
    cpu = of_stage_1["training_cpu_seconds"] + of_stage_1["structure_cpu_seconds"]
    assert (first.stage, first.spent_seconds, first.planned_seconds) == (1, pytest.approx(cpu), pytest.approx(25.0))
    assert [row.planned_seconds for row in tuned] == [pytest.approx(40.0 - cpu), 35.0, 25.0]
    assert [row.spent_seconds for row in tuned] == list(SPENT.values())
    assert section.spent_seconds == pytest.approx(cpu + sum(SPENT.values()))
    assert [(row.n_studies, row.n_complete, row.n_pruned, row.n_failed) for row in tuned] == [
        (1, 5, 2, 1),
        (3, 15, 6, 3),
        (3, 15, 6, 3),
    ]


def test_a_gain_is_over_what_stood_before(fleet: SyntheticFleet) -> None:
    write_tuning(fleet, gains=(0.02, 0.0, -0.01), third=0.41)
    _, second, third, fourth = section_of(fleet).stages
    assert list(second.gains.values()) == pytest.approx([0.01])
    assert list(third.gains.values()) == pytest.approx([0.01, 0.01, 0.01])
    assert list(fourth.gains.values()) == pytest.approx([0.02, 0.0, -0.01])
    assert (third.n_gained, fourth.n_gained) == (3, 1)
    assert fourth.median_gain == pytest.approx(0.0)


def test_each_family_shows_what_was_chosen_for_it(fleet: SyntheticFleet) -> None:
    write_tuning(fleet)
    rows = section_of(fleet).families
    assert [row.chosen for row in rows] == ["stage 4, trial 5", "stage 3, trial 5", "stage 3, trial 5"]
    assert [row.gain for row in rows] == pytest.approx([0.03, 0.01, 0.01])
    assert [row.n_trials for row in rows] == [24, 16, 16]


def test_where_nothing_is_gained_the_section_says_so(fleet: SyntheticFleet) -> None:
    write_tuning(fleet, gains=(0.0,), third=0.40)
    section = section_of(fleet)
    assert "Nothing was gained: stage 1's parameters are the best of all trials in 3 of 3" in section.sentences[0]
    assert {row.chosen for row in section.families} == {"stage 1's parameters"}


def test_the_holdout_stands_once_at_the_end_beside_what_chance_would_show(fleet: SyntheticFleet) -> None:
    write_tuning(fleet)
    section = section_of(fleet)
    assert "The holdout was looked at once, after every choice, with the tuned models" in section.sentences[-1]
    assert "chance alone would put about 0.1 there" in section.sentences[-1]
    assert section.families[0].holdout == inputs_of(fleet).ordered_bests[0].holdout


def test_a_run_that_tunes_shows_the_tuned_models_look_and_counts_it(fleet: SyntheticFleet) -> None:
    write_tuning(fleet)
    page = render_report(inputs_of(fleet), code_digest="c0de" * 16)
    assert '<section id="tuning">' in page
    assert '<a href="#tuning">' in page
    assert "3 in this run, one for each family best" in page
    assert "7 with those of earlier runs" in page
    assert "3 production models were then fitted on everything up to the cutoff, in 4.5 CPU seconds more" in page


def test_a_run_that_does_not_tune_or_has_not_finished_has_no_such_section(fleet: SyntheticFleet) -> None:
    assert tuning_section(inputs_of(fleet)) is None
    bests = inputs_of(fleet).ordered_bests
    write_stage(fleet, 2, bests[:1], gains=(0.0,), third=0.4)
    assert tuning_section(inputs_of(fleet)) is None
    assert "tuning" not in render_report(inputs_of(fleet), code_digest="c0de" * 16).lower()
