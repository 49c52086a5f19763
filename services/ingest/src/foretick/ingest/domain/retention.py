"""How much of the record is kept."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta


@dataclass(frozen=True, slots=True)
class Retention:
    """Bounds of the record.

    days: events, vectors, predictions of older days are dropped
    bar_days: the same of bars of a minute and longer
    max_bytes: when the days together take more, the oldest go; None: no such bound
    """

    days: int
    bar_days: int
    max_bytes: int | None = None


@dataclass(frozen=True, slots=True)
class Kept:
    """What housekeeping did.

    dropped: parts of the record that went by their age
    dropped_for_space: days that went because the record was larger than it may be
    size_bytes: what the days that remain take
    is_too_large: whether that is still more than allowed: today is always kept
    """

    dropped: int = 0
    dropped_for_space: tuple[date, ...] = ()
    size_bytes: int = 0
    is_too_large: bool = False


def days_over(sizes: Mapping[date, int], max_bytes: int, today: date) -> list[date]:
    """Return the oldest days without which the rest takes at most ``max_bytes``; never today, nor what is after it.

    >>> days_over({date(2026, 3, 1): 5, date(2026, 3, 2): 5, date(2026, 3, 3): 5}, 10, date(2026, 3, 3))
    [datetime.date(2026, 3, 1)]
    """
    total = sum(sizes.values())
    over: list[date] = []
    for day in sorted(sizes):
        if total <= max_bytes or day >= today:
            break
        over.append(day)
        total -= sizes[day]
    return over


def oldest_kept(today: date, days: int) -> date:
    """Return the oldest day that is kept when ``days`` full ones before ``today`` are."""
    return today - timedelta(days=days)
