"""A recording in our own format, made up: two venues, two processes, and all that happens to connections and books.

Seconds count from ``T0``. Binance is asked for its book after 2, 103 and 144 s: when it begins, after an update that
never came, and after a connection that broke; its answers hold five levels a side. Bybit sends its book when a
connection is opened: at 1, 92 and 150 s. Two connections are replaced, at 153 (Bybit) and 173 s (Binance).
"""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from foretick.common.contracts import Instrument, Origin, Trust, encode
from foretick.ingest.adapters.recordings.folder import RecordingFolder, RecordingLimits
from foretick.ingest.adapters.recordings.series import SegmentSeries
from foretick.market.recording.records import EVERY_CONNECTION, Ownership, Record, RecordKind

T0 = 1_800_000_000_000_000_000
S = 1_000_000_000
LENGTH_S = 200
ANSWERS_S = (2.0, 103.0, 144.0)
OPENINGS_S = (1.0, 92.0, 150.0)
LOST_S, BROKE_S, BACK_S = 100.0, 140.0, 142.0
TORN = {"binance": 120.25, "bybit": (60.25, 160.25)}


def record(venue: str, at_s: float, kind: RecordKind, payload: bytes, connection: int = 1, **fields) -> Record:
    return Record(T0 + round(at_s * S), venue, connection, kind, payload, **fields)


def listing(venue: str, at_s: float = 0.0, tick: float = 0.01, symbol: str = "BTCUSDT") -> Record:
    at_ns = T0 + round(at_s * S)
    told = Instrument(
        venue=venue, symbol=symbol, origin=Origin.LIVE, run_id="run", producer="p", epoch=1, ts_recv_ns=at_ns,
        ts_ingest_ns=at_ns, ts_sent_ns=at_ns, trust=Trust.STALE, base="BTC", quote="USDT", tick_size=tick,
        lot_size=1e-6,
    )  # fmt: skip
    return record(venue, at_s, RecordKind.LISTING, encode(told), EVERY_CONNECTION, symbol=symbol)


def owned(venue: str, at_s: float, epoch: int, symbols: Sequence[str] = ("BTCUSDT",)) -> Record:
    payload = msgspec.json.encode(Ownership(symbols=list(symbols), epoch=epoch))
    return record(venue, at_s, RecordKind.OWNED, payload, EVERY_CONNECTION)


def write(folder: Path, producer: str, records: Sequence[Record], segment_bytes: int = 1500) -> None:
    """Write ``records`` as the recorder of one process does, in small segments."""
    series = SegmentSeries(
        RecordingFolder(folder, RecordingLimits(min_free_bytes=0, segment_bytes=segment_bytes)), producer, "run"
    )
    series.begin(records[0].recv_ns)
    for at in range(0, len(records), 40):
        series.write(records[at : at + 40])
    series.end("stopped", records[-1].recv_ns + 1)


class Book:
    """The venue's own book; each turn moves some of its levels."""

    def __init__(self) -> None:
        self.sides: tuple[dict[int, int], dict[int, int]] = ({}, {})
        self.turn = 0
        for _ in range(30):
            self.move()

    def move(self) -> tuple[list, list]:
        """Change one level of each side; return them."""
        self.turn += 1
        changed: tuple[list, list] = ([], [])
        for number, (side, sign) in enumerate(zip(self.sides, (-1, 1), strict=True)):
            price = 10_000 + sign * (1 + self.turn * 7 % 23)
            qty = self.turn * (3 + number) % 11 if self.turn > 30 else 5 + number
            side[price] = qty
            changed[number].append([f"{price / 100:.2f}", f"{qty / 10:.1f}"])
        return changed

    def best(self, depth: int) -> tuple[list, list]:
        """Return the best levels of each side."""
        return tuple(
            [
                [f"{p / 100:.2f}", f"{q / 10:.1f}"]
                for p, q in sorted(side.items(), key=lambda level: sign * level[0])
                if q
            ][:depth]
            for side, sign in zip(self.sides, (-1, 1), strict=True)
        )  # type: ignore[return-value]


def _stream(name: str, **data) -> bytes:
    return json.dumps({"stream": f"btcusdt@{name}", "data": {"s": "BTCUSDT", **data}}).encode()


def binance(silent_s: tuple[float, float] = (0.0, 0.0)) -> Iterator[Record]:
    """Updates twice a second, a trade every three seconds; none in a silence, which ends with a look at the book."""
    book, update_id = Book(), 100
    yield listing("binance")
    yield owned("binance", 0.5, 7)
    yield record("binance", 1.0, RecordKind.OPENED, _BINANCE)
    for half in range(3, 2 * LENGTH_S):
        at_s = half / 2
        if at_s in (*ANSWERS_S, silent_s[1] - 5.6):
            bids, asks = book.best(5)
            body = json.dumps({"lastUpdateId": update_id, "bids": bids, "asks": asks}).encode()
            url = "https://api.binance.com/api/v3/depth?symbol=BTCUSDT"
            yield record("binance", at_s, RecordKind.REST, body, EVERY_CONNECTION, url=url, symbol="BTCUSDT")
        if silent_s[0] <= at_s < silent_s[1]:
            continue
        if at_s in _BINANCE_EVENTS:
            yield record("binance", at_s, *_BINANCE_EVENTS[at_s])
        bids, asks = book.move()
        update_id += 2
        if not (BROKE_S <= at_s <= BACK_S or at_s == LOST_S):
            numbers = {"U": update_id - 1, "u": update_id}
            yield from _told_by_binance(half, _stream("depth@100ms", E=int(at_s * 1000), **numbers, b=bids, a=asks))
        if at_s == 120.0:
            yield record("binance", TORN["binance"], RecordKind.RECEIVED, b'{"stream":"btcusdt@depth@100ms","data":{')


_BINANCE = b"wss://stream.binance.com:9443"
_BINANCE_EVENTS = {
    BROKE_S: (RecordKind.CLOSED, b"it broke"),
    BACK_S: (RecordKind.OPENED, _BINANCE),
    170.0: (RecordKind.OPENED, _BINANCE, 2),
    173.0: (RecordKind.RETIRED, b"replaced", 1),
}


def _told_by_binance(half: int, update: bytes) -> Iterator[Record]:
    at_s = half / 2
    trade = _stream("trade", e="trade", t=half // 6, p="100.00", q="1.0", T=int(at_s * 1000), m=False)
    for offset, connection in enumerate(_connections(at_s, 170.0, 173.0)):
        yield record("binance", at_s + 0.1 + offset / 1000, RecordKind.RECEIVED, update, connection)
        if half % 6 == 0:
            yield record("binance", at_s + 0.2 + offset / 1000, RecordKind.RECEIVED, trade, connection)


def _connections(at_s: float, opened_s: float, retired_s: float) -> list[int]:
    return ([1] if at_s < retired_s else []) + ([2] if at_s >= opened_s else [])


def bybit() -> Iterator[Record]:
    """Updates once a second, a trade every five."""
    book, number = Book(), 1000
    address = b"wss://stream.bybit.com/v5/public/spot"
    yield listing("bybit")
    yield owned("bybit", 0.5, 8)

    def told(kind: str, bids: list, asks: list, at_s: float) -> bytes:
        data = {"s": "BTCUSDT", "b": bids, "a": asks, "u": number, "seq": number}
        return json.dumps(
            {"topic": "orderbook.200.BTCUSDT", "type": kind, "ts": int(at_s * 1000), "data": data}
        ).encode()

    for second in range(1, LENGTH_S):
        at_s = float(second)
        connections = _connections(at_s, OPENINGS_S[2], 153.0)
        if at_s == 90.0:
            yield record("bybit", at_s, RecordKind.CLOSED, b"it broke")
        if at_s in OPENINGS_S:
            yield record("bybit", at_s, RecordKind.OPENED, address, connections[-1])
            yield record(
                "bybit", at_s + 0.05, RecordKind.RECEIVED, told("snapshot", *book.best(40), at_s), connections[-1]
            )
        if at_s == 153.0:
            yield record("bybit", at_s, RecordKind.RETIRED, b"replaced", 1)
        changed = book.move()
        number += 1
        trade = {"T": int(at_s * 1000), "s": "BTCUSDT", "S": "Buy", "v": "1", "p": "100", "i": f"trade {second}"}
        for offset, connection in enumerate(connections):
            if 90.0 <= at_s < 92.0:
                continue
            place_s = at_s + 0.3 + offset / 1000
            yield record("bybit", place_s, RecordKind.RECEIVED, told("delta", *changed, at_s), connection)
            if second % 5 == 0:
                body = json.dumps(
                    {"topic": "publicTrade.BTCUSDT", "type": "snapshot", "ts": 1, "data": [trade]}
                ).encode()
                yield record("bybit", place_s + 0.1, RecordKind.RECEIVED, body, connection)
        if at_s + 0.25 in TORN["bybit"]:
            yield record(
                "bybit", at_s + 0.45, RecordKind.RECEIVED, b'{"topic":"orderbook.200.BTCUSDT"', connections[-1]
            )
