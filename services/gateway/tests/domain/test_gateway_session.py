"""The protocol, as docs/websocket-protocol.md tells it, on a session without a socket."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from foretick.common.testing.builders import T0_NS, book_frame, instrument, prediction, snapshot, tick_frame
from foretick.common.testing.fakes import ManualClock
from foretick.common.units import NS_PER_MS, NS_PER_S
from foretick.gateway.domain.audience import Audience
from foretick.gateway.domain.board import Board
from foretick.gateway.domain.channels import Channel, ChannelKind, Scope
from foretick.gateway.domain.frame import text_of
from foretick.gateway.domain.outbox import OutboxLimits
from foretick.gateway.domain.protocol import MAX_MESSAGE_BYTES
from foretick.gateway.domain.session import SessionLimits
from foretick.gateway.domain.topic import RING_UPDATES, Tally, Topic

Connect = Callable[..., Any]
MISSION_SUBSCRIBE = '{"action":"subscribe","symbols":["BTCUSDT","ETHUSDT"]}'
MISSION_GET_PREDICTION = '{"action":"get_prediction","symbol":"BTCUSDT"}'


def tick(board: Board, seq: int, *, epoch: int = 1, at_ns: int = T0_NS) -> None:
    board.fold(tick_frame("Q", seq=seq, epoch=epoch), at_ns)
    board.publish()


def predict(board: Board, asof_seq: int, **fields: Any) -> None:
    board.fold(prediction(asof_seq=asof_seq, **fields), T0_NS)
    board.publish()


def types(messages: list[dict[str, Any]]) -> list[str]:
    return [message["type"] for message in messages]


# ---- requests and answers ------------------------------------------------------------------------------------------


def test_first_message_is_welcome_with_all_that_a_client_needs(connect: Connect):
    (welcome,) = connect(keep_welcome=True).take()
    assert welcome["type"] == "welcome"
    assert (welcome["protocol"], welcome["run_id"], welcome["origin"]) == (1, "test", "sim")
    assert welcome["server_ts_us"] == T0_NS // 1000
    assert welcome["instruments"] == [
        {
            "venue": "sim", "symbol": "BTCUSDT", "base": "BTC", "quote": "USDT", "tick_size": 0.01, "lot_size": 0.001,
            "origin": "sim", "kind": "spot", "contract_size": 1.0, "is_inverse": False, "proof": "chain",
        }
    ]  # fmt: skip
    assert [channel["name"] for channel in welcome["channels"]] == [
        "ticks", "books", "features", "predictions", "calibration", "bars_1s", "bars_1m", "bars_5m", "bars_15m",
        "integrity", "consolidated", "correlations", "certificate", "models", "feature_health", "metrics",
        "venues",
    ]  # fmt: skip
    assert welcome["features"][0]["name"] == "spread_bps"
    assert welcome["limits"] == {"max_message_bytes": 65_536, "max_subscriptions": 1_024}


def test_mission_subscribe_works_as_written(board: Board, connect: Connect):
    tick(board, 1)
    predict(board, 1)
    ack, *snapshots = connect().ask(MISSION_SUBSCRIBE)
    assert ack == {
        "type": "ack", "action": "subscribe", "req_id": None, "channels": ["ticks", "predictions"], "resumed": [],
        "symbols": [{"venue": "sim", "symbol": "BTCUSDT"}, {"venue": "sim", "symbol": "ETHUSDT"}],
    }  # fmt: skip
    assert [(message["type"], message["channel"]) for message in snapshots] == [
        ("snapshot", "ticks"), ("snapshot", "predictions"),
    ]  # fmt: skip


def test_mission_get_prediction_works_as_written(board: Board, connect: Connect, clock: ManualClock):
    predict(board, 5)
    clock.advance(3 * NS_PER_S)
    (answer,) = connect().ask(MISSION_GET_PREDICTION)
    assert (answer["type"], answer["venue"], answer["symbol"]) == ("prediction", "sim", "BTCUSDT")
    assert (answer["data"]["asof_seq"], answer["age_us"], answer["reason"]) == (5, 3_000_000, "")


def test_get_prediction_before_there_is_one_says_why(connect: Connect):
    (answer,) = connect().ask({"action": "get_prediction", "symbol": "sim:BTCUSDT", "req_id": 9})
    assert (answer["data"], answer["req_id"]) == (None, 9)
    assert "no prediction yet" in answer["reason"]


def test_channels_and_ping_are_answered_with_the_request_id(connect: Connect):
    client = connect()
    (channels,) = client.ask({"action": "channels", "req_id": "a"})
    assert channels["req_id"] == "a"
    assert channels["channels"][0] == {"name": "ticks", "kind": "state", "ttl_ms": 3000, "scope": "instrument"}
    assert client.ask({"action": "ping", "req_id": "b"}) == [
        {"type": "pong", "req_id": "b", "server_ts_us": T0_NS // 1000}
    ]


@pytest.mark.parametrize(
    ("message", "code"),
    [
        ("not json", "malformed"),
        ("[1,2]", "malformed"),
        ("", "malformed"),
        ("{}", "malformed"),
        (b'{"action":"ping"}', "malformed"),
        ("[" * 20_000, "malformed"),
        ('{"action":"ping","req_id":"\ud800"}', "malformed"),
        ({"action": 5}, "malformed"),
        ({"action": "subscribe"}, "malformed"),
        ({"action": "subscribe", "symbols": []}, "malformed"),
        ({"action": "subscribe", "symbols": "BTCUSDT"}, "malformed"),
        ({"action": "get_prediction"}, "malformed"),
        ({"action": "dance"}, "unknown_action"),
        ({"action": "subscribe", "symbols": ["BTCUSDT", "NOPE"]}, "unknown_symbol"),
        ({"action": "get_prediction", "symbol": "NOPE"}, "unknown_symbol"),
        ({"action": "subscribe", "symbols": ["BTCUSDT"], "channels": ["gossip"]}, "unknown_channel"),
        ({"action": "subscribe", "symbols": ["BTCUSDT"], "channels": []}, "unknown_channel"),
    ],
)
def test_bad_request_is_answered_with_its_error_and_leaves_the_socket_open(connect: Connect, message: Any, code: str):
    client = connect()
    (answer,) = client.ask(message)
    assert answer["code"] == code
    assert answer["hint"]
    assert client.session.outbox.closing is None
    assert types(client.ask({"action": "ping"})) == ["pong"]


def test_refused_request_keeps_its_id_even_when_it_is_malformed(connect: Connect):
    client = connect()
    assert client.ask({"action": "dance", "req_id": "x"})[0]["req_id"] == "x"
    assert client.ask({"action": "subscribe", "symbols": 7, "req_id": "y"})[0]["req_id"] == "y"


def test_request_with_an_unknown_symbol_subscribes_to_nothing(board: Board, connect: Connect):
    client = connect()
    client.ask({"action": "subscribe", "symbols": ["BTCUSDT", "NOPE"]})
    tick(board, 1)
    assert client.take() == []


def test_oversize_message_is_refused_and_closes_with_1009(connect: Connect):
    client = connect()
    (answer,) = client.ask(json.dumps({"action": "ping", "pad": "x" * MAX_MESSAGE_BYTES}))
    assert answer["code"] == "too_large"
    assert client.session.outbox.closing.code == 1009


def test_oversize_counts_bytes_not_characters(connect: Connect):
    client = connect()
    text = json.dumps({"action": "ping", "pad": "é" * (MAX_MESSAGE_BYTES // 2)}, ensure_ascii=False)
    assert len(text) < MAX_MESSAGE_BYTES
    assert client.ask(text)[0]["code"] == "too_large"


def test_too_many_subscriptions_are_refused_and_the_old_ones_stay(board: Board, connect: Connect):
    client = connect(SessionLimits(max_subscriptions=3))
    client.ask({"action": "subscribe", "symbols": ["BTCUSDT"]})
    assert client.ask({"action": "subscribe", "symbols": ["ETHUSDT"]})[0]["code"] == "too_many_subscriptions"
    tick(board, 1)
    assert types(client.take()) == ["snapshot"]


def test_flood_is_refused_then_closed_with_1008(connect: Connect):
    client = connect(SessionLimits(rate_per_s=10, burst=5, max_refusals=3))
    answers = [client.ask({"action": "ping"})[0] for _ in range(8)]
    assert [answer.get("code", "") for answer in answers] == [""] * 5 + ["rate_limited"] * 3
    assert client.ask({"action": "ping"}) == []
    assert client.session.outbox.closing.code == 1008


def test_rate_recovers_with_time(connect: Connect, clock: ManualClock):
    client = connect(SessionLimits(rate_per_s=10, burst=1))
    client.ask({"action": "ping"})
    assert client.ask({"action": "ping"})[0]["code"] == "rate_limited"
    clock.advance(100 * NS_PER_MS)
    assert types(client.ask({"action": "ping"})) == ["pong"]


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.one_of(
        st.text(max_size=200),
        st.binary(max_size=50),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
            lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
        ).map(json.dumps),
        st.fixed_dictionaries(
            {"action": st.sampled_from(["subscribe", "unsubscribe", "get_prediction", "channels", "ping", "x"])},
            optional={
                "symbols": st.lists(st.sampled_from(["BTCUSDT", "ETHUSDT", "", "*"]), max_size=3),
                "channels": st.lists(st.sampled_from(["ticks", "metrics", "*"]), max_size=3),
                "since": st.dictionaries(st.just("ticks:sim:BTCUSDT"), st.integers(), max_size=1),
            },
        ).map(json.dumps),
    )
)
def test_every_message_is_answered_exactly_once(connect: Connect, message: str | bytes):
    client = connect()
    answers = client.ask(message)
    client.session.leave()
    replies = [answer for answer in answers if answer["type"] != "snapshot"]
    assert len(replies) == 1
    assert replies[0]["type"] in {"ack", "error", "prediction", "channels", "pong"}


# ---- snapshots, deltas, resuming -----------------------------------------------------------------------------------


def test_deltas_chain_from_the_snapshot(board: Board, connect: Connect):
    client = connect()
    tick(board, 1)
    _, first = client.ask({"action": "subscribe", "symbols": ["BTCUSDT"], "channels": ["ticks"]})
    held = first["seq"]
    for seq in (2, 3, 4):
        tick(board, seq)
        (delta,) = client.take()
        assert (delta["type"], delta["epoch"], delta["prev"], delta["seq"]) == ("delta", 1, held, seq)
        held = delta["seq"]
    assert "history" in first["data"]
    assert "history" not in delta["data"]


def test_channel_without_data_sends_its_snapshot_with_the_first(board: Board, connect: Connect):
    client = connect()
    assert types(client.ask({"action": "subscribe", "symbols": ["ETHUSDT"]})) == ["ack"]
    board.fold(tick_frame("Q", seq=1, symbol="ETHUSDT"), T0_NS)
    board.publish()
    assert types(client.take()) == ["snapshot"]


def test_unsubscribed_channel_sends_nothing_more(board: Board, connect: Connect):
    client = connect()
    tick(board, 1)
    client.ask(MISSION_SUBSCRIBE)
    tick(board, 2)  # still waiting when the client leaves
    (ack,) = client.ask({"action": "unsubscribe", "symbols": ["BTCUSDT"]})
    assert ack["action"] == "unsubscribe"
    tick(board, 3)
    assert client.take() == []


def test_unsubscribe_without_names_ends_everything(board: Board, connect: Connect):
    client = connect()
    client.ask({"action": "subscribe", "symbols": ["BTCUSDT"], "channels": ["ticks", "metrics"]})
    client.ask({"action": "unsubscribe"})
    tick(board, 1)
    assert client.session.outbox.topics == {}
    assert client.take() == []


def test_since_resumes_with_the_missed_deltas(board: Board, connect: Connect):
    for seq in range(1, 6):
        tick(board, seq)
    ack, *deltas = connect().ask(
        {
            "action": "subscribe", "symbols": ["BTCUSDT"], "channels": ["ticks"],
            "since": {"ticks:sim:BTCUSDT": {"epoch": 1, "seq": 3}},
        }
    )  # fmt: skip
    assert ack["resumed"] == ["ticks:sim:BTCUSDT"]
    assert [(delta["type"], delta["prev"], delta["seq"]) for delta in deltas] == [("delta", 3, 4), ("delta", 4, 5)]


def test_since_at_the_present_state_resumes_with_nothing(board: Board, connect: Connect):
    tick(board, 1)
    answers = connect().ask(
        {
            "action": "subscribe", "symbols": ["BTCUSDT"], "channels": ["ticks"],
            "since": {"ticks:sim:BTCUSDT": {"epoch": 1, "seq": 1}},
        }
    )  # fmt: skip
    assert types(answers) == ["ack"]


@pytest.mark.parametrize("point", [{"epoch": 9, "seq": 3}, {"epoch": 1, "seq": 999}, {"epoch": 1, "seq": 1}])
def test_since_that_cannot_be_met_gets_a_snapshot_that_says_so(board: Board, connect: Connect, point: dict[str, int]):
    for seq in range(1, RING_UPDATES + 10):
        tick(board, seq)
    ack, whole = connect().ask(
        {
            "action": "subscribe", "symbols": ["BTCUSDT"], "channels": ["ticks"],
            "since": {"ticks:sim:BTCUSDT": point},
        }
    )  # fmt: skip
    assert ack["resumed"] == []
    assert (whole["type"], whole["resumed"]) == ("snapshot", False)


def test_new_epoch_begins_with_a_snapshot(board: Board, connect: Connect):
    client = connect()
    tick(board, 100)
    client.ask({"action": "subscribe", "symbols": ["BTCUSDT"], "channels": ["ticks"]})
    tick(board, 50, epoch=2)
    (whole,) = client.take()
    assert (whole["type"], whole["epoch"], whole["seq"]) == ("snapshot", 2, 50)


def test_snapshot_for_a_late_joiner_of_a_dead_feed_tells_its_age(board: Board, connect: Connect, clock: ManualClock):
    tick(board, 1, at_ns=T0_NS)
    clock.advance(90 * NS_PER_S)
    _, whole = connect().ask({"action": "subscribe", "symbols": ["BTCUSDT"], "channels": ["ticks"]})
    assert whole["age_us"] == 90_000_000


def test_book_deltas_carry_only_what_changed(board: Board, connect: Connect):
    client = connect()
    board.fold(book_frame(seq=1), T0_NS)
    board.publish()
    _, whole = client.ask({"action": "subscribe", "symbols": ["BTCUSDT"], "channels": ["books"]})
    assert whole["data"]["bids"] == [[99.99, 1.0], [99.98, 1.0], [99.97, 1.0]]
    board.fold(book_frame([snapshot(bids=[(99.99, 5.0), (99.98, 1.0)])], seq=2), T0_NS)
    board.publish()
    (delta,) = client.take()
    assert delta["data"]["bids"] == [[99.99, 5.0], [99.97, 0.0]]
    assert delta["data"]["asks"] == []


def test_new_listing_is_announced(board: Board, connect: Connect):
    client = connect()
    board.fold(instrument(symbol="ETHUSDT", base="ETH"), T0_NS)
    board.publish()
    (message,) = client.take()
    assert message["type"] == "instruments"
    assert [entry["symbol"] for entry in message["instruments"]] == ["BTCUSDT", "ETHUSDT"]


def test_listings_of_a_batch_are_announced_once(board: Board, monkeypatch: pytest.MonkeyPatch):
    announced: list[bytes] = []
    monkeypatch.setattr(board.audience, "announce", announced.append)
    for number in range(1000):
        board.fold(instrument(symbol=f"S{number}"), T0_NS)
    board.publish()
    board.publish()
    assert [len(json.loads(text_of(frame))["instruments"]) for frame in announced] == [1001]


def test_client_that_does_not_read_waits_for_the_latest_list_only(board: Board, connect: Connect):
    slow = connect(SessionLimits(outbox=OutboxLimits(max_replies=10)))
    for number in range(1000):
        board.fold(instrument(symbol=f"S{number}"), T0_NS)
        board.publish()
        assert slow.session.outbox.waiting == 1
    (message,) = slow.take()
    assert len(message["instruments"]) == 1001
    assert slow.session.outbox.closing is None, "it asked for nothing"


def test_heartbeat_and_metrics_come_with_the_beat(board: Board, connect: Connect):
    client = connect()
    client.ask({"action": "subscribe", "channels": ["metrics"]})
    board.beat(T0_NS)
    heartbeat, metrics = client.take()
    assert heartbeat == {"type": "heartbeat", "server_ts_us": T0_NS // 1000, "connections": 1}
    assert (metrics["channel"], metrics["venue"], metrics["symbol"], metrics["epoch"]) == ("metrics", "*", "*", 7)
    assert metrics["data"]["connections"] == 1
    board.beat(T0_NS)  # the wall clock stands still: the sequence does not
    delta = client.take()[1]
    assert (delta["prev"], delta["seq"]) == (metrics["seq"], metrics["seq"] + 1)


# ---- many clients, slow clients ------------------------------------------------------------------------------------


def test_update_is_encoded_once_however_many_clients(board: Board, connect: Connect):
    clients = [connect() for _ in range(50)]
    tick(board, 1)
    for client in clients:
        client.ask({"action": "subscribe", "symbols": ["BTCUSDT"], "channels": ["ticks"]})
    assert board.fanout.snapshots_encoded == 1
    for seq in range(2, 12):
        tick(board, seq)
        frames = [client.session.outbox.take(T0_NS)[0] for client in clients]
        assert all(frame is frames[0] for frame in frames)
    assert board.fanout.updates_encoded == 10


def test_slow_client_gets_a_snapshot_in_place_of_what_it_missed(board: Board, connect: Connect):
    slow, fast = connect(), connect()
    tick(board, 1)
    for client in (slow, fast):
        client.ask({"action": "subscribe", "symbols": ["BTCUSDT"], "channels": ["ticks"]})
    for seq in range(2, 102):
        tick(board, seq)
        assert types(fast.take()) == ["delta"]
    (whole,) = slow.take()
    assert (whole["type"], whole["seq"]) == ("snapshot", 101)
    assert board.fanout.conflated == 100
    tick(board, 102)
    (delta,) = slow.take()
    assert (delta["type"], delta["prev"]) == ("delta", 101)


def test_slow_client_holds_a_bounded_number_of_messages(board: Board, connect: Connect):
    limits = OutboxLimits(max_replies=50, max_pending_updates=4)
    slow = connect(SessionLimits(outbox=limits, burst=1e9))
    slow.ask({"action": "subscribe", "symbols": ["BTCUSDT"], "channels": ["ticks", "books"]})
    for seq in range(1, 1000):
        tick(board, seq)
        board.beat(T0_NS)
        assert len(slow.session.outbox.pending) <= 2 * 4


def test_client_that_asks_without_reading_is_closed(connect: Connect):
    client = connect(SessionLimits(outbox=OutboxLimits(max_replies=10), burst=1e9))
    for _ in range(11):
        client.send({"action": "ping"})
    assert client.session.outbox.closing.code == 1013
    assert client.take() == []


def test_answers_that_wait_are_bounded_in_bytes_the_first_whatever_its_size(connect: Connect):
    ping = {"action": "ping", "req_id": "x" * 1000}
    client = connect(SessionLimits(outbox=OutboxLimits(max_reply_bytes=10_000), burst=1e9))
    for _ in range(9):
        client.send(ping)
    assert client.session.outbox.closing is None
    assert len(client.take()) == 9
    for _ in range(10):
        client.send(ping)
    assert client.session.outbox.closing.code == 1013
    small = connect(SessionLimits(outbox=OutboxLimits(max_reply_bytes=1), burst=1e9), keep_welcome=True)
    assert types(small.take()) == ["welcome"]


def test_event_channel_never_skips_and_overflow_closes(connect: Connect):
    client = connect(SessionLimits(outbox=OutboxLimits(max_pending_events=20)))
    tally = Tally()
    channel = Channel(name="fills", kind=ChannelKind.EVENT, ttl_ms=0, scope=Scope.INSTRUMENT)
    topic = Topic(channel, "sim", "BTCUSDT", dict, tally)
    client.session.outbox.subscribe(topic)
    for seq in range(20):
        topic.publish(1, seq, {"n": seq}, 0)
    assert [message["data"]["n"] for message in client.take()] == list(range(20))
    for seq in range(20, 41):
        topic.publish(1, seq, {"n": seq}, 0)
    closing = client.session.outbox.closing
    assert closing.code == 1013
    assert "fills:sim:BTCUSDT" in closing.reason
    assert "reconnect after" in closing.reason


def test_write_is_bounded_and_the_rest_waits_for_the_next(board: Board, connect: Connect):
    client = connect(SessionLimits(outbox=OutboxLimits(flush_bytes=100)))
    tick(board, 1)
    predict(board, 1)
    client.send(MISSION_SUBSCRIBE)
    assert types(client.take()) == ["ack"]
    assert not client.session.outbox.is_empty
    assert [message["channel"] for message in client.take()] == ["ticks"]
    assert [message["channel"] for message in client.take()] == ["predictions"]


def test_updates_beyond_what_one_write_carries_keep_their_order(board: Board, connect: Connect):
    client = connect(SessionLimits(outbox=OutboxLimits(flush_bytes=1_000)))
    tick(board, 1)
    client.ask({"action": "subscribe", "symbols": ["BTCUSDT"], "channels": ["ticks"]})
    for seq in range(2, 9):
        tick(board, seq)
    writes = [[message["seq"] for message in client.take()] for _ in range(4)]
    assert [seq for write in writes for seq in write] == list(range(2, 9))
    assert max(map(len, writes)) < 7


def test_client_that_takes_what_it_is_given_misses_nothing_however_fast(board: Board, connect: Connect):
    """More than may wait come within one interval: they are written ahead of time, not skipped."""
    client = connect()
    tick(board, 1)
    client.ask({"action": "subscribe", "symbols": ["BTCUSDT"], "channels": ["ticks"]})
    outbox = client.session.outbox
    outbox.idle, outbox.cooling = False, True  # just written
    seen: list[int] = []
    for seq in range(2, 30):
        tick(board, seq)
        if outbox.queued:
            seen.extend(message["seq"] for message in client.take())
            outbox.idle, outbox.cooling = False, True
    seen.extend(message["seq"] for message in client.take())
    assert seen == list(range(2, 30))
    assert board.fanout.conflated == 0


def test_idle_client_asks_to_be_written_once_and_a_cooling_one_not_at_all(board: Board, connect: Connect):
    client = connect()
    tick(board, 1)
    predict(board, 1)
    client.ask(MISSION_SUBSCRIBE)
    before = client.wakes
    tick(board, 2)
    predict(board, 2)
    assert client.wakes == before + 1
    client.take()
    client.session.outbox.idle, client.session.outbox.cooling = False, True
    tick(board, 3)
    assert client.wakes == before + 1
    client.send({"action": "ping"})
    assert client.wakes == before + 2  # an answer does not wait


def test_client_that_waits_for_its_snapshot_is_not_handed_updates(board: Board, connect: Connect):
    client = connect()
    tick(board, 1)
    client.send({"action": "subscribe", "symbols": ["BTCUSDT"], "channels": ["ticks"]})
    for seq in range(2, 50):
        tick(board, seq)
    assert client.session.outbox.pending == []
    assert [message.get("seq") for message in client.take()] == [None, 49]
    tick(board, 50)
    (delta,) = client.take()
    assert (delta["prev"], delta["seq"]) == (49, 50)


def test_client_beyond_the_limit_is_told_and_closed(board: Board, connect: Connect):
    board.audience = Audience(1)
    connect()
    second = connect(keep_welcome=True)
    (answer,) = second.take()
    assert (answer["type"], answer["code"]) == ("error", "too_many_connections")
    assert second.session.outbox.closing.code == 1013


def test_client_that_left_is_forgotten(board: Board, connect: Connect):
    client = connect()
    client.ask(MISSION_SUBSCRIBE)
    client.session.leave()
    assert len(board.audience) == 0
    assert all(not topic.subscribers for view in board.instruments.values() for topic in view.topics.values())
