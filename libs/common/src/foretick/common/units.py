"""Units of time and return, and the conversions between them.

Every number in a contract, a setting or a metric carries its unit in its name (``_ns _us _ms _s _bps _frac _quote
_qty``). These aliases give the same information to the type checker.
"""

from typing import NewType

Nanos = NewType("Nanos", int)
"""UTC nanoseconds since the Unix epoch, or a duration in nanoseconds."""

NS_PER_US = 1_000
NS_PER_MS = 1_000_000
NS_PER_S = 1_000_000_000
BPS_PER_UNIT = 10_000.0


def nanos_from_seconds(seconds: float) -> Nanos:
    """Convert seconds to whole nanoseconds, rounding half to even.

    >>> nanos_from_seconds(0.1)
    100000000
    """
    return Nanos(round(seconds * NS_PER_S))


def micros_from_nanos(nanos: int) -> int:
    """Convert nanoseconds to whole microseconds, rounding down: what a JavaScript number holds exactly.

    >>> micros_from_nanos(1_723_161_253_937_085_768)
    1723161253937085
    """
    return nanos // NS_PER_US


def bps_from_frac(frac: float) -> float:
    """Convert a fraction to basis points.

    >>> bps_from_frac(0.01)
    100.0
    """
    return frac * BPS_PER_UNIT
