import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleetcast.evaluation.report_scales import Axis, axis_around, nice_step


@pytest.mark.parametrize(("least", "step"), [(0.7, 1), (1, 1), (1.1, 2), (3, 5), (6, 10), (0.003, 0.005), (0, 1)])
def test_nice_step_is_1_2_or_5_times_a_power_of_ten(least: float, step: float) -> None:
    assert nice_step(least) == pytest.approx(step)


def test_axis_places_its_ends_and_keeps_what_lies_beyond_on_it() -> None:
    axis = Axis(0.0, 10.0, start=100, stop=200)
    assert [axis.place(v) for v in (0, 5, 10, 99, -99)] == [100, 150, 200, 200, 100]


def test_axis_may_run_upwards() -> None:
    assert Axis(0.0, 10.0, start=200, stop=100).place(2.5) == 175


def test_ticks_are_round_and_have_a_real_minus() -> None:
    ticks = Axis(-0.04, 0.04, start=0, stop=100).ticks(4)
    assert [tick.label for tick in ticks] == ["−0.04", "−0.02", "0.00", "0.02", "0.04"]
    assert [tick.at for tick in ticks] == [0, 25, 50, 75, 100]


@given(st.lists(st.floats(-1e6, 1e6), max_size=20))
def test_axis_around_holds_every_value(values: list[float]) -> None:
    axis = axis_around(values, centre=0.5, start=0, stop=1, least=0.01)
    assert axis.low <= min([*values, 0.49]) + 1e-9
    assert axis.high >= max([*values, 0.51]) - 1e-9
