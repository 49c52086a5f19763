"""The gateway's own figures for Prometheus, and the beat of every second."""

import asyncio
from dataclasses import dataclass
from typing import Protocol

from foretick.common.clock import Clock
from foretick.common.runtime.metrics import Metrics
from foretick.gateway.domain.board import Board


class _Counter(Protocol):
    def inc(self, amount: float = 1) -> None: ...


@dataclass(slots=True)
class _Count:
    """A running count of the domain and the Prometheus counter that follows it."""

    counter: _Counter
    told: int = 0

    def follow(self, total: int) -> None:
        self.counter.inc(total - self.told)
        self.told = total


class Measures:
    """Copies the domain's running counts to Prometheus, once a second."""

    def __init__(self, metrics: Metrics, board: Board) -> None:
        self._board = board
        self._connections = metrics.gauge("connections", "Open WebSocket connections")
        self._latency = metrics.gauge(
            "prediction_latency_us", "Ingest's socket to gateway, predictions of the last minute", ("quantile",)
        )
        self._accuracy = metrics.gauge("prediction_accuracy_frac", "Live share of right classes, all instruments")
        self._prior = metrics.gauge("prediction_prior_accuracy_frac", "The same for always naming the likeliest class")
        fanout = {
            "updates": "Updates of topics",
            "updates_encoded": "Updates encoded: at most one for each update",
            "snapshots_encoded": "Snapshots encoded",
            "deliveries": "Messages handed to connections",
            "conflated": "Updates that a slow client got as part of a snapshot",
            "overflowed": "Connections closed because an event channel overflowed",
        }
        self._fanout = {name: _Count(metrics.counter(f"{name}_total", text)) for name, text in fanout.items()}
        self.stalled = metrics.counter("stalled_total", "Connections given up because the client took nothing")

    def update(self) -> None:
        """Copy now."""
        board = self._board
        self._connections.set(len(board.audience))
        for name, count in self._fanout.items():
            count.follow(getattr(board.fanout, name))
        data = board.metrics_data()
        for quantile, value_us in (("0.5", data.latency_p50_us), ("0.99", data.latency_p99_us)):
            if value_us is not None:
                self._latency.labels(quantile).set(value_us)
        if data.score is not None:
            self._accuracy.set(data.score.accuracy_frac)
            self._prior.set(data.score.prior_accuracy_frac)


async def beat_forever(board: Board, measures: Measures, clock: Clock) -> None:
    """Beat once a second."""
    while True:
        await asyncio.sleep(1)
        board.beat(clock.now_ns())
        measures.update()
