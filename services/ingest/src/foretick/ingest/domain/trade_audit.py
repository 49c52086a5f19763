"""Tells new trades of an instrument from those that came before, by the venue's own ids; and keeps the latest ones."""

from collections import deque
from dataclasses import dataclass, field
from enum import Enum

from foretick.common.units import NS_PER_S
from foretick.ingest.domain.events import Trade
from foretick.ingest.domain.rules import TradeIds

_NAMES_KEPT = 4096
_NOT_A_HOLE = 1_000_000
"""An id that is higher by more than this belongs to a new numbering of the venue."""

RECENT_NS = 15 * NS_PER_S
_MOST_RECENT = 20_000


class Verdict(Enum):
    """What to do with a trade."""

    NEW = "new"
    REPEATED = "repeated"
    HISTORY = "history"


@dataclass(slots=True)
class TradeAudit:
    """The ids seen of one instrument. ``missed`` counts the trades that never came, where ids tell."""

    ids: TradeIds
    last_id: int | None = None
    missed: int = 0
    _has_begun: bool = False
    _may_restart: bool = False
    _names: deque[str] = field(default_factory=deque[str])
    _named: set[str] = field(default_factory=set[str])

    def judge(self, trade: Trade) -> Verdict:
        """Judge a trade and remember it. What the venue sends of the past is new only if it follows what was seen."""
        is_known = self._is_known_name if self.ids is TradeIds.NAMED or trade.trade_id is None else self._is_known_id
        if not self._has_begun and trade.is_history:
            return Verdict.HISTORY
        self._has_begun = True
        return Verdict.REPEATED if is_known(trade) else Verdict.NEW

    def reconnect(self) -> None:
        """Take it that the venue may number anew from its next trade on."""
        self._may_restart = True

    def go_on_after(self, trade_id: int) -> None:
        """Take it that ``trade_id``, and all before it, were seen."""
        self.last_id, self._has_begun = trade_id, True

    def _is_known_id(self, trade: Trade) -> bool:
        trade_id, last_id = trade.trade_id or 0, self.last_id
        if trade_id == last_id:
            return True  # some venues send their last trade again to whoever subscribes
        may_restart = self._may_restart and not trade.is_history
        if may_restart:
            self._may_restart = False
        if last_id is not None:
            if trade_id <= last_id and not may_restart:
                return True
            if self.ids is TradeIds.CONTIGUOUS and 0 < trade_id - last_id < _NOT_A_HOLE:
                self.missed += trade_id - last_id - 1
        self.last_id = trade_id
        return False

    def _is_known_name(self, trade: Trade) -> bool:
        if trade.text_id in self._named:
            return True
        self._names.append(trade.text_id)
        self._named.add(trade.text_id)
        if len(self._names) > _NAMES_KEPT:
            self._named.discard(self._names.popleft())
        return False


class RecentTrades:
    """The trades of the last ``RECENT_NS``: what a new owner may have to tell in its predecessor's place."""

    def __init__(self) -> None:
        self._trades: deque[tuple[int, Trade]] = deque(maxlen=_MOST_RECENT)

    def add(self, trade: Trade, recv_ns: int) -> None:
        """Keep a trade."""
        trades = self._trades
        trades.append((recv_ns, trade))
        while trades[0][0] < recv_ns - RECENT_NS:
            trades.popleft()

    def after(self, trade_id: int) -> list[Trade]:
        """Return those after ``trade_id``, oldest first."""
        return [trade for _, trade in self._trades if trade.trade_id is not None and trade.trade_id > trade_id]

    def clear(self) -> None:
        """Forget them."""
        self._trades.clear()
