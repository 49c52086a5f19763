"""How full the streams and buckets are, and who is behind: what ``foretick streams`` shows."""

from dataclasses import dataclass
from enum import StrEnum

_NEAR_FRAC = 0.8
_FULL_FRAC = 0.95
_BEHIND_MESSAGES = 10_000
_UNITS = ("B", "KiB", "MiB", "GiB")


class Level(StrEnum):
    """How much a line matters."""

    FINE = "fine"
    NEAR = "near"
    FULL = "full"


@dataclass(frozen=True, slots=True)
class ConsumerState:
    """A consumer and how many messages it has not been given or has not acknowledged."""

    name: str
    waiting: int


@dataclass(frozen=True, slots=True)
class StreamState:
    """A stream of the table, as the server has it; ``is_missing``: it has none.

    span_s: age of the oldest message
    drops_oldest: at its limit the oldest go; otherwise it takes no more
    is_drifted: the server's limits are not those of the table
    """

    name: str
    max_bytes: int
    max_age_s: int
    drops_oldest: bool
    messages: int = 0
    held_bytes: int = 0
    span_s: float = 0.0
    consumers: tuple[ConsumerState, ...] = ()
    is_drifted: bool = False
    is_missing: bool = False

    @property
    def full_frac(self) -> float:
        """How much of its size is used."""
        return self.held_bytes / self.max_bytes if self.max_bytes > 0 else 0.0

    @property
    def level(self) -> Level:
        """How near the limit it is. One that drops its oldest at its limit loses history only; it is never full."""
        if self.is_missing or (self.full_frac >= _FULL_FRAC and not self.drops_oldest):
            return Level.FULL
        behind = any(consumer.waiting >= _BEHIND_MESSAGES for consumer in self.consumers)
        return Level.NEAR if self.full_frac >= _NEAR_FRAC or behind or self.is_drifted else Level.FINE

    @property
    def notes(self) -> tuple[str, ...]:
        """What an operator should know and do about it."""
        if self.is_missing:
            return ("missing: a start of any service makes it, and so does foretick streams --apply",)
        notes: list[str] = []
        if self.is_drifted:
            notes.append("its limits are not those of the subject table: foretick streams --apply")
        if self.full_frac >= _NEAR_FRAC:
            what = (
                f"keeps only the last {length_of(self.span_s)}" if self.drops_oldest else "takes nothing more once full"
            )
            notes.append(f"near its size: {what}")
        return tuple(notes)


HEADING = f"{'stream':<20}{'messages':>12}{'bytes':>12}{'limit':>11}{'used':>6}{'oldest':>9}{'kept':>8}  consumers"


def line_of(state: StreamState) -> str:
    """Return the row of ``state``."""
    waiting = ", ".join(f"{consumer.name} ({consumer.waiting:,} waiting)" for consumer in state.consumers)
    kept = length_of(state.max_age_s) if state.max_age_s else "ever"
    oldest = length_of(state.span_s) if state.messages else "-"
    return (
        f"{state.name:<20}{state.messages:>12,}{size_of(state.held_bytes):>12}{size_of(state.max_bytes):>11}"
        f"{state.full_frac:>6.0%}{oldest:>9}{kept:>8}  {waiting}"
    ).rstrip()


def size_of(size_bytes: int) -> str:
    """Return a size in words.

    >>> size_of(1536), size_of(2 * 1024**3)
    ('1.5 KiB', '2.0 GiB')
    """
    number, unit = float(size_bytes), 0
    while number >= 1024 and unit < len(_UNITS) - 1:
        number, unit = number / 1024, unit + 1
    return f"{number:.1f} {_UNITS[unit]}" if unit else f"{size_bytes} B"


def length_of(length_s: float) -> str:
    """Return a length of time in words.

    >>> length_of(59), length_of(5400), length_of(86400)
    ('59s', '1.5h', '24.0h')
    """
    if length_s < 60:
        return f"{length_s:.0f}s"
    if length_s < 3600:
        return f"{length_s / 60:.0f}m"
    return f"{length_s / 3600:.1f}h" if length_s < 2 * 86_400 else f"{length_s / 86_400:.1f}d"
