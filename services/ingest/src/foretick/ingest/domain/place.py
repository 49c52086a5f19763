"""Where the published events of an instrument end."""

from typing import NamedTuple


class Place(NamedTuple):
    """The last event of an instrument that the bus keeps.

    seq: its number; 0 where there is none
    data_ns: its data time
    epoch: of the process that published it
    trade_id: the venue's id of the last trade near the end; None where there is none, or trades have no numbers
    """

    seq: int = 0
    data_ns: int = 0
    epoch: int = 0
    trade_id: int | None = None
