"""One family of each window that searches broadly for all of them."""

from collections import defaultdict
from collections.abc import Sequence

from fleetcast.fleet.results import FamilyBest
from fleetcast.fleet.variants import Family


def choose_representatives(families: Sequence[Family], bests: Sequence[FamilyBest]) -> list[Family]:
    """Of each window the family whose best has the median score; of an even number the lower one of the middle two.

    What it learns is for the whole window, so it must be an ordinary family: the best one's score is partly luck, which
    a search would learn too, and the worst one's is mostly noise. Families without a judged variant do not count, and a
    window that has none but these has no representative. Of equal scores the one that comes first in the grid counts as
    lower.

    Args:
        families: all, in the grid's order.
        bests: what was chosen for each, on validation.

    Returns:
        In the order of windows.
    """
    scores = {best.family_id: best.validation["score"] for best in bests if best.variant_id is not None}
    by_window: dict[int, list[Family]] = defaultdict(list)
    for family in families:
        if family.family_id in scores:
            by_window[family.window_bars].append(family)
    return [
        sorted(members, key=lambda family: scores[family.family_id])[(len(members) - 1) // 2]
        for _, members in sorted(by_window.items())
    ]
