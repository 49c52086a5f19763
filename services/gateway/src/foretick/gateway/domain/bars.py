"""The bars of an instrument as clients are told, and the topics that tell them: one of each timeframe."""

from collections import deque
from collections.abc import Iterable

from foretick.common.contracts import Bar, Contract, Origin, Trust
from foretick.common.sequence import DerivedAudit, SequenceTally
from foretick.common.subjects import BAR_MESSAGES
from foretick.common.units import micros_from_nanos
from foretick.gateway.domain.channels import BAR_CHANNELS, CHANNELS
from foretick.gateway.domain.freshness import age_ms_of, is_stale
from foretick.gateway.domain.topic import Tally, Topic

CLOSED_BARS = 300
"""Closed bars kept of each timeframe: what a snapshot tells, and so how far behind a client may be and miss none."""


class BarData(Contract, frozen=True, kw_only=True, gc=False):
    """A bar; numbers as on the bus. A bar with the ``start_us`` of one that you hold takes its place."""

    start_us: int
    end_us: int
    asof_seq: int
    is_closed: bool
    is_whole: bool
    open: float | None
    high: float | None
    low: float | None
    close: float | None
    volume_qty: float
    buy_volume_qty: float
    volume_quote: float
    vwap: float | None
    trades: int
    mid_open: float | None
    mid_high: float | None
    mid_low: float | None
    mid_close: float | None
    events: int
    live_frac: float
    trust: Trust


class BarsData(Contract, frozen=True, kw_only=True, gc=False):
    """Bars, the oldest first: of a snapshot all that are kept, of a delta those that changed."""

    timeframe: str
    origin: Origin
    bars: list[BarData]


class BarsAnswer(Contract, frozen=True, kw_only=True, gc=False):
    """Bars of an instrument, the oldest first; the last one may be under way.

    age_ms: since the last one arrived; null where none has
    stale: none arrived within the time to live
    reason: why there is none, or why there are none from before this gateway began; empty otherwise
    """

    venue: str
    symbol: str
    timeframe: str
    age_ms: int | None
    stale: bool
    reason: str
    bars: list[BarData]


class BarSeries:
    """The bars of one timeframe. Closed ones are told once each, the one under way as often as it comes."""

    def __init__(self, venue: str, symbol: str, timeframe: str, fanout: Tally) -> None:
        self.timeframe = timeframe
        self.topic = Topic(CHANNELS[BAR_CHANNELS[timeframe]], venue, symbol, self._snapshot, fanout)
        self._closed: deque[BarData] = deque(maxlen=CLOSED_BARS)
        self._forming: BarData | None = None
        self._origin = Origin.LIVE
        self._audit = DerivedAudit()

    @property
    def bars(self) -> list[BarData]:
        """All that are kept, the oldest first."""
        return [*self._closed, *([self._forming] if self._forming is not None else [])]

    def fold(self, bar: Bar, arrived_ns: int, tally: SequenceTally) -> None:
        """Take a bar, unless it came before; the topic tells it at once."""
        admission = self._audit.admit(bar.epoch, bar.asof_seq, bar.prev_asof_seq)
        tally.count("bars", admission)
        if admission.skip:
            return
        data = bar_data(bar)
        if bar.is_closed:
            self._closed.append(data)
            self._forming = None
        else:
            self._forming = data
        self._origin = bar.origin
        self.topic.publish(bar.epoch, bar.asof_seq, self._tell([data]), arrived_ns)

    def _snapshot(self) -> BarsData:
        return self._tell(self.bars)

    def _tell(self, bars: list[BarData]) -> BarsData:
        return BarsData(timeframe=self.timeframe, origin=self._origin, bars=bars)


def bar_data(bar: Bar) -> BarData:
    """Return what clients are told of ``bar``."""
    fields = {name: getattr(bar, name) for name in BarData.__struct_fields__ if name not in ("start_us", "end_us")}
    return BarData(start_us=micros_from_nanos(bar.start_ns), end_us=micros_from_nanos(bar.end_ns), **fields)


def join_bars(recorded: Iterable[BarData], live: Iterable[BarData], limit: int) -> list[BarData]:
    """Return the latest ``limit`` bars of both, the oldest first.

    Of a bar that both have the live one counts, which is ahead of the record; unless the live one is not whole and the
    record's is closed.
    """
    bars = {bar.start_us: bar for bar in recorded}
    for bar in live:
        known = bars.get(bar.start_us)
        if known is None or bar.is_whole or not known.is_closed:
            bars[bar.start_us] = bar
    return [bars[start_us] for start_us in sorted(bars)][-limit:]


def answer_bars(series: BarSeries, bars: list[BarData], reason: str, now_ns: int) -> BarsAnswer:
    """Return ``bars`` of a timeframe with their age."""
    topic = series.topic
    age_ms = age_ms_of(topic.arrived_ns, now_ns)
    return BarsAnswer(
        venue=topic.venue,
        symbol=topic.symbol,
        timeframe=series.timeframe,
        age_ms=age_ms,
        stale=is_stale(age_ms, BAR_MESSAGES.ttl_ms),
        reason=reason or ("" if bars else "no bar has come in this run yet"),
        bars=bars,
    )
