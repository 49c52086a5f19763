"""Connections to the exchange in the protocols of Coinbase and Kraken: what is asked, answered, refused and counted."""

import json

import pytest

from foretick.ingest.domain.exchange import Exchange
from foretick.ingest.domain.exchange_faults import Fault, FaultKind, SimVenue
from foretick.ingest.domain.exchange_sessions import CoinbaseSession, KrakenSession
from foretick.market.simulation import SimulatedMarket

SECOND_NS = 1_000_000_000


@pytest.fixture
def exchange() -> Exchange:
    exchange = Exchange(SimulatedMarket(("BTCUSDT", "AAPL"), 5, 0))
    exchange.advance_to(SECOND_NS, SimVenue)
    return exchange


def told(payloads: list[bytes]) -> list[dict]:
    return [json.loads(payload) for payload in payloads]


def ask(session, now_ns: int = SECOND_NS, **request: object) -> list[dict]:
    return told(session.answer(json.dumps(request), now_ns))


def coinbase_ask(session, kind: str, channel: str, *names: str) -> list[dict]:
    return ask(session, type=kind, channel=channel, product_ids=list(names))


def kraken_ask(session, method: str, **params: object) -> list[dict]:
    return ask(session, method=method, params=params)


def test_coinbase_counts_all_messages_of_a_connection_and_a_lost_one(exchange: Exchange):
    session = CoinbaseSession(exchange.coinbase)
    first = coinbase_ask(session, "subscribe", "heartbeats") + coinbase_ask(session, "subscribe", "level2", "BTC-USDT")
    assert [each["channel"] for each in first] == ["subscriptions", "l2_data", "subscriptions"]
    assert first[-1]["events"] == [{"subscriptions": {"heartbeats": ["heartbeats"], "level2": ["BTC-USDT"]}}]
    calm = told(session.take(exchange.advance_to(2 * SECOND_NS, SimVenue)) + session.on_time(2 * SECOND_NS))
    assert calm[-1]["channel"] == "heartbeats"
    numbers = [each["sequence_num"] for each in first + calm]
    assert numbers == list(range(len(numbers)))
    exchange.inject(Fault(2 * SECOND_NS, FaultKind.GAP, "BTC-USDT", SimVenue.COINBASE))
    after = [each["sequence_num"] for each in told(session.take(exchange.advance_to(3 * SECOND_NS, SimVenue)))]
    assert after == list(range(numbers[-1] + 2, numbers[-1] + 2 + len(after)))


def test_coinbase_swaps_the_numbers_of_updates_that_change_places(exchange: Exchange):
    session = CoinbaseSession(exchange.coinbase)
    coinbase_ask(session, "subscribe", "level2", "BTC-USDT")
    exchange.inject(Fault(SECOND_NS, FaultKind.REORDER, "BTCUSDT", SimVenue.COINBASE))
    exchange.inject(Fault(SECOND_NS, FaultKind.DUPLICATE, "BTCUSDT", SimVenue.COINBASE))
    numbers = [each["sequence_num"] for each in told(session.take(exchange.advance_to(3 * SECOND_NS, SimVenue)))]
    # Snapshot 0 and subscriptions 1 came before. The repeat comes first, of the two that wait it is taken first.
    assert numbers[:5] == [2, 2, 4, 3, 5]


@pytest.mark.parametrize(
    ("request_text", "reason"),
    [
        ('{"type":"subscribe","channel":"level2","product_ids":["X-Y"]}', "X-Y is not a valid product"),
        ('{"type":"subscribe","channel":"level2"}', "level2 needs product_ids"),
        ('{"type":"subscribe","channel":"user"}', "user is not a valid channel"),
        ('{"type":"order","channel":"level2"}', "order is not a type of request"),
    ],
)
def test_coinbase_refuses_without_a_number_and_changes_nothing(exchange: Exchange, request_text: str, reason: str):
    session = CoinbaseSession(exchange.coinbase)
    (refusal,) = told(session.answer(request_text, SECOND_NS))
    assert (refusal["type"], refusal["reason"]) == ("error", reason)
    assert session.streams == set()


@pytest.mark.parametrize("junk", ["junk", "[]", b"\xff", '{"type":5}'])
def test_junk_is_refused_by_both(exchange: Exchange, junk: str | bytes):
    assert told(CoinbaseSession(exchange.coinbase).answer(junk, 0))[0]["type"] == "error"
    assert told(KrakenSession(exchange.kraken).answer(junk, 0))[0]["success"] is False


def test_kraken_answers_each_symbol_and_then_sends_its_book(exchange: Exchange):
    session = KrakenSession(exchange.kraken)
    assert told(session.opening())[0]["channel"] == "status"
    answers = kraken_ask(session, "subscribe", channel="book", symbol=["BTC/USDT", "X/Y"], depth=10)
    assert [each.get("success", each.get("type")) for each in answers] == [True, "snapshot", False]
    assert answers[0]["result"] == {"channel": "book", "symbol": "BTC/USDT", "depth": 10, "snapshot": True}
    assert [len(answers[1]["data"][0][side]) for side in ("bids", "asks")] == [10, 10]
    assert kraken_ask(session, "subscribe", channel="book", symbol=["BTC/USDT"], depth=10)[0]["success"] is False
    assert told(session.on_time(2 * SECOND_NS)) == [{"channel": "heartbeat"}]
    assert kraken_ask(session, "unsubscribe", channel="book", symbol=["BTC/USDT"], depth=10)[0]["success"] is True
    assert session.take(exchange.advance_to(2 * SECOND_NS, SimVenue)) == []
    assert kraken_ask(session, "ping")[0]["method"] == "pong"


@pytest.mark.parametrize(
    "params", [{"channel": "book", "symbol": ["BTC/USDT"], "depth": 7}, {"channel": "book"}, {"channel": "level3"}]
)
def test_kraken_refuses_what_it_does_not_have(exchange: Exchange, params: dict):
    session = KrakenSession(exchange.kraken)
    assert kraken_ask(session, "subscribe", **params)[0]["success"] is False
    assert session.streams == set()


def test_late_book_begins_its_stream_three_seconds_later(exchange: Exchange):
    session = KrakenSession(exchange.kraken)
    exchange.inject(Fault(SECOND_NS, FaultKind.SLOW_SNAPSHOT, "BTCUSDT", SimVenue.KRAKEN))
    assert len(kraken_ask(session, "subscribe", channel="book", symbol=["BTC/USDT"], depth=100)) == 1
    assert session.take(exchange.advance_to(2 * SECOND_NS, SimVenue)) == []
    assert [each["channel"] for each in told(session.on_time(4 * SECOND_NS - 1))] == ["heartbeat"]
    assert told(session.on_time(4 * SECOND_NS))[0]["type"] == "snapshot"
    assert session.take(exchange.advance_to(5 * SECOND_NS, SimVenue))
