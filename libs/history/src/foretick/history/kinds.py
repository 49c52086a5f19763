"""What can be asked of the record. Pure."""

from dataclasses import dataclass
from enum import StrEnum

TIMEFRAMES_S = {"1s": 1, "1m": 60, "5m": 300, "15m": 900, "1h": 3600, "4h": 14_400, "1d": 86_400}


class Kind(StrEnum):
    """What a frame holds; see ``SOURCES`` for its columns."""

    TRADES = "trades"
    QUOTES = "quotes"
    BOOK_EVENTS = "book_events"
    DERIVATIVES = "derivatives"
    INTEGRITY_EVENTS = "integrity_events"
    BARS = "bars"
    GAPS = "gaps"
    INSTRUMENTS = "instruments"


@dataclass(frozen=True, slots=True)
class Selection:
    """Which part of the record.

    symbol: as its venue names it; None for all
    venue: None for every venue that has the symbol
    run_id: None for the newest run
    from_ns, to_ns: data time, from the first inclusive to the second exclusive; None for no bound. A bar counts by its
        beginning. Gaps and instruments have no data time: the bounds do not apply to them.
    timeframe: of bars
    """

    symbol: str | None = None
    venue: str | None = None
    run_id: str | None = None
    from_ns: int | None = None
    to_ns: int | None = None
    timeframe: str = "1m"


@dataclass(frozen=True, slots=True)
class Source:
    """Where a kind of events comes from: a table whose rows are numbered by ``seq``.

    where: which of its rows; empty for all
    batch_events: numbers of the instrument's sequence that one batch spans
    """

    table: str
    columns: str
    where: str
    batch_events: int


SOURCES = {
    Kind.TRADES: Source(
        "ticks", "seq, recv_ns, event_ns, price, qty, side, trade_id, trust, epoch", "kind = 'T'", 200_000
    ),
    Kind.QUOTES: Source(
        "ticks", "seq, recv_ns, event_ns, bid, bid_qty, ask, ask_qty, trust, epoch", "kind = 'Q'", 200_000
    ),
    # A full book may have thousands of levels a side.
    Kind.BOOK_EVENTS: Source(
        "book_events",
        "seq, recv_ns, event_ns, kind, trust, reason, first_id, last_id, bid_price, bid_qty, ask_price, ask_qty,"
        " counts::text AS counts, epoch",
        "",
        5_000,
    ),
    Kind.DERIVATIVES: Source(
        "derivatives",
        "seq, recv_ns, event_ns, kind, mark_price, index_price, funding_rate_frac, next_funding_ns, open_interest_qty,"
        " price, qty, side, trust, epoch",
        "",
        200_000,
    ),
    Kind.INTEGRITY_EVENTS: Source(
        "integrity_events",
        "seq, recv_ns, event_ns, from_trust, to_trust, reason, syncs, chain_breaks, checksums_checked,"
        " checksums_failed, tops_compared, tops_differing, crossings, stalls, malformed, epoch",
        "",
        1_000_000,
    ),
}
"""Every frame begins with run_id, venue and symbol, then has these."""

BAR_COLUMNS = (
    "start_ns, end_ns, open, high, low, close, volume_qty, buy_volume_qty, volume_quote, vwap, trades, mid_open,"
    " mid_high, mid_low, mid_close, events, live_frac, trust, first_seq, last_seq, is_partial"
)
BATCH_BARS = 50_000
GAP_COLUMNS = "from_seq, through_seq, found_by, reason, (extract(epoch FROM noticed_at) * 1e9)::int8 AS noticed_ns"
INSTRUMENT_COLUMNS = (
    "origin, base, quote, tick_size, lot_size, aliases, kind, contract_size, is_inverse, order_step_qty,"
    " min_order_qty, maker_fee_bps, taker_fee_bps, session, proof, recv_ns"
)
