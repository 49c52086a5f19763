"""Numbers and instants as venues print them."""

from datetime import UTC, datetime
from functools import lru_cache

from foretick.common.units import NS_PER_S, NS_PER_US

E8 = 100_000_000


def decimal_text(count: int, step_e8: int) -> str:
    """Return ``count`` steps, each a number of 1e-8, with eight decimals: Binance's way.

    >>> decimal_text(6183763, 1_000_000)
    '61837.63000000'
    """
    whole, rest = divmod(count * step_e8, E8)
    return f"{whole}.{rest:08d}"


def plain_text(count: int, step_e8: int) -> str:
    """Return the same without zeros at the end: Coinbase's way.

    >>> plain_text(6183760, 1_000_000), plain_text(100, 1_000_000), plain_text(0, 1)
    ('61837.6', '1', '0')
    """
    return decimal_text(count, step_e8).rstrip("0").rstrip(".")


def digits_of(step_e8: int) -> int:
    """Return how many decimals a step of so many 1e-8 has.

    >>> digits_of(1_000_000), digits_of(1), digits_of(100_000_000)
    (2, 8, 0)
    """
    return len(plain_text(1, step_e8).partition(".")[2])


def fixed_text(count: int, step_e8: int, digits: int) -> str:
    """Return the same with ``digits`` decimals: Kraken's way.

    >>> fixed_text(452835, 10_000_000, 1), fixed_text(0, 1, 8), fixed_text(7, 100_000_000, 0)
    ('45283.5', '0.00000000', '7')
    """
    whole, _, rest = decimal_text(count, step_e8).partition(".")
    return f"{whole}.{rest[:digits]}" if digits else whole


def instant_text(ns: int) -> str:
    """Return an instant as RFC 3339 to the nanosecond, without zeros at the end: Go's way, and so Coinbase's.

    >>> instant_text(1_786_309_548_483_587_500), instant_text(1_786_309_548_000_000_000)
    ('2026-08-09T21:05:48.4835875Z', '2026-08-09T21:05:48Z')
    """
    seconds, rest = divmod(ns, NS_PER_S)
    fraction = f".{rest:09d}".rstrip("0")
    return f"{_second_text(seconds)}{fraction if rest else ''}Z"


def micro_text(ns: int) -> str:
    """Return an instant as RFC 3339 to the microsecond: Kraken's way.

    >>> micro_text(1_696_613_755_440_295_999)
    '2023-10-06T17:35:55.440295Z'
    """
    seconds, rest = divmod(ns, NS_PER_S)
    return f"{_second_text(seconds)}.{rest // NS_PER_US:06d}Z"


@lru_cache(maxsize=64)
def _second_text(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S")
