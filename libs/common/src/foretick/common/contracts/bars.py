"""Bars: what a stretch of an instrument's events adds up to."""

from foretick.common.contracts._base import Message


class Bar(Message, frozen=True, kw_only=True, gc=False):
    """A bar of an instrument, under way or closed, on ``bars.<venue>.<symbol>.<timeframe>``.

    Time bars are by data time. A bar under way is told now and then, by default twice a second; every closed bar is
    told once. Of a timeframe ``asof_seq`` rises from message to message. The sums are those of the record's ``bars()``.

    timeframe: ``1s``, ``1m``, ``5m``, ``15m``; or of bars that fill with trades ``tick-1000`` and the like
    asof_seq: number of the event that made it due; a time bar is closed by the first event after it, one of trades by
        its last
    prev_asof_seq: the ``asof_seq`` of the message before this one of the timeframe, by whichever process; null for the
        first
    start_ns, end_ns: of a time bar its bounds, the second exclusive; else its first and latest event
    first_seq, last_seq: numbers of its first and latest event
    is_closed: nothing is added any more
    is_whole: every event of it was seen; false where the producer began within it, or events were lost
    open, high, low, close: of its trades; null without
    volume_qty, buy_volume_qty: what was traded; what aggressors bought of it
    volume_quote, vwap: its value, and its volume-weighted price; null without volume
    mid_open, mid_high, mid_low, mid_close: of the mid, as quotes told it; null without
    events: of ticks and book alike
    live_frac: share of them whose trust was LIVE; ``trust`` is the worst, GAP where events were lost
    """

    timeframe: str
    asof_seq: int
    prev_asof_seq: int | None
    start_ns: int
    end_ns: int
    first_seq: int
    last_seq: int
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
