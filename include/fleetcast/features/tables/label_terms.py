"""Market structure columns that restate terms of the label's definition: shown, and never selected."""

from fleetcast.features.columns import Recipe, Values
from fleetcast.features.inputs import Inputs
from fleetcast.features.rolling import above, highest, lag, lowest, mean, ratio, std

SWING_WINDOWS = (2, 3, 5, 10, 20, 50)
LABEL_TERM = "the fleet's own definition of a swing: a term of the label, never selected"


def _deviation(bars: Inputs, x: None, period: int) -> tuple[Values, Values]:
    middle, spread = mean(bars["log_close"], period), std(bars["log_close"], period)
    return ratio(bars["log_high"] - middle, spread), ratio(middle - bars["log_low"], spread)


def _is_swing(bars: Inputs, x: None, period: int) -> tuple[Values, Values]:
    high = above(bars["high"], lag(highest(bars["high"], period), 1))
    return high, above(lag(lowest(bars["low"], period), 1), bars["low"])


RECIPES = (
    Recipe(
        name="deviation",
        formula=_deviation,
        source=LABEL_TERM,
        outputs=("high", "low"),
        periods=(20, 40, 80, 200),
        target_related=True,
    ),
    Recipe(
        name="is_swing",
        formula=_is_swing,
        source=LABEL_TERM,
        outputs=("high", "low"),
        periods=SWING_WINDOWS,
        target_related=True,
    ),
)
