"""How venues tell of the true books: pure writers of their frames, in the form of their documents.

Those of Binance, Coinbase and Kraken are the simulated exchange's; the others stand here. Sources: Binance USD-M "Diff.
Book Depth Streams"; Bybit V5 "Orderbook"; OKX V5 "Order book channel"; Bitstamp "WebSocket API v2".
"""

import random
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import partial

from foretick.common.units import NS_PER_MS, NS_PER_US
from foretick.ingest.adapters.binance.connector import FUTURES_RULES
from foretick.ingest.adapters.binance.connector import SPOT_RULES as BINANCE_RULES
from foretick.ingest.adapters.binance.parse import BinanceWire
from foretick.ingest.adapters.bitstamp.connector import RULES as BITSTAMP_RULES
from foretick.ingest.adapters.bitstamp.parse import BitstampWire
from foretick.ingest.adapters.bybit.connector import SPOT_RULES as BYBIT_RULES
from foretick.ingest.adapters.bybit.parse import BybitWire
from foretick.ingest.adapters.coinbase.connector import RULES as COINBASE_RULES
from foretick.ingest.adapters.coinbase.parse import CoinbaseWire
from foretick.ingest.adapters.kraken.connector import rules_of
from foretick.ingest.adapters.kraken.parse import KrakenWire
from foretick.ingest.adapters.okx.connector import SPOT_RULES as OKX_RULES
from foretick.ingest.adapters.okx.parse import OkxWire
from foretick.ingest.domain import exchange_coinbase
from foretick.ingest.domain.exchange_book import Sides, window_changes
from foretick.ingest.domain.exchange_coinbase import CoinbaseInstrumentWire
from foretick.ingest.domain.exchange_kraken import KrakenInstrumentWire
from foretick.ingest.domain.exchange_wire import InstrumentWire
from foretick.ingest.domain.listing import Listing
from foretick.ingest.domain.rules import MarketRules
from foretick.ingest.ports import WireFormat
from foretick.market.book import OrderBook, PriceGrid
from foretick.market.integrity import Anchor
from foretick.market.integrity.checksums import okx_crc32
from foretick.market.simulation import LISTINGS

from ..kraken.v1_frames import text_checksum
from .channel import Damage, break_frame, forge_digit
from .market import FIRST_ID, LOTS_PER_UNIT, TICKS_PER_UNIT, State, TrueBook

GRID = PriceGrid(1 / TICKS_PER_UNIT, 1 / LOTS_PER_UNIT)
ASSETS = ("BTC", "ETH")
SIMULATED = {
    asset: replace(LISTINGS[f"{asset}USDT"], tick_size=Decimal("0.01"), lot_size=Decimal("0.001")) for asset in ASSETS
}

RESTART = 1 / 2_000
"""How often an update begins a new numbering, where a venue does that."""

Levels = Iterable[tuple[int, int]]


@dataclass(frozen=True)
class Venue:
    """What the product brings to a protocol, and what of a book the protocol proves.

    separator: between the assets of a symbol
    proven_levels: levels a side that must be right whenever a book is LIVE; None for all
    levels_between: what stands before and after the levels of an update
    """

    name: str
    rules: MarketRules
    new_wire: Callable[[], WireFormat]
    separator: str = ""
    proven_levels: int | None = None
    levels_between: tuple[bytes, bytes] = (b"", b"")


class Protocol(ABC):
    """Writes the frames of one connection. ``damage`` is the worst that the protocol can see."""

    venue: Venue
    damage: Damage = staticmethod(break_frame)

    @property
    def listings(self) -> list[Listing]:
        return [Listing(f"{base}{self.venue.separator}USDT", base, "USDT", GRID) for base in ASSETS]

    @property
    def is_requested(self) -> bool:
        return self.venue.rules.book.anchor is Anchor.REQUEST

    @property
    def forge(self) -> Damage:
        """Damage that leaves a frame well-formed."""
        begin, end = self.venue.levels_between
        return partial(forge_digit, begin=begin, end=end)

    @abstractmethod
    def change(self, book: TrueBook, at_ns: int, rng: random.Random) -> list[bytes]:
        """Let ``book`` change; return what is sent of it."""

    @abstractmethod
    def full(self, symbol: str, state: State, at_ns: int) -> bytes:
        """Return all of a book: the body of a request, or what its stream begins with."""


class BinanceSpot(Protocol):
    venue = Venue("binance", BINANCE_RULES, lambda: BinanceWire("binance"), levels_between=(b'"b":', b"]}}"))

    def __init__(self) -> None:
        self._wires = {f"{asset}USDT": InstrumentWire(listing) for asset, listing in SIMULATED.items()}

    def change(self, book: TrueBook, at_ns: int, rng: random.Random) -> list[bytes]:
        before = book.id
        bids, asks = book.update(1 + int(rng.random() * 9))
        return [self._wires[book.symbol].depth(at_ns, (before + 1, book.id), bids, asks)]

    def full(self, symbol: str, state: State, at_ns: int) -> bytes:
        return self._wires[symbol].snapshot(state.id, *best_first(state))


class BinanceUsdm(BinanceSpot):
    """An update names the one before it; numbers of other instruments lie between."""

    venue = replace(BinanceSpot.venue, name="binance-usdm", rules=FUTURES_RULES)

    def change(self, book: TrueBook, at_ns: int, rng: random.Random) -> list[bytes]:
        before = book.id
        others, own = int(rng.random() * 20), 1 + int(rng.random() * 9)
        bids, asks = book.update(others + own)
        payload = self._wires[book.symbol].depth(at_ns, (before + others + 1, book.id), bids, asks)
        return [payload.replace(b',"b":', f',"pu":{before},"b":'.encode(), 1)]


class Bybit(Protocol):
    """Now and then the venue's service restarts: number 1, with all of the book."""

    venue = Venue("bybit", BYBIT_RULES, lambda: BybitWire("bybit"), levels_between=(b'"b":', b',"u":'))

    def change(self, book: TrueBook, at_ns: int, rng: random.Random) -> list[bytes]:
        if rng.random() < RESTART:
            book.update(1 - book.id)
            return [self.full(book.symbol, book.state, at_ns)]
        return [self._message("delta", book.symbol, at_ns, book.update(1), book.id)]

    def full(self, symbol: str, state: State, at_ns: int) -> bytes:
        return self._message("snapshot", symbol, at_ns, best_first(state), state.id)

    @staticmethod
    def _message(kind: str, symbol: str, at_ns: int, sides: tuple[Levels, Levels], number: int) -> bytes:
        at_ms = at_ns // NS_PER_MS
        return (
            f'{{"topic":"orderbook.200.{symbol}","type":"{kind}","ts":{at_ms},"data":{{"s":"{symbol}",'
            f'"b":{texts(sides[0])},"a":{texts(sides[1])},"u":{number},"seq":{number}}},"cts":{at_ms}}}'
        ).encode()


class Okx(Protocol):
    """As today, without checksums; a hundredth of the messages only say that nothing changed.

    Now and then, as after maintenance, numbers begin anew, lower.
    """

    venue = Venue("okx", OKX_RULES, lambda: OkxWire("okx"), "-", levels_between=(b'"asks"', b',"ts"'))
    _QUIET = 1 / 100
    _LOWER_BY = 1_000_000

    def __init__(self) -> None:
        self._runs: dict[str, int] = {}

    def change(self, book: TrueBook, at_ns: int, rng: random.Random) -> list[bytes]:
        before, grows_by = book.id, 1 + int(rng.random() * 40)
        if rng.random() < RESTART:
            self._runs[book.symbol] = run = self._runs.get(book.symbol, 0) + 1
            grows_by = FIRST_ID - run * self._LOWER_BY - book.id
        sides = book.update(grows_by)
        sent = [self._message("update", book.symbol, at_ns, sides, (before, book.state))]
        if rng.random() < self._QUIET:
            sent.append(self._message("update", book.symbol, at_ns, ((), ()), (book.id, book.state)))
        return sent

    def full(self, symbol: str, state: State, at_ns: int) -> bytes:
        return self._message("snapshot", symbol, at_ns, best_first(state), (-1, state))

    def _message(
        self, action: str, symbol: str, at_ns: int, sides: tuple[Levels, Levels], after: tuple[int, State]
    ) -> bytes:
        before, state = after
        bids, asks = (texts(side, ',"0","1"') for side in sides)
        return (
            f'{{"arg":{{"channel":"books","instId":"{symbol}"}},"action":"{action}","data":[{{"asks":{asks},'
            f'"bids":{bids},"ts":"{at_ns // NS_PER_MS}","checksum":{self._checksum(state)},"seqId":{state.id},'
            f'"prevSeqId":{before}}}]}}'
        ).encode()

    def _checksum(self, state: State) -> int:
        return 0


class OkxWithChecksums(Okx):
    """As until 2026-06-23, with a checksum of the 25 best levels: wrong digits in those must be seen."""

    venue = replace(Okx.venue, name="okx, checksums", proven_levels=25)

    @property
    def damage(self) -> Damage:
        return either(self.forge)

    def _checksum(self, state: State) -> int:
        book = OrderBook(GRID)
        bids, asks = ([(t / TICKS_PER_UNIT, q / LOTS_PER_UNIT) for t, q in side] for side in best_first(state))
        book.apply_snapshot(bids, asks)
        return okx_crc32(book)


class Coinbase(Protocol):
    """Every message has the next number of the connection, whichever book it is about."""

    venue = Venue(
        "coinbase", COINBASE_RULES, lambda: CoinbaseWire("coinbase"), "-", levels_between=(b'"updates"', b"]}]}")
    )

    def __init__(self) -> None:
        self._number = -1
        self._wires = {wire.symbol: wire for wire in map(CoinbaseInstrumentWire, SIMULATED.values())}

    def change(self, book: TrueBook, at_ns: int, rng: random.Random) -> list[bytes]:
        bids, asks = book.update(1)
        return [self._message(self._wires[book.symbol].book(at_ns, bids, asks, is_snapshot=False), at_ns)]

    def full(self, symbol: str, state: State, at_ns: int) -> bytes:
        return self._message(self._wires[symbol].book(at_ns, *best_first(state), is_snapshot=True), at_ns)

    def _message(self, events: bytes, at_ns: int) -> bytes:
        self._number += 1
        return exchange_coinbase.message(exchange_coinbase.BOOK_CHANNEL, at_ns, self._number, events)


class Kraken(Protocol):
    """The 25 best levels are told, and the checksum of the ten best: wrong digits in those must be seen.

    The checksum is made here, of the printed text: the exchange's own is that of the product, which is under test.
    """

    _DEPTH, _CHECKED = 25, 10
    venue = Venue("kraken", rules_of(_DEPTH), lambda: KrakenWire("kraken"), "/", _CHECKED, (b'"bids"', b',"checksum"'))

    def __init__(self) -> None:
        self._told: dict[str, Sides] = {}
        self._wires = {wire.symbol: wire for wire in map(KrakenInstrumentWire, SIMULATED.values())}

    @property
    def damage(self) -> Damage:
        return either(self.forge)

    def change(self, book: TrueBook, at_ns: int, rng: random.Random) -> list[bytes]:
        changes, before = book.update(1), self._told[book.symbol]
        after = self._told[book.symbol] = self._window(book.state)
        bids, asks = (window_changes(*each) for each in zip(before, after, changes, strict=True))
        return [self._message(book.symbol, at_ns, (bids, asks), is_snapshot=False)] if bids or asks else []

    def full(self, symbol: str, state: State, at_ns: int) -> bytes:
        window = self._told[symbol] = self._window(state)
        return self._message(symbol, at_ns, window, is_snapshot=True)

    def _window(self, state: State) -> Sides:
        bids, asks = (side[: self._DEPTH] for side in best_first(state))
        return bids, asks

    def _message(self, symbol: str, at_ns: int, sides: Sides, *, is_snapshot: bool) -> bytes:
        checked = [[[price(t), qty(q)] for t, q in side] for side in self._told[symbol]]
        return self._wires[symbol].book(at_ns, sides, text_checksum(*checked), is_snapshot=is_snapshot)


class Bitstamp(Protocol):
    """Each message is the whole book, with its time for a number."""

    venue = Venue("bitstamp", BITSTAMP_RULES, lambda: BitstampWire("bitstamp"), levels_between=(b'"bids"', b"},"))

    def change(self, book: TrueBook, at_ns: int, rng: random.Random) -> list[bytes]:
        book.update(at_ns // NS_PER_US - book.id)
        return [self.full(book.symbol, book.state, at_ns)]

    def full(self, symbol: str, state: State, at_ns: int) -> bytes:
        bids, asks = map(texts, best_first(state))
        return (
            f'{{"data":{{"timestamp":"{state.id // 1_000_000}","microtimestamp":"{state.id}","bids":{bids},'
            f'"asks":{asks}}},"channel":"order_book_{symbol}","event":"data"}}'
        ).encode()


def best_first(state: State) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
    """Return the sides of a book, best first."""
    return sorted(state.bids.items(), reverse=True), sorted(state.asks.items())


def texts(levels: Levels, rest: str = "") -> str:
    """Return levels as lists of decimal text, with ``rest`` after price and quantity."""
    rows = [f'["{price(t)}","{qty(q)}"{rest}]' for t, q in levels]
    return f"[{','.join(rows)}]"


def price(ticks: int) -> str:
    """Return a price as decimal text."""
    return f"{ticks // 100}.{ticks % 100:02d}"


def qty(lots: int) -> str:
    """Return a quantity as decimal text."""
    return f"{lots // 1000}.{lots % 1000:03d}"


def either(forge: Damage) -> Damage:
    """Return damage that breaks one half of the frames and leaves the other well-formed."""
    return lambda payload, rng: (break_frame if rng.random() < 0.5 else forge)(payload, rng)


PROTOCOLS: dict[str, Callable[[], Protocol]] = {
    kind.venue.name: kind
    for kind in (BinanceSpot, BinanceUsdm, Coinbase, Kraken, Bybit, Okx, OkxWithChecksums, Bitstamp)
}
