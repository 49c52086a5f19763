"""OKX's capture of 2022, and how its messages are read without the product.

The capture is of before updates were numbered, and of when each had a checksum: it is read by its checksums alone; then
with the numbers that the venue sends today beside its checksums; and as today, where the checksum is 0. Numbers are put
in by the venue's documents: an update names the one before it, ids skip, a message without a change repeats its number,
and after maintenance ids begin anew, lower.

Source: OKX V5 "Order book channel" (with "Sequence ID"), "Trades channel".
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial

from foretick.common.contracts import BookProof
from foretick.common.errors import Malformed
from foretick.ingest.adapters.okx.connector import BOOK, SPOT_RULES, SWAP_RULES
from foretick.ingest.adapters.okx.parse import OkxWire
from foretick.ingest.adapters.okx.parse_listings import parse_instruments
from foretick.ingest.domain.events import Parsed, Received
from foretick.market.integrity import Unnumbered

from ..conformance.captures import captured, request_body
from ..conformance.source import Level, Source, VenueBook, with_json_level
from ..conformance.told import BookTold, Told, TradeTold

FILE = "OKX.jsonl.zst"
BY_CHECKSUM = replace(BOOK, chain=Unnumbered(), proof=BookProof.CHECKSUM)
"""How books were proven in 2022."""

_ALWAYS_THERE = b'"checksum":'
_RESET_AT = 60
_QUIET_EVERY = 25


class WireOf2022(OkxWire):
    """Reads what the capture holds: books without numbers, which the connector refuses, get equal ones."""

    def parse(self, payload: bytes) -> Sequence[Parsed]:
        """Return what a frame says."""
        try:
            return super().parse(payload.replace(_ALWAYS_THERE, b'"seqId":0,"prevSeqId":0,' + _ALWAYS_THERE))
        except Malformed as error:
            raise Malformed(error.source, error.reason, payload) from None


def _levels(levels: list[list[str]]) -> dict[float, float]:
    return {float(level[0]): float(level[1]) for level in levels}


def read(frame: Received) -> Sequence[Told]:
    """Return what one frame says."""
    message = json.loads(frame.payload)
    data = message.get("data", [])
    symbol = message.get("arg", {}).get("instId", "")
    match message.get("arg", {}).get("channel"):
        case "books":
            return [
                BookTold(
                    symbol, _levels(each["bids"]), _levels(each["asks"]), message["action"] == "snapshot",
                    each.get("seqId", 0), each["checksum"] != 0,
                )
                for each in data
            ]  # fmt: skip
        case "trades":
            return [
                TradeTold(symbol, float(t["px"]), float(t["sz"]), {"buy": 1, "sell": -1}[t["side"]], int(t["tradeId"]))
                for t in data
            ]
        case _:
            return []


def with_level(payload: bytes, side: str, price: Level, qty: Level) -> bytes:
    """Return a book message with one more level."""
    return with_json_level(payload, ("data", 0, side), [price, qty, "0", "1"])


def with_checksum(payload: bytes, checksum: int) -> bytes:
    """Return a book message with another checksum."""
    message = json.loads(payload)
    message["data"][0]["checksum"] = checksum
    return json.dumps(message).encode()


def full_books(books: Mapping[str, VenueBook], at: Received) -> Sequence[Received]:
    """Return what the channels begin with when they are subscribed to anew; with its number where it has one."""
    frames: list[Received] = []
    for symbol, book in books.items():
        sides = [[[f"{p:.10f}", f"{q:.10f}", "0", "1"] for p, q in side.items()] for side in (book.bids, book.asks)]
        data = {"bids": sides[0], "asks": sides[1], "ts": str(at.recv_ns // 1_000_000), "checksum": 0}
        data |= {"seqId": book.id, "prevSeqId": -1} if book.id else {}
        message = {"arg": {"channel": "books", "instId": symbol}, "action": "snapshot", "data": [data]}
        frames.append(Received(at.recv_ns, json.dumps(message).encode(), None, at.connection))
    return frames


def numbered(frames: Sequence[Received], *, has_checksums: bool) -> list[Received]:
    """Return ``frames`` with the numbers that the venue sends today."""
    last: dict[str, int] = {}
    counts: dict[str, int] = {}
    result: list[Received] = []
    for frame in frames:
        message = json.loads(frame.payload)
        if message.get("arg", {}).get("channel") != "books" or "data" not in message:
            result.append(frame)
            continue
        symbol = message["arg"]["instId"]
        counts[symbol] = count = counts.get(symbol, 0) + 1
        for each in message["data"]:
            before = last.get(symbol, 1_000_000)
            each["prevSeqId"] = -1 if message["action"] == "snapshot" else before
            last[symbol] = each["seqId"] = 1_000 + count if count == _RESET_AT else before + 7 + count % 40
            each["checksum"] *= has_checksums
        result.append(frame._replace(payload=json.dumps(message).encode()))
        if count % _QUIET_EVERY == 0:
            result.append(_unchanged(frame, symbol, last[symbol], message["data"][-1]))
    return result


def _unchanged(frame: Received, symbol: str, number: int, last: dict) -> Received:
    """Return what the venue sends of a book that has not changed for a minute."""
    data = {
        "asks": [],
        "bids": [],
        "ts": last["ts"],
        "checksum": last["checksum"],
        "seqId": number,
        "prevSeqId": number,
    }
    message = {"arg": {"channel": "books", "instId": symbol}, "action": "update", "data": [data]}
    return frame._replace(payload=json.dumps(message).encode())


def _source(name: str, kinds: Sequence[str], frames: Sequence[Received]) -> Source:
    venue = "okx" if kinds == ("SPOT",) else "okx-swap"
    rules = SPOT_RULES if venue == "okx" else SWAP_RULES
    listed = [
        listing for kind in kinds for listing in parse_instruments(request_body(FILE, f"instType={kind}$"), venue)
    ]
    followed = {told.symbol for frame in frames for told in read(frame)}
    listings = [each for each in listed if each.symbol in followed]
    known = {each.symbol for each in listings}
    frames = [frame for frame in frames if json.loads(frame.payload).get("arg", {}).get("instId") in known]
    return Source(
        name, rules, lambda: OkxWire(venue), listings, frames, read, with_level, full_books, with_checksum,
        ignored=frozenset({"tickers"}), kept_levels=400,
    )  # fmt: skip


def _by_checksum(kinds: Sequence[str]) -> Source:
    source = _source(f"captured okx {kinds[0]} of 2022", kinds, captured(FILE, lambda url: None))
    venue = "okx" if kinds == SPOT else "okx-swap"
    rules = replace(source.rules, book=BY_CHECKSUM)
    return replace(source, rules=rules, new_wire=lambda: WireOf2022(venue))


def _numbered(kinds: Sequence[str], has_checksums: bool) -> Source:
    frames = numbered(captured(FILE, lambda url: None), has_checksums=has_checksums)
    source = _source(f"captured okx {kinds[0]}, numbered", kinds, frames)
    return source if has_checksums else replace(source, with_checksum=None)


SPOT, CONTRACTS = ("SPOT",), ("SWAP", "FUTURES")

SOURCES: dict[str, Callable[[], Source]] = {
    "captured okx SPOT of 2022": partial(_by_checksum, SPOT),
    "captured okx SWAP of 2022": partial(_by_checksum, CONTRACTS),
    "captured okx SPOT, numbered": partial(_numbered, SPOT, False),
    "captured okx SWAP, numbered": partial(_numbered, CONTRACTS, True),
}

CAPTURES = {FILE: ("OKX V5 of 2022", tuple(SOURCES.values())[:2])}
