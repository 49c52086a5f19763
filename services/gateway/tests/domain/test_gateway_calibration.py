"""The ``calibration`` channel: the latest word on it, never an older one."""

from collections.abc import Callable
from typing import Any

from foretick.common.testing.builders import T0_NS, calibration
from foretick.gateway.domain.board import Board

Connect = Callable[..., Any]
SUBSCRIBE = {"action": "subscribe", "symbols": ["BTCUSDT"], "channels": ["calibration"]}


def fold(board: Board, *messages: Any) -> None:
    for message in messages:
        board.fold(message, T0_NS)
    board.publish()


def test_subscriber_gets_the_latest_then_each_new_one(board: Board, connect: Connect):
    fold(board, calibration(asof_seq=10))
    client = connect()
    _, first = client.ask(SUBSCRIBE)
    assert (first["type"], first["symbol"], first["seq"]) == ("snapshot", "BTCUSDT", 10)
    assert first["data"]["total"]["count"] == 40
    assert [part["regime"] for part in first["data"]["regimes"]] == ["calm_choppy", "rough_trending"]
    fold(board, calibration(asof_seq=60, model_id="ensemble-2"))
    (delta,) = client.take()
    assert (delta["type"], delta["prev"], delta["seq"], delta["data"]["model_id"]) == ("delta", 10, 60, "ensemble-2")


def test_repeat_and_lower_epoch_are_not_told(board: Board, connect: Connect):
    fold(board, calibration(asof_seq=60, epoch=2))
    client = connect()
    client.ask(SUBSCRIBE)
    fold(board, calibration(asof_seq=60, epoch=2), calibration(asof_seq=70, epoch=1))
    assert client.take() == []
    counts = board.audits.of("calibrations")
    assert (counts.repeated, counts.refused) == (1, 1)
