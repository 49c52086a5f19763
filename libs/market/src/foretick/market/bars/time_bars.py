"""Bars of 1 second, and of the longer timeframes that seconds add up to, by data time."""

import msgspec

from foretick.common.units import NS_PER_S
from foretick.market.bars.bar import BarSums
from foretick.market.bars.spec import TIMEFRAMES_S

_LENGTHS_NS = {name: length_s * NS_PER_S for name, length_s in TIMEFRAMES_S.items()}
_SECOND = "1s"
LONGER = tuple(name for name in TIMEFRAMES_S if name != _SECOND)


class TimeBarsState(msgspec.Struct, kw_only=True):
    """The second under way, and for each longer timeframe what the seconds before it in the bar add up to.

    doubtful: events were lost since the last one: the bar of the next one may miss some too
    """

    second: BarSums | None = None
    earlier: dict[str, BarSums] = {}
    doubtful: bool = False


class TimeBars:
    """Folds events into the second under way. A second or longer bar closes at the first event at or after its end.

    Sums go event by event into the second and second by second into the rest: the same bits however frames are cut.
    """

    def __init__(self, state: TimeBarsState | None = None) -> None:
        self.state = state or TimeBarsState()

    def bar_of(self, recv_ns: int, seq: int) -> tuple[BarSums, list[tuple[str, BarSums]]]:
        """Return the second that an event at ``recv_ns`` goes into, and the bars that it closes, the shortest first."""
        state = self.state
        second = state.second
        if second is not None and recv_ns < second.end_ns:
            if state.doubtful:
                state.doubtful = False
            return second, []
        closed = self._close(second, recv_ns) if second is not None else []
        start_ns = recv_ns - recv_ns % NS_PER_S
        fresh = state.second = BarSums(start_ns=start_ns, end_ns=start_ns + NS_PER_S, first_seq=seq, last_seq=seq)
        if second is None:
            fresh.is_whole = seq == 1  # the first event of a run: nothing of it can be missing
            for name in LONGER:
                self._begin(name, recv_ns, seq, is_whole=fresh.is_whole)
        if state.doubtful:
            state.doubtful = False
            fresh.lose()
        return fresh, closed

    def forming(self, name: str) -> BarSums | None:
        """Return the bar of a timeframe under way; None before the first event."""
        second = self.state.second
        if second is None:
            return None
        if name == _SECOND:
            return msgspec.structs.replace(second)
        return self._whole(name, second)

    def lose(self) -> None:
        """Note that events were lost: they may belong to the bars under way, and to those of the next event."""
        self.state.doubtful = True
        if self.state.second is not None:
            self.state.second.lose()

    def _close(self, second: BarSums, recv_ns: int) -> list[tuple[str, BarSums]]:
        closed = [(_SECOND, second)]
        for name in LONGER:
            bar = self._whole(name, second)
            if recv_ns >= bar.end_ns:
                closed.append((name, bar))
                self._begin(name, recv_ns, second.last_seq + 1, is_whole=True)
            else:
                self.state.earlier[name] = bar
        return closed

    def _whole(self, name: str, second: BarSums) -> BarSums:
        earlier = self.state.earlier[name]
        if earlier.events == 0:
            return msgspec.structs.replace(
                second, start_ns=earlier.start_ns, end_ns=earlier.end_ns, is_whole=earlier.is_whole and second.is_whole
            )
        bar = msgspec.structs.replace(earlier)
        bar.append(second)
        return bar

    def _begin(self, name: str, recv_ns: int, seq: int, *, is_whole: bool) -> None:
        length_ns = _LENGTHS_NS[name]
        start_ns = recv_ns - recv_ns % length_ns
        self.state.earlier[name] = BarSums(
            start_ns=start_ns, end_ns=start_ns + length_ns, first_seq=seq, last_seq=seq, is_whole=is_whole
        )
