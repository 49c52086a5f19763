"""Feature health over all processes of features, and its channel."""

from collections.abc import Callable
from typing import Any

from foretick.common.contracts import FeatureFaults
from foretick.common.testing.builders import T0_NS, feature_health
from foretick.common.units import NS_PER_MS
from foretick.gateway.domain.board import Board

Connect = Callable[..., Any]


def faults(feature: str, **counts: int) -> FeatureFaults:
    return FeatureFaults(
        **({"warming": 0, "masked": 0, "missing": 0, "outside": 0, "stale": 0} | counts), feature=feature
    )


def test_processes_are_added_up_by_feature(board: Board):
    board.fold(feature_health(vectors=10, faults=[faults("rsi", missing=2), faults("adx", stale=1)]), T0_NS)
    other = feature_health(producer="features.serve-1", vectors=5, window_s=20.0, faults=[faults("rsi", outside=4)])
    board.fold(other, T0_NS)
    data = board.health.data(T0_NS + 300 * NS_PER_MS)
    assert (data.producers, data.age_ms, data.vectors, data.window_s) == (2, 300, 15, 60.0)
    assert data.faults == [faults("adx", stale=1), faults("rsi", missing=2, outside=4)]
    assert (data.warming, data.masked, data.missing, data.outside, data.stale) == (0, 0, 2, 4, 1)


def test_later_counts_take_the_place_of_earlier_ones_and_not_the_other_way(board: Board):
    late = feature_health(ts_ns=T0_NS + 5, vectors=7)
    for message in (feature_health(vectors=1), late, feature_health(ts_ns=T0_NS + 1, vectors=99)):
        board.fold(message, T0_NS)
    assert board.health.data(T0_NS).vectors == 7
    board.fold(feature_health(epoch=2, ts_ns=T0_NS, vectors=3), T0_NS)  # a new process: its clock may be behind
    assert board.health.data(T0_NS).vectors == 3


def test_process_that_is_not_heard_of_counts_no_longer(board: Board):
    board.fold(feature_health(faults=[faults("rsi", outside=4)]), T0_NS)
    assert board.health.data(T0_NS + 20_000 * NS_PER_MS).outside == 4
    gone = board.health.data(T0_NS + 20_001 * NS_PER_MS)
    assert (gone.producers, gone.age_ms, gone.outside, gone.faults) == (0, None, 0, [])


def test_channel_tells_it_at_each_beat(board: Board, connect: Connect):
    board.fold(feature_health(faults=[faults("rsi", outside=4)]), T0_NS)
    client = connect()
    client.ask({"action": "subscribe", "channels": ["feature_health"]})
    board.beat(T0_NS)
    told = [message for message in client.take() if message.get("channel") == "feature_health"]
    assert told[0]["data"]["outside"] == 4
    assert told[0]["data"]["faults"][0]["feature"] == "rsi"
