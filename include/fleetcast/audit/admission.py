"""What a certificate lets into a run: the columns that are admitted, and their rows after the warm-up."""

from collections.abc import Sequence
from dataclasses import replace

from fleetcast.audit.certificate import Certificate
from fleetcast.data.bars import BarSet
from fleetcast.features.catalogue import Block
from fleetcast.features.columns import Column
from fleetcast.features.engine import Matrix
from fleetcast.features.history import History


class Admission:
    """A certificate, applied to columns over one set of bars.

    Args:
        certificate: of the present code.
        bars: from the first one that the run knows, since history is counted from there.
    """

    def __init__(self, certificate: Certificate, bars: BarSet) -> None:
        self._certificate = certificate
        self._bar_ms = bars.bar_ms
        self._history = History(bars)

    def admitted_blocks(self, blocks: Sequence[Block]) -> tuple[list[Block], dict[str, str]]:
        """The blocks without the columns that the certificate refuses, and these with the reasons.

        Raises:
            DataError: bars are shorter than any certified.
        """
        refused = {
            column.name: reason
            for block in blocks
            for column in block.columns
            if (reason := self._certificate.refusal_of(column, bar_ms=self._bar_ms)) is not None
        }
        admitted = [
            replace(block, columns=tuple(column for column in block.columns if column.name not in refused))
            for block in blocks
        ]
        return [block for block in admitted if block.columns], refused

    def mask_warm_up(self, values: Matrix, columns: Sequence[Column]) -> None:
        """Makes the rows with less history than the certificate states unknown, in place.

        Args:
            values: ``(n_rows, n_columns)``.
            columns: which, ``(n_columns,)``.

        Raises:
            DataError: a column is not admitted.
        """
        warm_up_bars = [self._certificate.warm_up_of(column, bar_ms=self._bar_ms) for column in columns]
        self._history.mask_warm_up(values, columns, warm_up_bars)
