"""Connections that end, fall silent or flap, and an exchange that restarts: short twin of tests/prove."""

import asyncio
from contextlib import ExitStack
from dataclasses import replace

import msgspec
import pytest

from foretick.common.contracts import BookEvent, BookEventKind, BookFrame, TickFrame, Trust
from foretick.common.testing.builders import book_frame, tick_frame
from foretick.common.testing.servers import nats_process
from foretick.ingest.adapters.connections import pool
from foretick.ingest.adapters.connections.budget import Budget
from foretick.ingest.domain.exchange_faults import SimVenue
from foretick.market.simulation import LISTINGS

from ..conftest import T0
from .chaos.run import SYMBOLS, Plan, Report, chaos, schedule
from .chaos.terms import Kind
from .chaos.truth import Instrument
from .chaos.witness import Findings, Witness

SEED = 1
SHORT = Plan(
    idle_timeout_s=2.0, lifetime_s=6.0, calm_s=0.5, outage_s=2.5, connects_per_minute=60.0, is_silence_ended=True
)  # fmt: skip
PARTS = 4
"""Of the faults, side by side, each with an exchange, a bus and a feed of its own: nearly all of the time is waited."""


async def test_every_loss_is_told_every_book_live_again_in_time_and_no_limit_passed(monkeypatch) -> None:
    async def report_of(part: int, url: str) -> Report:
        async with chaos(url, SHORT, SEED + part, monkeypatch, SYMBOLS[:2]) as run:
            await run.run(schedule(SEED)[part::PARTS], print)
            return run.sum_up()

    with ExitStack() as buses:
        urls = [buses.enter_context(nats_process()).start().url for _ in range(PARTS)]
        async with asyncio.TaskGroup() as tasks:
            parts = [tasks.create_task(report_of(part, url)) for part, url in enumerate(urls)]
    for part in parts:
        part.result().assert_sound()


ONE = Plan(
    idle_timeout_s=2.0, lifetime_s=60.0, calm_s=0.5, outage_s=2.5, connects_per_minute=60.0, venues=(SimVenue.COINBASE,)
)  # fmt: skip


def told(report: Report) -> str:
    with pytest.raises(AssertionError) as found:
        report.assert_sound()
    return str(found.value)


async def test_control_without_pauses_and_budgets_a_restart_is_a_burst(nats_url, monkeypatch) -> None:
    async def at_once(self: Budget, units: float) -> None:
        await asyncio.sleep(0)

    monkeypatch.setattr(pool, "backoff_s", lambda *_: 0.02)
    monkeypatch.setattr(Budget, "spend", at_once)
    async with chaos(nats_url, ONE, SEED, monkeypatch, SYMBOLS[:2]) as run:
        await run.run([Kind.RESETTING])
        assert "connections within 1 s, 8 are allowed" in told(run.sum_up())


async def test_control_a_pause_that_is_too_long_breaks_the_promise(nats_url, monkeypatch) -> None:
    async with chaos(nats_url, ONE, SEED, monkeypatch, SYMBOLS[:1]) as run:
        monkeypatch.setattr(pool, "backoff_s", lambda *_: 7.5)
        await run.run([Kind.RESET])
        assert "were promised" in told(run.sum_up())


async def test_control_a_replacement_that_does_not_wait_for_its_books_is_seen(nats_url, monkeypatch) -> None:
    async def at_once(*_: object) -> bool:
        return True

    monkeypatch.setattr(pool.ConnectionPool, "_is_ready", at_once)
    async with chaos(nats_url, replace(ONE, lifetime_s=2.0), SEED, monkeypatch, SYMBOLS[:1]) as run:
        await run.run([Kind.REPLACED])
        assert "not LIVE, though nothing had happened" in told(run.sum_up())


async def test_control_a_wrong_level_is_found(nats_url, monkeypatch) -> None:
    """The same frames, but one quantity is changed on its way to the witnesses."""
    async with chaos(nats_url, ONE, SEED, monkeypatch, SYMBOLS[:1]) as run:
        run.change = wrong_level
        await run.run([Kind.RESET])
        assert "LIVE by snapshot, but no book of the exchange is like it" in told(run.sum_up())


def wrong_level(frame: TickFrame | BookFrame) -> TickFrame | BookFrame:
    if isinstance(frame, TickFrame):
        return frame
    events = [
        msgspec.structs.replace(event, bids=[(event.bids[0][0], event.bids[0][1] * 2), *event.bids[1:]])
        if event.kind is BookEventKind.SNAPSHOT
        else event
        for event in frame.events
    ]
    return msgspec.structs.replace(frame, events=events)


def test_control_lost_trades_without_a_record_are_found() -> None:
    """By hand: trades 1 and 4 are told, 2 and 3 are not; a record between them makes that right."""
    stale = book_frame(seq=2, events=[state(Trust.STALE, "the venue closed the connection", T0 + 2)])
    assert witnessed(tick(1, 1), stale, tick(3, 4)).first == []
    assert "no record tells of it" in witnessed(tick(1, 1), tick(2, 4)).first[0]


def witnessed(*frames: TickFrame | BookFrame) -> Findings:
    truth, findings = Instrument(LISTINGS["BTCUSDT"]), Findings()
    for trade_id in range(1, 5):
        truth.trade(trade_id, T0 + trade_id)
    witness = Witness("BTCUSDT", truth, findings, silent_ns=2)
    for frame in frames:
        witness.read(frame)
    return findings


def state(trust: Trust, reason: str, at_ns: int) -> BookEvent:
    return BookEvent(kind=BookEventKind.STATE, ts_recv_ns=at_ns, ts_event_ns=None, trust=trust, reason=reason)


def tick(seq: int, trade_id: int) -> TickFrame:
    frame = tick_frame("T", seq=seq)
    trades = msgspec.structs.replace(frame.trades, trade_id=[trade_id])
    return msgspec.structs.replace(frame, trades=trades, recv_ns=[T0 + trade_id])
