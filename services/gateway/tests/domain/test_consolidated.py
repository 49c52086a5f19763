"""The ``consolidated`` channel: pairs found by instruments, states that skip, other processes."""

from collections.abc import Callable
from typing import Any

from foretick.common.testing.builders import T0_NS, consolidated_quote, instrument
from foretick.common.testing.fakes import ManualClock
from foretick.common.units import NS_PER_MS
from foretick.gateway.domain.board import Board

Connect = Callable[..., Any]
SUBSCRIBE = {"action": "subscribe", "symbols": ["BTCUSDT"], "channels": ["consolidated"]}


def fold(board: Board, *messages: Any, at_ns: int = T0_NS) -> None:
    for message in messages:
        board.fold(message, at_ns)
    board.publish()


def later(ms: int, **fields: Any) -> Any:
    return consolidated_quote(ts_ns=T0_NS + ms * NS_PER_MS, **fields)


def test_subscriber_by_instrument_gets_the_pair_then_its_changes(board: Board, connect: Connect, clock: ManualClock):
    fold(board, consolidated_quote())
    client = connect()
    clock.advance(40 * NS_PER_MS)
    ack, first = client.ask(SUBSCRIBE)
    assert (ack["type"], ack["channels"], ack["symbols"]) == (
        "ack", ["consolidated"], [{"venue": "sim", "symbol": "BTCUSDT"}],
    )  # fmt: skip
    assert (first["type"], first["channel"], first["venue"], first["symbol"]) == (
        "snapshot", "consolidated", "*", "BTC-USDT",
    )  # fmt: skip
    assert (first["epoch"], first["seq"], first["age_us"]) == (0, T0_NS // 1000, 40_000)
    data = first["data"]
    assert (data["base"], data["quote"], data["origin"], data["ts_recv_us"]) == ("BTC", "USDT", "live", T0_NS // 1000)
    assert (data["bid_venue"], data["bid"], data["ask_venue"], data["ask"]) == ("b", 99.99, "b", 100.01)
    assert [(each["venue"], each["is_used"], each["is_outlier"]) for each in data["venues"]] == [
        ("a", True, False), ("b", True, False),
    ]  # fmt: skip
    fold(board, later(100, bid=99.995))
    (delta,) = client.take()
    assert (delta["type"], delta["prev"], delta["data"]["bid"]) == ("delta", first["seq"], 99.995)


def test_two_instruments_of_a_pair_are_one_topic(board: Board, connect: Connect):
    fold(board, instrument(venue="binance", aliases=["BTC-USDT"]), consolidated_quote())
    ack, *states = connect().ask({**SUBSCRIBE, "symbols": ["sim:BTCUSDT", "binance:BTCUSDT", "BTC-USDT"]})
    assert ack["type"] == "ack"
    assert [state["type"] for state in states] == ["snapshot"]


def test_pair_without_a_quote_sends_its_first_when_it_comes(board: Board, connect: Connect):
    client = connect()
    assert [message["type"] for message in client.ask(SUBSCRIBE)] == ["ack"]
    fold(board, consolidated_quote())
    assert [message["type"] for message in client.take()] == ["snapshot"]


def test_instrument_that_is_not_listed_has_no_pair_yet(board: Board, connect: Connect):
    client = connect()
    (error,) = client.ask({**SUBSCRIBE, "symbols": ["ETHUSDT"]})
    assert (error["type"], error["code"]) == ("error", "not_available")
    (ack,) = client.ask({"action": "unsubscribe", "symbols": ["ETHUSDT"]})
    assert ack["type"] == "ack"


def test_unsubscribing_from_a_symbol_ends_its_pair_too(board: Board, connect: Connect):
    client = connect()
    client.ask(SUBSCRIBE)
    client.ask({"action": "unsubscribe", "symbols": ["BTCUSDT"]})
    fold(board, consolidated_quote())
    assert client.take() == []


def test_quote_that_is_not_newer_changes_nothing(board: Board, connect: Connect):
    """Two processes may tell of a pair for a moment, when one takes over from the other."""
    fold(board, later(200))
    client = connect()
    client.ask(SUBSCRIBE)
    fold(board, later(100, bid=1.0), later(200, bid=2.0))
    assert client.take() == []
    assert board.pairs.view(("BTC", "USDT")).data.bid == 99.99


def test_client_goes_on_where_another_process_left_it(board: Board, connect: Connect):
    fold(board, later(0), later(100), later(200))
    point = {"epoch": 0, "seq": (T0_NS + 100 * NS_PER_MS) // 1000}
    ack, delta = connect().ask({**SUBSCRIBE, "since": {"consolidated:*:BTC-USDT": point}})
    assert ack["resumed"] == ["consolidated:*:BTC-USDT"]
    assert (delta["type"], delta["prev"]) == ("delta", point["seq"])


def test_restored_quote_of_another_run_is_left_out(board: Board):
    board.restore([consolidated_quote(run_id="another")])
    assert board.pairs.view(("BTC", "USDT")).data is None
    board.restore([consolidated_quote()])
    assert board.pairs.view(("BTC", "USDT")).data is not None
