"""What comes beside a venue's main connections: streams without a book, and answers to polls."""

import asyncio
from dataclasses import dataclass, field

import structlog

from foretick.common.errors import Malformed, Refused, RetryLater, Transient
from foretick.common.testing.fakes import ManualClock
from foretick.common.testing.waiting import eventually
from foretick.ingest.adapters.binance.connector import FUTURES_RULES
from foretick.ingest.adapters.binance.parse import BinanceWire
from foretick.ingest.adapters.connections.polls import Poll, RestPolls
from foretick.ingest.adapters.connections.side import AllConnections, FollowedTogether, SideReceiver
from foretick.ingest.domain.events import Received
from foretick.ingest.domain.venue_reach import Reach

LOG = structlog.get_logger()
T0 = 1_800_000_000_000_000_000


def trade(trade_id: int) -> bytes:
    return (
        b'{"stream":"btcusdt@aggTrade","data":{"e":"aggTrade","a":%d,"s":"BTCUSDT","p":"100.00","q":"1.0",'
        b'"T":1800000000000,"m":false}}' % trade_id
    )


def forced(at_ms: int, qty: str = "1.0") -> bytes:
    return b'{"stream":"btcusdt@forceOrder","data":{"o":{"s":"BTCUSDT","S":"SELL","q":"%s","p":"99.00","T":%d}}}' % (
        qty.encode(),
        at_ms,
    )


def received(*payloads: bytes, connection: int = 1) -> list[Received]:
    return [Received(T0 + 1, payload, None, connection) for payload in payloads]


@dataclass
class Main:
    """A ``FrameReceiver`` that keeps what it is told."""

    frames: list[Received] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)

    def on_frames(self, batch) -> None:
        self.frames += batch

    def on_connected(self, symbols, connection) -> None:
        self.calls.append("connected")

    def on_disconnected(self, symbols, connection, reason) -> None:
        self.calls.append("disconnected")


def test_side_connection_touches_no_book():
    main = Main()
    side = SideReceiver(main)
    side.on_connected(["BTCUSDT"], 1)
    side.on_frames(received(trade(1)))
    side.on_disconnected(["BTCUSDT"], 1, "cut")
    assert main.calls == []
    assert main.frames == received(trade(1), connection=0)


def test_side_connection_that_is_replaced_brings_nothing_twice_and_loses_nothing():
    main = Main()
    side = SideReceiver(main)
    side.on_frames(received(trade(1), forced(1), trade(2)))
    side.on_replaced(["BTCUSDT"], 1, received(forced(1), trade(2), trade(3), forced(2), connection=2))
    assert [frame.payload for frame in main.frames] == [trade(1), forced(1), trade(2), trade(3), forced(2)]


def test_main_connection_that_is_replaced_tells_no_liquidation_twice(new_feed):
    feed = new_feed(rules=FUTURES_RULES, wire=BinanceWire("binance-usdm"))
    feed.handler.on_time(T0)
    feed.handler.on_connected(["BTCUSDT"], 1)
    feed.handler.on_frames(received(forced(1), forced(2), forced(2)))
    feed.handler.on_replaced(["BTCUSDT"], 1, received(forced(2), forced(3), forced(3, "2.0"), connection=2))
    forced_orders = [event[3] for _, event in feed.outlet.numbered() if isinstance(event, tuple) and event[0] == "L"]
    assert [qty for _, qty, _ in forced_orders] == [1.0, 1.0, 1.0, 1.0, 2.0]  # two alike on one connection are two


def test_all_parts_follow_together():
    @dataclass
    class Part:
        symbols: set[str] = field(default_factory=set)

        def follow(self, symbols) -> None:
            self.symbols |= set(symbols)

        def leave(self, symbols) -> None:
            self.symbols -= set(symbols)

    parts = Part(), Part()
    together = FollowedTogether(*parts)
    together.follow(["A", "B"])
    together.leave(["A"])
    assert [part.symbols for part in parts] == [{"B"}, {"B"}]


class Pool:
    """Connections that count what is asked of them."""

    def __init__(self, reach: Reach) -> None:
        self.told = reach
        self.asked: list[str] = []

    def reach(self) -> Reach:
        return self.told

    def roll_over(self) -> None:
        self.asked.append("roll over")

    def request_snapshot(self, symbol) -> None:
        self.asked.append(symbol)

    def symbols_of(self, connection):
        return [f"on {connection}"]


def test_venue_that_is_about_to_close_its_connections_means_them_all():
    main, side = Pool(Reach(2, 2, 5, 3, 1, 1, 7)), Pool(Reach(1, 0, 5, 2, 2, 0, 0))
    every = AllConnections(main, [side])
    every.roll_over()
    every.request_snapshot("BTCUSDT")
    assert (main.asked, side.asked) == (["roll over", "BTCUSDT"], ["roll over"])
    assert every.symbols_of(2) == ["on 2"]
    assert every.reach() == Reach(3, 2, 5, 5, 3, 1, 7)


class Asked:
    """Answers a poll; fails as often as it is told to."""

    def __init__(self, *failures: Exception) -> None:
        self.symbols: list[str] = []
        self.failures = list(failures)

    async def __call__(self, symbol: str) -> bytes:
        self.symbols.append(symbol)
        if self.failures:
            raise self.failures.pop(0)
        return symbol.encode()


def polls_of(asked: Asked, every_s: float = 0.002, gap_s: float = 0.0) -> tuple[RestPolls, list[Received]]:
    answers: list[Received] = []
    return RestPolls(Poll(asked, every_s, gap_s), answers.extend, ManualClock(T0), LOG), answers


async def test_each_followed_symbol_is_asked_about_in_turn():
    asked = Asked()
    polls, answers = polls_of(asked)
    task = asyncio.ensure_future(polls.run())
    polls.follow(["A", "B"])
    polls.follow(["B", "C"])
    await eventually(lambda: len(answers) >= 6)
    task.cancel()
    assert sorted(asked.symbols[:3]) == sorted(asked.symbols[3:6]) == ["A", "B", "C"]
    assert answers[0] == Received(T0, asked.symbols[0].encode(), asked.symbols[0])


async def test_symbol_that_is_left_is_not_asked_about_any_more():
    asked = Asked()
    polls, answers = polls_of(asked)
    task = asyncio.ensure_future(polls.run())
    polls.follow(["A", "B"])
    await eventually(lambda: len(answers) >= 2)
    polls.leave(["A"])
    before = len(asked.symbols)
    await eventually(lambda: len(asked.symbols) >= before + 4)
    task.cancel()
    assert set(asked.symbols[before + 1 :]) == {"B"}


async def test_trouble_is_tried_again_in_its_turn_and_a_refusal_is_not():
    asked = Asked(Transient("away"), RetryLater("too often", 0.01), Malformed("venue", "HTTP 404"), Refused("-1", "no"))
    polls, answers = polls_of(asked)
    task = asyncio.ensure_future(polls.run())
    polls.follow(["A"])
    await eventually(lambda: len(asked.symbols) == 4)
    polls.follow(["A", "B"])
    await eventually(lambda: len(answers) >= 3)
    task.cancel()
    assert polls.failures == 3
    assert {answer.symbol for answer in answers} == {"B"}


async def test_pace_is_bounded_however_many_symbols_are_followed():
    seconds = asyncio.get_running_loop().time
    asked = Asked()
    polls, answers = polls_of(asked, every_s=0.0, gap_s=0.02)
    polls.follow([str(number) for number in range(1000)])
    began_s = seconds()
    task = asyncio.ensure_future(polls.run())
    await eventually(lambda: len(answers) >= 6)
    task.cancel()
    assert seconds() - began_s >= 5 * 0.02
