"""How old an answer is, and whether it may still be believed."""

from foretick.common.units import NS_PER_MS


def age_ms_of(arrived_ns: int | None, now_ns: int) -> int | None:
    """Return how long ago ``arrived_ns`` was; None for what never came (None or 0).

    >>> age_ms_of(1_000_000, 3_500_000), age_ms_of(0, 3_500_000)
    (2, None)
    """
    return max(0, now_ns - arrived_ns) // NS_PER_MS if arrived_ns else None


def is_stale(age_ms: int | None, ttl_ms: int | None) -> bool:
    """Tell whether something of that age is older than its time to live; what never came is."""
    return age_ms is None or (ttl_ms is not None and age_ms > ttl_ms)
