"""The fleet whose labels are certified: the default grid."""

from fleetcast.data.bars import BarSet
from fleetcast.fleet.presets import load_preset
from fleetcast.fleet.variants import Family
from fleetcast.labels.families import FamilyLabels, label_family

GRID = load_preset("full")


def label(bars: BarSet, family: Family) -> FamilyLabels:
    """The labels of a family of the default grid, as the job ``label-events`` makes them."""
    return label_family(bars, family, grid=GRID)[0]
