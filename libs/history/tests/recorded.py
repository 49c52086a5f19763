"""A small record written by plain SQL, apart from the recorder, and the events it was written from."""

import json
import random
from dataclasses import dataclass, field
from typing import Any

import psycopg

from foretick.common.testing import T0_NS

RUN = "run"
SECOND_NS = 10**9
Row = dict[str, Any]
_NAMES = ("run_id", "venue", "symbol")


@dataclass
class Market:
    """Events by table, in the order of their numbers."""

    ticks: list[Row] = field(default_factory=list)
    book_events: list[Row] = field(default_factory=list)
    derivatives: list[Row] = field(default_factory=list)
    integrity_events: list[Row] = field(default_factory=list)
    gaps: list[Row] = field(default_factory=list)

    def events(self) -> list[Row]:
        return sorted(
            [*self.ticks, *self.book_events, *self.derivatives],
            key=lambda row: (row["venue"], row["symbol"], row["seq"]),
        )


def make_market(symbol: str = "BTCUSDT", venue: str = "sim", count: int = 600, seed: int = 1, run: str = RUN) -> Market:
    rng = random.Random(seed)
    market, now_ns, bids, asks = Market(), T0_NS, {}, {}
    for seq in range(1, count + 1):
        now_ns += rng.choice((0, 1, 10**6, 3 * 10**8, 2 * SECOND_NS))
        row: Row = {
            "run_id": run, "venue": venue, "symbol": symbol, "origin": "sim", "epoch": 1, "seq": seq,
            "recv_ns": now_ns, "event_ns": rng.choice((None, now_ns - 5)), "trust": "LIVE",
        }  # fmt: skip
        kind = "snapshot" if seq == 20 else rng.choices(
            ("T", "Q", "C", "D", "L", "snapshot", "delta", "state"), (6, 6, 1, 1, 1, 0.3, 6, 0.5)
        )[0]  # fmt: skip
        if kind in ("snapshot", "delta", "state"):
            market.book_events.append(row | _book_event(rng, kind, bids, asks))
        elif kind in "DL":
            market.derivatives.append(row | _derivative(rng, kind))
        else:
            market.ticks.append(row | _tick(rng, kind, seq))
    market.integrity_events = [
        {key: row[key] for key in (*_NAMES, "origin", "epoch", "seq", "recv_ns", "event_ns", "reason")}
        | {"from_trust": None, "to_trust": row["trust"], "syncs": 1}
        for row in market.book_events[::7]
    ]  # fmt: skip
    return market


def _tick(rng: random.Random, kind: str, seq: int) -> Row:
    if kind == "T":
        return {"kind": "T", "price": round(rng.uniform(90, 110), 2), "qty": round(rng.uniform(0.001, 2), 3),
                "side": rng.choice((-1, 0, 1)), "trade_id": rng.choice((None, seq))}  # fmt: skip
    if kind == "Q":
        return {"kind": "Q", "bid": round(rng.uniform(90, 99), 2), "bid_qty": 1.0,
                "ask": round(rng.uniform(100, 110), 2), "ask_qty": 2.0}  # fmt: skip
    return {"kind": "C"}


def _derivative(rng: random.Random, kind: str) -> Row:
    if kind == "D":
        return {"kind": "D", "mark_price": rng.uniform(90, 110), "next_funding_ns": rng.choice((None, T0_NS))}
    return {"kind": "L", "price": 99.5, "qty": 2.0, "side": -1}


def _book_event(rng: random.Random, kind: str, bids: dict[float, float], asks: dict[float, float]) -> Row:
    """A snapshot of what the deltas came to, or changes of it."""
    changes: list[dict[float, float]] = []
    for side, base in ((bids, 9000), (asks, 10001)):
        picked = {(base + rng.randrange(900)) / 100: rng.choice((0.0, 0.5, 1.25)) for _ in range(rng.randrange(4))}
        if kind == "delta":
            side |= picked
        changes.append({
            "snapshot": {price: qty for price, qty in side.items() if qty}, "delta": picked, "state": {},
        }[kind])  # fmt: skip
    return {
        "kind": kind, "reason": "because" if kind == "state" else "", "first_id": None, "last_id": rng.randrange(10**6),
        "bid_price": list(changes[0]), "bid_qty": list(changes[0].values()),
        "ask_price": list(changes[1]), "ask_qty": list(changes[1].values()),
        "counts": json.dumps({"syncs": 1}) if kind != "delta" else None,
    }  # fmt: skip


def write(url: str, *markets: Market, listed: bool = True) -> None:
    """Insert everything; each event is a part of a bar of its own."""
    with psycopg.connect(url, autocommit=True) as connection:
        for day in ("2025-06-15", "2025-06-16"):
            connection.execute("SELECT ensure_day(%s)", (day,))
        connection.execute("SELECT ensure_day(current_date)")
        for market in markets:
            first = market.events()[0]
            names = (first["run_id"], first["venue"], first["symbol"])
            connection.execute("INSERT INTO runs (run_id, origin) VALUES (%s, 'sim') ON CONFLICT DO NOTHING", names[:1])
            connection.execute("INSERT INTO run_instruments VALUES (%s, %s, %s) ON CONFLICT DO NOTHING", names)
            if listed:
                connection.execute(
                    "INSERT INTO instruments (run_id, venue, symbol, origin, base, quote, tick_size, lot_size, aliases,"
                    " recv_ns, ts) VALUES (%s, %s, %s, 'sim', 'BTC', 'USDT', 0.01, 0.001, '{XBT}', 7, now())", names
                )  # fmt: skip
            for table in ("ticks", "book_events", "derivatives", "integrity_events", "gaps"):
                for row in getattr(market, table):
                    _insert(connection, table, row)
            for row in market.events():
                _insert(connection, "bar_parts_1s", _part(row))


def _insert(connection: psycopg.Connection, table: str, row: Row) -> None:
    at = {} if table in ("gaps", "bar_parts_1s") else {"ingested_at": "2025-06-15T12:00:00Z", "ts": "2025-06-15T12:00Z"}
    row = at | row
    places = ", ".join(["%s"] * len(row))
    connection.execute(f"INSERT INTO {table} ({', '.join(row)}) VALUES ({places})".encode(), list(row.values()))


def _part(row: Row) -> Row:
    price, qty = row.get("price") if row["kind"] == "T" else None, row.get("qty") or 0.0
    mid = (row["bid"] + row["ask"]) / 2 if "bid" in row else None
    qty = qty if price else 0.0
    return {
        "start_ns": row["recv_ns"] // SECOND_NS * SECOND_NS, "first_seq": row["seq"], "last_seq": row["seq"],
        "events": 1, "live_events": 1, "trades": int(price is not None), "volume_qty": qty,
        "buy_volume_qty": qty if row.get("side") == 1 else 0.0, "price_qty": (price or 0.0) * qty,
        "qty_per_price": qty / price if price else 0.0, "worst_trust": 0,
        **dict.fromkeys(("open", "high", "low", "close"), price),
        **dict.fromkeys(("mid_open", "mid_high", "mid_low", "mid_close"), mid),
        **{name: row[name] for name in _NAMES},
    }  # fmt: skip
