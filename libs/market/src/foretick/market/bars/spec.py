"""Which bars there are, and what their names mean."""

from dataclasses import dataclass
from enum import StrEnum

from foretick.common.errors import Malformed

TIMEFRAMES_S = {"1s": 1, "1m": 60, "5m": 300, "15m": 900}
"""Time bars that are always there, the shortest first: all others are made of its bars."""


class Measure(StrEnum):
    """What fills a bar that is not of time; the -imbalance ones count signed by the aggressor's side.

    Source: Lopez de Prado, Advances in Financial Machine Learning (2018), 2.3.1.2-2.3.1.4 and 2.3.2.1-2.3.2.2.
    """

    TICK = "tick"
    VOLUME = "volume"
    DOLLAR = "dollar"
    TICK_IMBALANCE = "tick-imbalance"
    VOLUME_IMBALANCE = "volume-imbalance"
    DOLLAR_IMBALANCE = "dollar-imbalance"

    @property
    def is_imbalance(self) -> bool:
        """Whether it counts signed."""
        return self.value.endswith("-imbalance")


@dataclass(frozen=True, slots=True)
class BarSpec:
    """A kind of bars made of trades.

    size: trades, quantity or quote currency that fill a bar; of an imbalance bar the trades that it is expected to have
        until there is experience
    """

    measure: Measure
    size: float

    @property
    def name(self) -> str:
        """What it is called in place of a timeframe.

        >>> BarSpec(Measure.DOLLAR, 1e6).name, BarSpec(Measure.TICK, 1000).name, BarSpec(Measure.VOLUME, 0.5).name
        ('dollar-1000000', 'tick-1000', 'volume-0.5')
        """
        return f"{self.measure}-{int(self.size) if self.size == int(self.size) else self.size}"


def parse_spec(text: str) -> BarSpec:
    """Read the name of a kind of bars, such as ``tick-1000``, ``dollar-1000000`` or ``volume-imbalance-200``.

    Raises:
        Malformed: there is no such measure, or its size cannot be
    """
    measure, _, size = text.strip().rpartition("-")
    try:
        spec = BarSpec(Measure(measure), float(size))
    except ValueError:
        known = ", ".join(f"{measure}-<size>" for measure in Measure)
        raise Malformed("bars", f"{text!r} is no kind of bars: there are {known}") from None
    is_count = spec.measure is Measure.TICK or spec.measure.is_imbalance
    if not 0 < spec.size <= 1e15 or (is_count and (spec.size < 1 or spec.size != int(spec.size))):
        raise Malformed("bars", f"{text!r}: a size is above 0, and a number of trades is whole")
    return spec
