"""Wiring that both roles share: bus -> board -> connections."""

import asyncio

from foretick.common.runtime.bootstrap import Runtime
from foretick.common.runtime.open_files import allow_open_files
from foretick.common.runtime.stream_reader import read_tail
from foretick.common.subjects import (
    BAR_MESSAGES,
    BOOKS,
    CALIBRATION_MESSAGES,
    CONSOLIDATED_QUOTES,
    CORRELATION_MESSAGES,
    FEATURE_HEALTHS,
    FEATURE_VECTORS,
    INSTRUMENT_LISTINGS,
    MODEL_DECISIONS,
    MODEL_LIVES,
    OUTCOME_MESSAGES,
    PARITY_CERTIFICATES,
    PREDICTION_MESSAGES,
    TICKS,
    VENUE_STATUSES,
)
from foretick.gateway.domain.audience import Audience
from foretick.gateway.domain.board import Board, Identification
from foretick.gateway.domain.directory import Directory
from foretick.gateway.domain.models import TRAIL_KEPT
from foretick.gateway.domain.outbox import CloseCode
from foretick.gateway.domain.protocol import FeatureLabel
from foretick.gateway.domain.session import SessionLimits
from foretick.gateway.handlers.bus import BusHandler
from foretick.gateway.handlers.feed import FeedHandler
from foretick.gateway.handlers.measures import Measures, beat_forever
from foretick.gateway.settings import GatewaySettings
from foretick.quant.registry import FEATURES, SCHEMA_HASH, SCHEMA_ID

EVENTS = (TICKS, BOOKS)
SPARE_FILES = 256
"""What may be open besides the admitted connections: the bus, HTTP, and those who are told that all are taken."""

DERIVED = (
    FEATURE_VECTORS, BAR_MESSAGES, PREDICTION_MESSAGES, OUTCOME_MESSAGES, CALIBRATION_MESSAGES,
    INSTRUMENT_LISTINGS, VENUE_STATUSES, CONSOLIDATED_QUOTES, CORRELATION_MESSAGES, PARITY_CERTIFICATES,
    FEATURE_HEALTHS, MODEL_DECISIONS, MODEL_LIVES,
)  # fmt: skip


async def open_feed(rt: Runtime, settings: GatewaySettings) -> FeedHandler:
    """Keep a board current and return the feed over it; its clients are told when the process is asked to end."""
    _make_room_for_connections(rt, settings.max_concurrent_connections)
    directory = Directory(settings.venues, settings.default_symbols)
    board = Board(identify(rt.run_id, rt.epoch), directory, Audience(settings.max_concurrent_connections), rt.sequence)
    bus = BusHandler(board, rt.data, rt.clock, asyncio.get_running_loop().call_soon)
    measures = Measures(rt.metrics, board)
    feed = FeedHandler(board, rt.clock, SessionLimits(), measures.stalled.inc)

    await rt.data.subscribe(EVENTS, bus.on_batch)
    await rt.data.subscribe(DERIVED, bus.on_batch)
    last = [message for subject in (*DERIVED, *EVENTS) for message in await rt.bus.last_of_each(subject)]
    bus.restore([*await read_tail(rt.bus, MODEL_DECISIONS, TRAIL_KEPT), *last])
    rt.spawn(beat_forever(board, measures, rt.clock), "beat")

    async def dismiss() -> None:
        await feed.dismiss(CloseCode.RESTART, "restarting: reconnect after a random pause of up to 2 s")

    rt.on_drain(dismiss)
    return feed


def _make_room_for_connections(rt: Runtime, connections: int) -> None:
    allowed = allow_open_files(connections + SPARE_FILES)
    if allowed < connections + SPARE_FILES:
        rt.log.warning(
            "fewer files may be open than connections", open_files=allowed, max_concurrent_connections=connections,
            hint="raise the limit of this process (ulimit -n), or set MAX_CONCURRENT_CONNECTIONS lower",
        )  # fmt: skip


def identify(run_id: str, epoch: int) -> Identification:
    """Return what this process serves, with the labels of the feature registry."""
    labels = tuple(
        FeatureLabel(
            name=feature.name,
            label=feature.label,
            unit=feature.unit.value,
            group=feature.group.value,
            formula=feature.formula,
        )
        for feature in FEATURES
    )
    return Identification(run_id, epoch, SCHEMA_ID, SCHEMA_HASH, labels)
