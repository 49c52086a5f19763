"""Tells instruments that have nothing to say because their exchange is closed from those that have fallen silent."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from foretick.common.contracts import Trust
from foretick.common.units import NS_PER_S
from foretick.ingest.domain.instrument_feed import InstrumentFeed

QUIET_NS = 60 * NS_PER_S
"""Outside its session an instrument without a quote or trade for this long is taken as closed: some go on for hours."""

_MAY_CLOSE = (Trust.LIVE, Trust.RESYNC, Trust.CROSSED)


class Calendar(Protocol):
    """When an exchange is open."""

    def is_open(self, at_ns: int) -> bool:
        """Return whether a session is under way at ``at_ns``, UTC."""
        ...


@dataclass(slots=True)
class SessionWatch:
    """Watches the instruments of one venue by ``calendars``, by the code of ``Listing.session``.

    closed: the symbols that were last seen closed
    """

    calendars: Mapping[str, Calendar]
    closed: set[str] = field(default_factory=set[str])
    _heard: dict[str, tuple[int, int]] = field(default_factory=dict[str, tuple[int, int]])

    def look(self, feeds: Mapping[str, InstrumentFeed], now_ns: int) -> list[str]:
        """Return the symbols that are closed since this look: their books are not the market's any more."""
        are_open = {session: calendar.is_open(now_ns) for session, calendar in self.calendars.items()}
        closing: list[str] = []
        for symbol, feed in feeds.items():
            if are_open.get(feed.listing.session, True) or not self._is_quiet(symbol, feed, now_ns):
                self.closed.discard(symbol)
            elif feed.local.trust in _MAY_CLOSE:
                self.closed.add(symbol)
                closing.append(symbol)
        return closing

    def _is_quiet(self, symbol: str, feed: InstrumentFeed, now_ns: int) -> bool:
        said = feed.counters.quotes + feed.counters.trades + feed.local.counters.syncs
        known, since_ns = self._heard.get(symbol, (-1, now_ns))
        if said != known:
            self._heard[symbol] = said, now_ns
            return False
        return now_ns - since_ns >= QUIET_NS
