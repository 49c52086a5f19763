"""Instants as people write them, and as they read them; UTC throughout."""

from datetime import UTC, datetime, timedelta

from foretick.common.units import NS_PER_S

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FORMS = "2026-08-09, 2026-08-09T21:05, 2026-08-09T21:05:48.026294, or nanoseconds since 1970"
_NS_DIGITS = 19


def parse_instant(text: str) -> int:
    """Return an instant in UTC ns; without an offset it is meant in UTC.

    >>> parse_instant("2026-08-09T21:05:48.026294"), parse_instant("2026-08-09")
    (1786309548026294000, 1786233600000000000)

    Raises:
        ValueError: it is none, with the forms that are understood
    """
    if text.isascii() and text.isdecimal() and len(text) == _NS_DIGITS:
        return int(text)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"{text!r} is no instant: write {_FORMS}") from None
    moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment
    passed = moment - _EPOCH
    return (passed.days * 86_400 + passed.seconds) * NS_PER_S + passed.microseconds * 1000


def render_instant(ns: int) -> str:
    """Return ``ns`` to the millisecond.

    >>> render_instant(1786309548026294000)
    '2026-08-09T21:05:48.026Z'
    """
    moment = _EPOCH + timedelta(microseconds=ns // 1000)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def render_length(ns: int) -> str:
    """Return a length of time in its two largest units.

    >>> render_length(3_723_000_000_000), render_length(90_000_000_000), render_length(1_500_000_000)
    ('1h 2m', '1m 30s', '1.5s')
    """
    seconds = ns / NS_PER_S
    if seconds < 60:
        return f"{seconds:.1f}s" if seconds >= 1 else f"{ns / 1e6:.0f}ms"
    minutes, rest_s = divmod(int(seconds), 60)
    if minutes < 60:
        return f"{minutes}m {rest_s}s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours}h {minutes}m" if hours < 24 else f"{hours // 24}d {hours % 24}h"


def render_size(size_bytes: int) -> str:
    """Return a size in its largest unit.

    >>> render_size(512), render_size(3_500_000)
    ('512 B', '3.3 MiB')
    """
    size, unit = float(size_bytes), "B"
    for unit in ("B", "KiB", "MiB", "GiB", "TiB"):
        if size < 1024 or unit == "TiB":
            break
        size /= 1024
    return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
