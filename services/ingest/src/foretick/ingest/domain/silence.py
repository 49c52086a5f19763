"""Notices that a book has fallen silent though its market has not: what no sequence number shows.

Two signs: trades come in and the book does not move; or the venue's own full book, asked for after a long silence, is
ahead of ours and stays so.
"""

from foretick.common.contracts import Trust
from foretick.common.units import NS_PER_S
from foretick.ingest.domain.rules import MarketRules
from foretick.market.integrity import Anchor

LOOK_NS = NS_PER_S
"""How often silence is looked at, at whole seconds of data time."""

GRACE_NS = 5 * NS_PER_S
"""A full book may be ahead of the stream for this long."""

_NEVER_NS = 2**63 - 1


class Silence:
    """Watches one instrument, on data time alone."""

    def __init__(self, rules: MarketRules) -> None:
        self._rules = rules
        self._can_stall = rules.book.anchor is not Anchor.TOP
        self._can_probe = rules.book.anchor is Anchor.REQUEST and rules.probe_ns > 0
        self._heard_ns = 0
        self._trades = 0
        self._probe: tuple[int, int] | None = None
        self.due_ns = _NEVER_NS
        self.wants_probe = False

    def begin(self, now_ns: int) -> None:
        """Count from now on: the stream starts, or data time has jumped."""
        self.heard_of_book(now_ns)
        self.due_ns = (now_ns // LOOK_NS + 1) * LOOK_NS

    def heard_of_book(self, now_ns: int) -> None:
        """Take note of an update of the book."""
        self._heard_ns = now_ns
        self._trades = 0
        self._probe = None
        self.wants_probe = False

    def has_stalled(self, trust: Trust, now_ns: int) -> bool:
        """Take note of a trade; return whether the book should have moved by now."""
        self._trades += 1
        return (
            self._can_stall
            and trust is Trust.LIVE
            and self._trades >= self._rules.stall_trades
            and now_ns - self._heard_ns > self._rules.stall_ns
        )

    def is_probed(self, trust: Trust, last_id: int, now_ns: int) -> bool:
        """Keep the id of a full book that was asked for while ours is LIVE; return whether it was."""
        if trust is not Trust.LIVE or not self._can_probe:
            return False
        self._probe = last_id, now_ns
        self.wants_probe = False
        return True

    def look(self, trust: Trust, last_id: int | None) -> bool:
        """Look at the silence at ``due_ns``; return whether the venue's book has been ahead of ours for too long."""
        now_ns, self.due_ns = self.due_ns, self.due_ns + LOOK_NS
        if trust is not Trust.LIVE or not self._can_probe:
            self._probe, self.wants_probe = None, False
            return False
        if self._probe is None:
            self.wants_probe = now_ns - self._heard_ns >= self._rules.probe_ns
            return False
        probed_id, probed_ns = self._probe
        if now_ns - probed_ns < GRACE_NS:
            return False
        self._probe = None
        self._heard_ns = now_ns
        return last_id is not None and last_id < probed_id

    def is_overdue(self, trust: Trust, now_ns: int) -> bool:
        """Return whether the full book that the stream should have begun with has been awaited for too long."""
        is_awaited = self._rules.book.anchor is Anchor.STREAM and trust is not Trust.LIVE
        if not is_awaited or now_ns - self._heard_ns < self._rules.await_ns:
            return False
        self._heard_ns = now_ns
        return True
