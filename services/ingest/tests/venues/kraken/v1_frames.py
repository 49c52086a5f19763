"""What a client of Kraken's WebSocket v1 wrote down, told in the words of v2: books, trades, and real checksums.

Both versions make a checksum in the same way of what they print; v1 prints more digits of some prices. v1 sends none
with a snapshot and no id with a trade: those are made here, the checksum from the printed text.
"""

import json
import zlib
from collections.abc import Iterable
from datetime import UTC, datetime

from foretick.ingest.domain.listing import Listing, plain_asset
from foretick.market.book import PriceGrid

_LEVELS = 10


def v2_name(pair: str) -> str:
    return "/".join(plain_asset(asset) for asset in pair.split("/"))


def listings_of(payloads: Iterable[bytes]) -> list[Listing]:
    """Return the listings of the books in frames of v1, as fine as their printed digits."""
    digits: dict[str, tuple[int, int]] = {}
    for payload in payloads:
        message = json.loads(payload)
        if _channel(message).startswith("book"):
            for price, qty, *_ in _levels(message, "a") + _levels(message, "b"):
                digits[message[-1]] = len(price.partition(".")[2]), len(qty.partition(".")[2])
    return [
        Listing(v2_name(pair), *v2_name(pair).split("/"), PriceGrid(float(f"1e-{tick}"), float(f"1e-{lot}")))
        for pair, (tick, lot) in sorted(digits.items())
    ]


def text_checksum(bids: list[list[str]], asks: list[list[str]]) -> int:
    """The checksum of the best levels, from their text."""
    best = sorted(asks, key=lambda level: float(level[0]))[:_LEVELS]
    best += sorted(bids, key=lambda level: -float(level[0]))[:_LEVELS]
    return zlib.crc32("".join(_stripped(text) for level in best for text in level[:2]).encode())


class V1Teller:
    """Tells frames of v1 as frames of v2, in their order."""

    def __init__(self) -> None:
        self._trades: dict[str, int] = {}

    def tell(self, payload: bytes) -> bytes | None:
        """Return the frame of v2, or None for one that has no counterpart here."""
        message = json.loads(payload)
        channel = _channel(message)
        if channel == "heartbeat":
            return b'{"channel":"heartbeat"}'
        if channel.startswith("book"):
            return _book(message)
        return self._trade(message) if channel == "trade" else None

    def _trade(self, message: list) -> bytes:
        trades = []
        for price, qty, time, side, kind, _ in message[1]:
            trade_id = self._trades[message[-1]] = self._trades.get(message[-1], 0) + 1
            trades.append(
                f'{{"symbol":"{v2_name(message[-1])}","side":"{"buy" if side == "b" else "sell"}","price":{price},'
                f'"qty":{qty},"ord_type":"{"limit" if kind == "l" else "market"}","trade_id":{trade_id},'
                f'"timestamp":"{_moment(time)}"}}'
            )
        return f'{{"channel":"trade","type":"update","data":[{",".join(trades)}]}}'.encode()


def _book(message: list) -> bytes:
    bids, asks = _levels(message, "b"), _levels(message, "a")
    is_snapshot = "as" in message[1]
    checksum = text_checksum(bids, asks) if is_snapshot else next(part["c"] for part in message[1:] if "c" in part)
    sides = ['"bids":[' + ",".join(map(_level, bids)) + "]", '"asks":[' + ",".join(map(_level, asks)) + "]"]
    latest = max(float(level[2]) for level in bids + asks)
    return (
        f'{{"channel":"book","type":"{"snapshot" if is_snapshot else "update"}","data":[{{'
        f'"symbol":"{v2_name(message[-1])}",{sides[0]},{sides[1]},"checksum":{checksum},"timestamp":"{_moment(latest)}"}}]}}'
    ).encode()


def _level(level: list[str]) -> str:
    return f'{{"price":{level[0]},"qty":{level[1]}}}'


def _levels(message: list, side: str) -> list[list[str]]:
    return [level for part in message[1:-2] for key in (side, f"{side}s") for level in part.get(key, ())]


def _channel(message: object) -> str:
    return message[-2] if isinstance(message, list) else message["event"]


def _stripped(text: str) -> str:
    return text.replace(".", "").lstrip("0")


def _moment(seconds: str | float) -> str:
    return datetime.fromtimestamp(float(seconds), UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
