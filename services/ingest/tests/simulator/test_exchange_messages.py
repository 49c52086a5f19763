"""The exchange's messages: who follows the venue's procedure has the exchange's own book; faults are as told."""

import json
from itertools import islice, pairwise

import pytest

from foretick.common.errors import Refused
from foretick.ingest.domain.exchange import Exchange, Outage
from foretick.ingest.domain.exchange_faults import STALL_NS, Fault, FaultKind, SimVenue, kinds_of, scheduled_faults
from foretick.ingest.domain.exchange_requests import answer, streams_in_query
from foretick.market.simulation import Pace, SimulatedMarket

SECOND_NS = 1_000_000_000
PAIR = ("BTCUSDT", "AAPL")


def new_exchange(rate_frac: float = 1.0) -> Exchange:
    return Exchange(SimulatedMarket(PAIR, 5, 0, Pace(rate_frac)))


def sent(exchange: Exchange, until_ns: int, stream: str = "btcusdt@depth@100ms") -> list[dict]:
    return [json.loads(m.payload)["data"] for m in exchange.advance_to(until_ns) if m.stream == stream]


def is_chained(updates: list[dict]) -> bool:
    return all(b["U"] == a["u"] + 1 for a, b in pairwise(updates))


@pytest.mark.parametrize("rate_frac", [1.0, 50.0])
@pytest.mark.parametrize("symbol", PAIR)
def test_snapshot_and_updates_rebuild_the_book_of_the_exchange(symbol: str, rate_frac: float):
    exchange = new_exchange(rate_frac)
    exchange.advance_to(250_000_000)
    body = json.loads(exchange.snapshot(symbol, 1000)[0])
    book = {side: dict(body[key]) for side, key in (("b", "bids"), ("a", "asks"))}
    updates = sent(exchange, 60 * SECOND_NS, f"{symbol.lower()}@depth@100ms")
    relevant = [update for update in updates if update["u"] > body["lastUpdateId"]]
    assert relevant[0]["U"] <= body["lastUpdateId"] + 1 <= relevant[0]["u"]
    assert is_chained(relevant)
    for update in relevant:
        for side in "ba":
            book[side].update(update[side])
            book[side] = {price: qty for price, qty in book[side].items() if float(qty)}
    # Run on to the moment after a depth update, where the stream has told everything.
    now_ns, updates = 60 * SECOND_NS, []
    while not updates or updates[-1]["u"] != json.loads(exchange.snapshot(symbol, 1)[0])["lastUpdateId"]:
        now_ns += exchange.market.pace.step_ns
        updates = sent(exchange, now_ns, f"{symbol.lower()}@depth@100ms")
        for update in updates:
            for side in "ba":
                book[side].update(update[side])
                book[side] = {price: qty for price, qty in book[side].items() if float(qty)}
    final = json.loads(exchange.snapshot(symbol, 1000)[0])
    assert book == {"b": dict(final["bids"]), "a": dict(final["asks"])}


def test_trade_ids_grow_by_one_and_quote_ids_never_fall():
    messages = new_exchange().advance_to(60 * SECOND_NS)
    trades = [json.loads(m.payload)["data"]["t"] for m in messages if m.stream == "btcusdt@trade"]
    quotes = [json.loads(m.payload)["data"]["u"] for m in messages if m.stream == "btcusdt@bookTicker"]
    assert trades == list(range(trades[0], trades[0] + len(trades)))
    assert quotes == sorted(set(quotes))
    assert min(len(trades), len(quotes)) > 30


def faulty(kind: FaultKind, symbol: str = "BTCUSDT") -> tuple[Exchange, list[dict]]:
    exchange = new_exchange()
    exchange.advance_to(SECOND_NS)
    exchange.inject(Fault(SECOND_NS, kind, symbol))
    return exchange, sent(exchange, 3 * SECOND_NS)


def test_gap_loses_one_update():
    _, updates = faulty(FaultKind.GAP)
    _, whole = faulty(FaultKind.DISCONNECT)
    assert is_chained(updates)
    assert updates == whole[1:]


def test_duplicate_sends_one_update_twice():
    _, updates = faulty(FaultKind.DUPLICATE)
    assert updates[0] == updates[1]
    assert is_chained(updates[1:])


def test_reorder_swaps_two_updates():
    _, updates = faulty(FaultKind.REORDER)
    assert updates[0]["U"] == updates[1]["u"] + 1
    assert is_chained([updates[1], updates[0], *updates[2:]])


def test_crossed_puts_a_bid_above_the_best_ask():
    exchange, updates = faulty(FaultKind.CROSSED)
    best_ask = float(json.loads(exchange.snapshot("BTCUSDT", 1)[0])["asks"][0][0])
    assert max(float(price) for price, _ in updates[0]["b"]) > best_ask * 0.999
    _, whole = faulty(FaultKind.DISCONNECT)
    extra = [level for level in updates[0]["b"] if level not in whole[0]["b"]]
    assert [qty for _, qty in extra] == ["0.00001000"]
    assert updates[1:] == whole[1:]


def test_stall_holds_one_symbol_and_then_sends_all_of_it():
    exchange = new_exchange()
    exchange.advance_to(SECOND_NS)
    exchange.inject(Fault(SECOND_NS, FaultKind.STALL, "BTCUSDT"))
    during = exchange.advance_to(SECOND_NS + STALL_NS - 1)
    assert {message.stream.partition("@")[0] for message in during} == {"aapl"}
    after = exchange.advance_to(SECOND_NS + STALL_NS + SECOND_NS)
    calm = new_exchange()
    calm.advance_to(SECOND_NS)
    expected = [m.payload for m in calm.advance_to(2 * SECOND_NS + STALL_NS) if m.stream.startswith("btc")]
    assert [m.payload for m in after if m.stream.startswith("btc")] == expected


def test_disconnect_is_told_once():
    exchange, _ = faulty(FaultKind.DISCONNECT)
    told = [exchange.take_outages(), exchange.take_outages()]
    assert told == [[Outage(SimVenue.SIM, FaultKind.DISCONNECT)], []]


def test_slow_snapshot_delays_the_next_book_of_that_symbol_only():
    exchange, _ = faulty(FaultKind.SLOW_SNAPSHOT)
    assert [exchange.snapshot(symbol, 5)[1] for symbol in ("AAPL", "BTCUSDT", "BTCUSDT")] == [0.0, 3.0, 0.0]


def test_fault_on_an_unknown_symbol_is_refused():
    with pytest.raises(Refused):
        new_exchange().inject(Fault(0, FaultKind.GAP, "NOPE"))


def test_the_schedule_is_seeded_and_has_the_asked_rate():
    first, again = (list(islice(scheduled_faults(PAIR, 30.0, 4, 0), 600)) for _ in range(2))
    assert first == again
    assert {fault.kind for fault in first} == set(kinds_of(SimVenue.SIM))
    assert {fault.symbol for fault in first} == set(PAIR)
    # 600 exponential gaps: their mean is within 4 of its standard errors (1/sqrt(600)) of 2 s.
    assert abs(first[-1].due_ns / 600 / (2 * SECOND_NS) - 1) < 4 / 600**0.5
    assert list(scheduled_faults(PAIR, 0.0, 4, 0)) == []


def test_scheduled_faults_happen_in_data_time():
    exchange = Exchange(SimulatedMarket(PAIR, 5, 0), faults_per_minute=60.0, fault_seed=4)
    exchange.advance_to(60 * SECOND_NS)
    for number, venue in enumerate(SimVenue):
        schedule = scheduled_faults(PAIR, 60.0, 4 + number, 0, venue)
        due = [f for f in islice(schedule, 200) if f.due_ns <= 60 * SECOND_NS]
        assert sum(count for (of, _), count in exchange.injected.items() if of is venue) == len(due) > 30


def test_requests_change_the_streams_and_are_answered():
    streams = streams_in_query("streams=btcusdt@trade/aapl@trade")
    assert json.loads(answer('{"method":"SUBSCRIBE","params":["btcusdt@depth@100ms"],"id":1}', streams)) == {
        "result": None,
        "id": 1,
    }
    assert answer('{"method":"UNSUBSCRIBE","params":["aapl@trade"],"id":2}', streams) == b'{"result":null,"id":2}'
    listed = json.loads(answer('{"method":"LIST_SUBSCRIPTIONS","id":3}', streams))
    assert listed == {"result": ["btcusdt@depth@100ms", "btcusdt@trade"], "id": 3}


@pytest.mark.parametrize(
    ("payload", "code"),
    [
        ("junk", 3),
        ("[]", 2),
        ('{"method":5}', 2),
        ('{"method":"SET_PROPERTY","id":1}', 2),
        ('{"id":1}', 2),
        (b"\xff", 3),
    ],
)
def test_bad_requests_are_refused_with_the_venues_code_and_change_nothing(payload: str | bytes, code: int):
    streams = {"btcusdt@trade"}
    assert json.loads(answer(payload, streams))["error"]["code"] == code
    assert streams == {"btcusdt@trade"}


def test_a_connection_has_at_most_1024_streams():
    streams: set[str] = set()
    names = json.dumps([f"s{i}@trade" for i in range(1025)])
    assert b'"error"' in answer(f'{{"method":"SUBSCRIBE","params":{names},"id":1}}', streams)
    assert not streams
