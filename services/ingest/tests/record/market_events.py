"""A small market, written by the recorder's own writer in commits of any cut, and its bars by polars: the oracle."""

import random
from collections.abc import Iterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import polars as pl

from foretick.common.contracts import BookFrame, TickFrame, Trust
from foretick.common.runtime.store import Store
from foretick.common.testing import FakeRuntime, book_frame, snapshot, tick_frame
from foretick.ingest.adapters.timescale.writer import RecordWriter
from foretick.ingest.domain.continuity import Positions
from foretick.ingest.domain.rows import Rows
from foretick.ingest.domain.stream import Offset

LENGTH_S = {"1s": 1, "1m": 60, "5m": 300, "15m": 900, "1h": 3600, "4h": 14400, "1d": 86400}
SECOND_NS = 1_000_000_000
Frame = TickFrame | BookFrame


def make_frames(
    count: int, start_ns: int, *, span_s: float, seed: int = 1, symbols: Sequence[str] = ("BTCUSDT", "ETHUSDT"),
    run_id: str = "test",
) -> list[Frame]:  # fmt: skip
    """Frames of both planes in random order, of any trust; data time grows by ``span_s`` seconds in all."""
    rng = random.Random(seed)
    seqs, now_ns = dict.fromkeys(symbols, 1), start_ns
    frames: list[Frame] = []
    for _ in range(count):
        symbol = rng.choice(symbols)
        names: dict[str, Any] = {"symbol": symbol, "run_id": run_id, "seq": seqs[symbol]}
        trust = rng.choice([Trust.LIVE, Trust.LIVE, Trust.LIVE, Trust.STALE, Trust.GAP])
        now_ns += int(rng.expovariate(1.0) * span_s / count * SECOND_NS) + 1
        if rng.random() < 0.15:
            frames.append(book_frame([snapshot(ts_ns=now_ns, trust=trust)] * rng.randint(1, 3), **names))
            seqs[symbol] += len(frames[-1].events)  # type: ignore[union-attr]
            continue
        kinds = "".join(rng.choices("TQCDL", (5, 4, 1, 1, 1), k=rng.randint(1, 12)))
        frame = tick_frame(kinds, trust=trust, start_ns=now_ns, spacing_ns=rng.choice((0, 1, 10**8, 10**9)), **names)
        columns = frame.trades, frame.quotes
        for index in range(kinds.count("T")):
            columns[0].price[index] = round(rng.uniform(90, 110), 2)
            columns[0].qty[index] = round(rng.uniform(0.001, 3), 3)
            columns[0].side[index] = rng.choice((-1, 0, 1))
        for index in range(kinds.count("Q")):
            columns[1].bid[index] = round(rng.uniform(90, 100), 2)
            columns[1].ask[index] = round(rng.uniform(100, 110), 2)
        now_ns = frame.recv_ns[-1]
        seqs[symbol] += len(kinds)
        frames.append(frame)
    return frames


def events_of(frames: Sequence[Frame]) -> pl.DataFrame:
    """Every event of ``frames`` as a row."""
    return pl.DataFrame([row for frame in frames for row in _rows(frame)], infer_schema_length=None)


def _rows(frame: Frame) -> Iterator[dict[str, Any]]:
    names = {"run_id": frame.run_id, "symbol": frame.symbol}
    blank = dict.fromkeys(("price", "qty", "side", "mid"))
    if isinstance(frame, BookFrame):
        for index, event in enumerate(frame.events):
            yield names | blank | {"seq": frame.seq + index, "recv_ns": event.ts_recv_ns, "trust": event.trust.value}
        return
    trades = zip(frame.trades.price, frame.trades.qty, frame.trades.side, strict=True)
    quotes = zip(frame.quotes.bid, frame.quotes.ask, strict=True)
    for index, kind in enumerate(frame.kinds):
        row = names | blank | {
            "seq": frame.seq + index, "recv_ns": frame.recv_ns[index], "trust": frame.trust.value,
        }  # fmt: skip
        if kind == "T":
            row |= dict(zip(("price", "qty", "side"), next(trades), strict=True))
        elif kind == "Q":
            bid, ask = next(quotes)
            row["mid"] = (bid + ask) / 2
        yield row


def bars_of(events: pl.DataFrame, run_id: str, symbol: str, timeframe: str) -> pl.DataFrame:
    """The bars of one instrument as polars makes them from its events; columns as of the SQL function ``bars``."""
    length_ns = LENGTH_S[timeframe] * SECOND_NS
    price, mid, qty = pl.col("price"), pl.col("mid"), pl.col("qty")
    trades, quotes = price.is_not_null(), mid.is_not_null()
    ranks = {trust.value: rank for rank, trust in enumerate(Trust)}
    names = {rank: name for name, rank in ranks.items()}
    turnover = (price * qty).sum()
    return (
        events.filter(pl.col("run_id") == run_id, pl.col("symbol") == symbol)
        .sort("seq")
        .with_columns(start_ns=pl.col("recv_ns") // length_ns * length_ns)
        .group_by("start_ns", maintain_order=True)
        .agg(
            open=price.filter(trades).first(), high=price.max(), low=price.min(), close=price.filter(trades).last(),
            volume_qty=qty.sum(), buy_volume_qty=qty.filter(pl.col("side") == 1).sum(), volume_quote=turnover,
            vwap=pl.when(trades.any()).then(turnover / qty.sum()), trades=trades.sum().cast(pl.Int64),
            mid_open=mid.filter(quotes).first(), mid_high=mid.max(), mid_low=mid.min(),
            mid_close=mid.filter(quotes).last(), events=pl.len().cast(pl.Int64),
            live_frac=(pl.col("trust") == "LIVE").mean(),
            trust=pl.col("trust").replace_strict(ranks, return_dtype=pl.Int64).max(),
            first_seq=pl.col("seq").min(), last_seq=pl.col("seq").max(),
        )
        .sort("start_ns")
        .with_columns(
            trust=pl.col("trust").replace_strict(names, return_dtype=pl.String),
            end_ns=pl.col("start_ns") + length_ns, is_partial=pl.col("start_ns") == pl.col("start_ns").max(),
        )
    )  # fmt: skip


class MarketWriter:
    """Writes frames as the recorder does; each call of ``write`` is one commit of one stream."""

    def __init__(self, store: Store) -> None:
        self.record = RecordWriter(store)
        self._positions = Positions()
        self._sequence = 0

    async def write(self, frames: Sequence[Frame], chunks: int = 1) -> None:
        """Commit ``frames`` in that many chunks."""
        size = -(-len(frames) // chunks)
        parts = []
        for first in range(0, len(frames), size):
            rows = Rows(self._positions.copy(), SECOND_NS)
            for frame in frames[first : first + size]:
                rows.add(frame)
                self._sequence += 1
            self._positions = rows.positions
            parts.append((self.record.encode(rows), Offset("MARKET", 1, self._sequence, 0, self._positions)))
        await self.record.write(parts)


@asynccontextmanager
async def opened(database_url: str) -> Any:
    """A writer on a database."""
    rt = FakeRuntime()
    store = Store(database_url, "market writer", rt.log, rt.health)
    await store.connect()
    try:
        yield MarketWriter(store)
    finally:
        await store.close()
