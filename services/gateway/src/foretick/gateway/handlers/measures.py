"""The gateway's own figures for Prometheus, and the beat of every second."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import accumulate
from typing import Protocol

from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily
from prometheus_client.registry import Collector

from foretick.common.clock import Clock
from foretick.common.runtime.metrics import Metrics
from foretick.common.units import NS_PER_S
from foretick.gateway.domain.board import Board
from foretick.gateway.domain.waterfall import BOUNDS_US, Track


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
        self._blocked = metrics.gauge("blocked_connections", "Connections whose client takes nothing now")
        self._waiting = metrics.gauge("waiting_messages", "Messages that wait for all connections together")
        self._accuracy = metrics.gauge("prediction_accuracy_frac", "Live share of right classes, all instruments")
        self._prior = metrics.gauge("prediction_prior_accuracy_frac", "The same for always naming the likeliest class")
        fanout = {
            "updates": "Updates of topics",
            "updates_encoded": "Updates encoded: at most one for each update",
            "snapshots_encoded": "Snapshots encoded",
            "deliveries": "Messages handed to connections",
            "writes": "Writes that carried them",
            "conflated": "Updates that a slow client got as part of a snapshot",
            "overflowed": "Connections closed because an event channel overflowed",
        }
        self._fanout = {name: _Count(metrics.counter(f"{name}_total", text)) for name, text in fanout.items()}
        WaterfallMetrics(board, metrics)
        self.stalled = metrics.counter("stalled_total", "Connections given up because the client took nothing")

    def update(self) -> None:
        """Copy now."""
        board = self._board
        self._connections.set(len(board.audience))
        self._blocked.set(board.audience.blocked)
        self._waiting.set(board.audience.waiting)
        for name, count in self._fanout.items():
            count.follow(getattr(board.fanout, name))
        data = board.metrics_data()
        if data.score is not None:
            self._accuracy.set(data.score.accuracy_frac)
            self._prior.set(data.score.prior_accuracy_frac)


class WaterfallMetrics(Collector):
    """The latency waterfall, read from the board when somebody asks: its domain has the counts already."""

    def __init__(self, board: Board, metrics: Metrics) -> None:
        self._board = board
        metrics.registry.register(self)

    def collect(self) -> Iterator[HistogramMetricFamily | CounterMetricFamily]:
        """Yield the histograms of the stages and of the whole, and the predictions that a stage left out."""
        waterfall = self._board.waterfall
        whole = HistogramMetricFamily(
            "foretick_gateway_prediction_latency_seconds", "Ingest's socket to the gateway, of each prediction"
        )
        whole.add_metric([], _cumulate(waterfall.whole), waterfall.whole.sum_ns / NS_PER_S)
        stages = HistogramMetricFamily(
            "foretick_gateway_stage_seconds", "Each stage of a prediction's way; see the glossary", labels=["stage"]
        )
        skew = CounterMetricFamily(
            "foretick_gateway_stage_skew", "Durations below zero, left out: clocks disagree", labels=["stage"]
        )
        unstamped = CounterMetricFamily(
            "foretick_gateway_stage_unstamped", "Predictions without an instant of the stage", labels=["stage"]
        )
        skew.add_metric(["whole"], waterfall.whole.skewed)
        for stage, track in waterfall.stages.items():
            stages.add_metric([stage.value], _cumulate(track), track.sum_ns / NS_PER_S)
            skew.add_metric([stage.value], track.skewed)
            unstamped.add_metric([stage.value], track.unstamped)
        yield from (whole, stages, skew, unstamped)


def _cumulate(track: Track) -> list[tuple[str, float]]:
    bounds = [*(str(bound_us / 1e6) for bound_us in BOUNDS_US), "+Inf"]
    return list(zip(bounds, accumulate(track.buckets), strict=True))


async def beat_forever(board: Board, measures: Measures, clock: Clock) -> None:
    """Beat once a second."""
    while True:
        await asyncio.sleep(1)
        board.beat(clock.now_ns())
        measures.update()
