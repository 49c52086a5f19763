"""Frames of Binance spot about BTCUSDT, as a feed receives them."""

import json

from foretick.ingest.domain.events import Received

T0 = 1_800_000_000_000_000_000
S = 1_000_000_000
MS = 1_000_000


def trade(trade_id: int, at_ns: int = T0) -> Received:
    data = {"e": "trade", "s": "BTCUSDT", "t": trade_id, "p": "100.00", "q": "1.0", "T": at_ns // MS, "m": False}
    return Received(at_ns, json.dumps({"stream": "btcusdt@trade", "data": data}).encode())


def quote(update_id: int, at_ns: int = T0, bid: str = "99.00", bid_qty: str = "1.0") -> Received:
    data = {"u": update_id, "s": "BTCUSDT", "b": bid, "B": bid_qty, "a": "101.00", "A": "2.0"}
    return Received(at_ns, json.dumps({"stream": "btcusdt@bookTicker", "data": data}).encode())


def depth(first: int, last: int, at_ns: int = T0, bids=(), asks=()) -> Received:
    data = {
        "e": "depthUpdate",
        "E": at_ns // MS,
        "s": "BTCUSDT",
        "U": first,
        "u": last,
        "b": list(bids),
        "a": list(asks),
    }
    return Received(at_ns, json.dumps({"stream": "btcusdt@depth@100ms", "data": data}).encode())


def book(last_id: int, at_ns: int = T0) -> Received:
    body = {"lastUpdateId": last_id, "bids": [["99.00", "1.0"]], "asks": [["101.00", "2.0"]]}
    return Received(at_ns, json.dumps(body).encode(), "BTCUSDT")
