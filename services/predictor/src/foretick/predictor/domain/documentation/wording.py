"""Numbers and instants as documents write them."""

from datetime import UTC, datetime
from math import isfinite


def number(value: float | None) -> str:
    """Return ``value`` with four significant digits, thousands parted; ``none`` where there is none.

    >>> number(0.941634), number(91234.0), number(None)
    ('0.9416', '91,234', 'none')
    """
    if value is None:
        return "none"
    if not isfinite(value):
        return str(value)
    return f"{value:,.0f}" if abs(value) >= 1_000.0 or value == int(value) else f"{value:.4g}"


def percent(frac: float | None) -> str:
    """Return a share in percent; ``none`` where there is none.

    >>> percent(0.9)
    '90.0 %'
    """
    return "none" if frac is None else f"{100.0 * frac:.1f} %"


def utc(ns: int) -> str:
    """Return an instant to the second.

    >>> utc(1_704_067_200_000_000_000)
    '2024-01-01 00:00:00'
    """
    return datetime.fromtimestamp(ns / 1e9, UTC).strftime("%Y-%m-%d %H:%M:%S")


def code(text: str) -> str:
    """Return ``text`` marked as code."""
    return f"`{text}`"
