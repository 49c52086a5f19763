"""Seconds that are folded in order, each with the prices that are known in it."""

import math
from collections.abc import Iterable


def refuse_bad_second(second: int, last: int | None, prices: Iterable[float]) -> None:
    """Refuse a second that cannot follow ``last`` (None: it is the first), or that has an impossible price.

    Raises:
        ValueError: the second is not after the last one, or a price is not above zero
    """
    if last is not None and second <= last:
        raise ValueError(f"second {second} comes after {last}")
    if any(not 0.0 < price < math.inf for price in prices):
        raise ValueError(f"a price of second {second} is not above zero")
