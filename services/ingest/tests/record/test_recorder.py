"""The recorder between real servers: rows equal messages, and no trouble makes a double or a hole."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any

import msgspec
import psycopg
import pytest

from foretick.common.contracts import (
    Abstention,
    BookEvent,
    BookEventKind,
    Message,
    NoInterval,
    Regime,
    ReturnInterval,
    Trust,
    Withheld,
)
from foretick.common.errors import Transient
from foretick.common.runtime import migrate
from foretick.common.runtime.embedded import NatsServer, PostgresServer
from foretick.common.sequence import SequenceCounts
from foretick.common.subjects import (
    BOOKS,
    FEATURE_VECTORS,
    INSTRUMENT_LISTINGS,
    OUTCOME_MESSAGES,
    PREDICTION_MESSAGES,
    TICKS,
    Subject,
)
from foretick.common.testing import (
    T0_NS,
    book_frame,
    eventually,
    feature_vector,
    instrument,
    outcome,
    prediction,
    snapshot,
    tick_frame,
)
from foretick.ingest.adapters.jetstream.client import JetStreamReader
from foretick.ingest.domain.retention import Retention
from foretick.ingest.domain.stream import Delivered, Offset

from .conftest import LIMITS, Rig, connected

MS = 1_000_000
STEP = T0_NS // (100 * MS)


async def count(rig: Rig, table: str = "ticks") -> int:
    return await rig.value(f"SELECT count(*) FROM {table}")


async def has_rows(rig: Rig, expected: int, table: str = "ticks", deadline_s: float = 10.0) -> None:
    async def holds() -> bool:
        return await count(rig, table) >= expected

    await eventually(holds, deadline_s)
    assert await count(rig, table) == expected


async def assert_whole(rig: Rig, last_seq: int) -> None:
    """Every seq from 1 to ``last_seq`` is in exactly one row, and in exactly one part of a bar."""
    rows = await rig.fetch("SELECT seq FROM ticks ORDER BY seq")
    assert [row["seq"] for row in rows] == list(range(1, last_seq + 1))
    parts = await rig.fetch("SELECT sum(events) AS events, min(first_seq), max(last_seq) FROM bar_parts_1s")
    assert list(parts[0].values()) == [last_seq, 1, last_seq]
    assert await rig.value("SELECT array_agg(symbol) FROM run_instruments") == ["BTCUSDT"]


async def test_tick_rows_equal_the_message(rig: Rig) -> None:
    rig.start()
    await rig.publish(TICKS, tick_frame("TQCT", seq=5, epoch=3, trust=Trust.STALE))
    await has_rows(rig, 4)
    rows = await rig.fetch("SELECT *, extract(epoch FROM ts) * 1000 AS ts_ms FROM ticks ORDER BY seq")
    same = {
        "epoch": 3, "trust": "STALE", "origin": "sim", "run_id": "test", "venue": "sim", "symbol": "BTCUSDT",
    }  # fmt: skip
    none = dict.fromkeys(("price", "qty", "side", "trade_id", "bid", "bid_qty", "ask", "ask_qty"))
    expected = [
        none | {"kind": "T", "price": 100.0, "qty": 1.0, "side": 1, "trade_id": 5, "event_ns": T0_NS - MS},
        none | {"kind": "Q", "bid": 99.99, "bid_qty": 2.0, "ask": 100.01, "ask_qty": 3.0, "event_ns": T0_NS},
        none | {"kind": "C", "event_ns": None},
        none | {"kind": "T", "price": 100.01, "qty": 1.0, "side": -1, "trade_id": 6, "event_ns": T0_NS + 2 * MS},
    ]
    for index, (row, fields) in enumerate(zip(rows, expected, strict=True)):
        wanted = same | fields | {"seq": 5 + index, "recv_ns": T0_NS + index * MS, "ts_ms": T0_NS // MS + index}
        assert {name: row[name] for name in wanted} == wanted


async def test_book_rows_equal_the_message(rig: Rig) -> None:
    rig.start()
    delta = BookEvent(
        kind=BookEventKind.DELTA, ts_recv_ns=T0_NS + MS, ts_event_ns=T0_NS, trust=Trust.LIVE, asks=[(100.5, 0.0)],
        first_id=2, last_id=4,
    )  # fmt: skip
    lost = BookEvent(
        kind=BookEventKind.STATE, ts_recv_ns=T0_NS + 2 * MS, ts_event_ns=None, trust=Trust.GAP, reason="nats away",
        gap_from_seq=3, gap_through_seq=8,
    )  # fmt: skip
    await rig.publish(BOOKS, book_frame([snapshot(levels=2), delta], seq=1), book_frame([lost], seq=9))
    await has_rows(rig, 3, "book_events")
    first, second, third = await rig.fetch("SELECT * FROM book_events ORDER BY seq")
    assert (first["seq"], first["kind"], first["bid_price"], first["bid_qty"]) == (
        1,
        "snapshot",
        [99.99, 99.98],
        [1, 1],
    )
    assert (first["ask_price"], first["ask_qty"], first["last_id"]) == ([100.01, 100.02], [1, 1], 1)
    assert (second["seq"], second["bid_price"], second["ask_price"], second["ask_qty"]) == (2, [], [100.5], [0.0])
    assert (second["first_id"], second["last_id"], second["event_ns"]) == (2, 4, T0_NS)
    assert (third["kind"], third["trust"], third["reason"]) == ("state", "GAP", "nats away")
    gaps = await rig.fetch("SELECT from_seq, through_seq, found_by FROM gaps ORDER BY found_by")
    assert [tuple(gap.values()) for gap in gaps] == [(3, 8, "ingest"), (3, 8, "recorder")]


async def test_feature_prediction_outcome_and_instrument_rows_equal_the_messages(rig: Rig) -> None:
    rig.start()
    held = prediction(
        step=STEP + 1, asof_seq=11, model_id=None, model_origin=None, expected_return_bps=None, probabilities=None,
        members={}, flat_bps=None, withheld=Withheld.NO_MODEL,
    )  # fmt: skip
    await rig.publish(FEATURE_VECTORS, feature_vector([1.5, None, -2.0]))
    sure = prediction(
        regime=Regime.CALM_TRENDING, volatility_bps=2.0,
        interval=ReturnInterval(low_bps=-1.5, high_bps=2.5, coverage_frac=0.9),
        abstention=Abstention(confidence_frac=0.5, least_frac=0.6),
    )  # fmt: skip
    boundless = ReturnInterval(low_bps=None, high_bps=None, coverage_frac=0.9)
    unbounded = prediction(step=STEP + 2, asof_seq=12, interval=boundless, members={})
    warming = prediction(step=STEP + 3, asof_seq=13, no_interval=NoInterval.WARMING_UP, members={})
    told = {
        "brier": 0.38,
        "error_scales": 0.2,
        "interval_held": True,
        "abstained": True,
        "regime": Regime.CALM_TRENDING,
    }
    await rig.publish(PREDICTION_MESSAGES, sure, held, unbounded, warming)
    await rig.publish(OUTCOME_MESSAGES, outcome(**told))
    await rig.publish(INSTRUMENT_LISTINGS, instrument(aliases=("BTC-USDT",)))
    await has_rows(rig, 1, "features")
    await has_rows(rig, 4, "predictions")
    await has_rows(rig, 1, "outcomes")
    await has_rows(rig, 1, "instruments")
    (vector,) = await rig.fetch("SELECT * FROM features")
    assert (vector["vector"], vector["asof_seq"], vector["step"], vector["warm"]) == ([1.5, None, -2.0], 10, STEP, True)
    named, withheld, *others = await rig.fetch("SELECT * FROM predictions ORDER BY asof_seq")
    assert (named["model_id"], named["p_down"], named["p_flat"], named["p_up"]) == ("ensemble-1", 0.2, 0.5, 0.3)
    assert named["members"] == {"lightgbm": {"down": 0.1, "flat": 0.6, "up": 0.3}}
    assert (named["expected_return_bps"], named["out_of_origin"], named["withheld"]) == (0.5, False, None)
    assert (withheld["withheld"], withheld["model_id"], withheld["p_up"]) == ("no_model", None, None)
    interval = ("interval_low_bps", "interval_high_bps", "interval_coverage_frac", "no_interval", "abstained")
    assert [tuple(one[name] for name in interval) for one in (named, withheld, *others)] == [
        (-1.5, 2.5, 0.9, None, True), (None,) * 4 + (False,), (None, None, 0.9, None, False),
        (None,) * 3 + ("warming_up", False),
    ]  # fmt: skip
    assert (named["regime"], named["volatility_bps"], withheld["regime"]) == ("calm_trending", 2.0, None)
    (joined,) = await rig.fetch("SELECT * FROM outcomes")
    assert {name: joined[name] for name in told} == told
    assert (joined["realised_step"], joined["realised"], joined["score_count"]) == (STEP + 5, "flat", 1)
    (listing,) = await rig.fetch("SELECT * FROM instruments")
    assert (listing["base"], listing["tick_size"], listing["aliases"]) == ("BTC", 0.01, ["BTC-USDT"])
    assert await rig.fetch("SELECT run_id, origin FROM runs") == [{"run_id": "test", "origin": "sim"}]


async def test_listing_that_changed_takes_the_place_of_the_one_before(rig: Rig) -> None:
    rig.start()
    await rig.publish(INSTRUMENT_LISTINGS, instrument(tick_size=0.1), instrument(symbol="ETHUSDT", tick_size=0.1))
    await has_rows(rig, 2, "instruments")
    await rig.publish(INSTRUMENT_LISTINGS, instrument(tick_size=0.05))

    async def is_followed() -> bool:
        rows = await rig.fetch("SELECT symbol, tick_size FROM instruments ORDER BY symbol")
        return [tuple(row.values()) for row in rows] == [("BTCUSDT", 0.05), ("ETHUSDT", 0.1)]

    await eventually(is_followed)


async def test_features_are_sampled_once_per_interval_of_data_time(rig: Rig) -> None:
    rig.start()
    await rig.publish(FEATURE_VECTORS, *(feature_vector(step=STEP + n, asof_seq=n) for n in range(25)))
    await rig.publish(FEATURE_VECTORS, feature_vector(symbol="LAST"))
    await has_rows(rig, 4, "features")
    rows = await rig.fetch("SELECT asof_seq FROM features WHERE symbol = 'BTCUSDT' ORDER BY asof_seq")
    assert [row["asof_seq"] for row in rows] == [0, 10, 20]


async def test_malformed_messages_are_dead_lettered_and_the_rest_is_recorded(rig: Rig) -> None:
    rig.start()
    lopsided = msgspec.structs.replace(tick_frame("TT", seq=2), recv_ns=[T0_NS])
    too_big = msgspec.structs.replace(tick_frame("T", seq=3), recv_ns=[2**63])
    absurd = tick_frame("T", seq=4, ts_ingest_ns=1)
    nul = tick_frame("T", seq=5, run_id="nul\0run")
    await rig.publish(TICKS, tick_frame("T", seq=1))
    await rig.bus.js.publish("ticks.sim.JUNK", b'{"venue": 7}')
    await rig.publish(TICKS, lopsided, too_big, absurd, nul, tick_frame("T", seq=6))
    await has_rows(rig, 2)
    await eventually(lambda: len(rig.rt.data.rejected) == 5)
    assert [row["seq"] for row in await rig.fetch("SELECT seq FROM ticks ORDER BY seq")] == [1, 6]
    sources = sorted(source for source, _, _ in rig.rt.data.rejected)
    assert sources == ["ticks.sim.BTCUSDT"] * 4 + ["ticks.sim.JUNK"]
    assert await rig.fetch("SELECT from_seq, through_seq FROM gaps") == [{"from_seq": 2, "through_seq": 5}]


async def test_row_refused_while_later_ones_wait_costs_only_itself(make_rig: Callable[..., Rig]) -> None:
    """What was made into rows behind a commit that then fails is made anew, with the gap that the refusal left."""
    rig = make_rig(limits=replace(LIMITS, commit_bytes=1))
    write, behind = rig.record.write, asyncio.Event()

    async def write_when_more_waits(parts: Sequence[tuple[Any, Offset]]) -> None:
        if not behind.is_set():
            await rig.publish(TICKS, tick_frame("TT", seq=3), tick_frame("T", seq=5))
            pipeline = rig.recorder and rig.recorder._pipeline
            await eventually(lambda: pipeline is not None and bool(pipeline._chunks))
            behind.set()
        await write(parts)

    rig.start()
    await rig.publish(TICKS, tick_frame("T", seq=1))
    await eventually(lambda: rig.recorder is not None and rig.recorder._next_housekeeping_ns > 0)
    await has_rows(rig, 1)
    rig.record.write = write_when_more_waits  # type: ignore[method-assign]
    await rig.publish(TICKS, tick_frame("T", seq=2, run_id="nul\0run"))
    await has_rows(rig, 4)
    assert [row["seq"] for row in await rig.fetch("SELECT seq FROM ticks ORDER BY seq")] == [1, 3, 4, 5]
    assert await rig.fetch("SELECT from_seq, through_seq FROM gaps") == [{"from_seq": 2, "through_seq": 2}]
    assert [source for source, _, _ in rig.rt.data.rejected] == ["ticks.sim.BTCUSDT"]
    assert await rig.value("SELECT last_seq FROM stream_offsets WHERE stream = 'MARKET'") == 4


async def test_missing_and_repeated_events_are_counted_and_told(rig: Rig) -> None:
    rig.start()
    await rig.publish(
        TICKS,
        tick_frame("TTT", seq=1),
        tick_frame("TTT", seq=2),  # 2 and 3 are known
        tick_frame("T", seq=8),  # 5, 6, 7 are missing
        tick_frame("T", seq=3, epoch=0),  # from a producer that was replaced
        tick_frame("T", seq=9),
    )
    await has_rows(rig, 6)
    assert [row["seq"] for row in await rig.fetch("SELECT seq FROM ticks ORDER BY seq")] == [1, 2, 3, 4, 8, 9]
    (gap,) = await rig.fetch("SELECT run_id, venue, symbol, from_seq, through_seq, found_by FROM gaps")
    assert tuple(gap.values()) == ("test", "sim", "BTCUSDT", 5, 7, "recorder")
    assert rig.rt.metric("seq_gaps_total", found_by="recorder") == 1
    assert rig.rt.sequence.of("ticks") == SequenceCounts(gaps=1, lost=3, repeated=2, refused=1)


async def test_position_survives_a_restart(make_rig: Callable[..., Rig]) -> None:
    first = make_rig()
    first.start()
    await first.publish(TICKS, tick_frame("TT", seq=1))
    await has_rows(first, 2)
    await first.stop()
    await first.publish(TICKS, tick_frame("T", seq=2), tick_frame("T", seq=5))  # one known, then 3 and 4 missing
    second = make_rig()
    second.start()
    await has_rows(second, 3)
    assert await second.fetch("SELECT from_seq, through_seq FROM gaps") == [{"from_seq": 3, "through_seq": 4}]
    assert second.rt.sequence.of("ticks").repeated == 1


async def test_drain_commits_what_has_arrived(make_rig: Callable[..., Rig]) -> None:
    slow = make_rig(limits=replace(LIMITS, flush_interval_s=5.0))
    slow.start()
    await eventually(lambda: slow.is_recording)
    await slow.publish(TICKS, tick_frame("TTT", seq=1))
    reader = await slow.bus.js.consumer_info("MARKET", "record-market")
    assert reader.num_pending == 0, "delivered, and waiting for more to come"
    await slow.stop()
    assert await count(slow) == 3


class AckLost(JetStreamReader):
    """A reader whose acknowledgements never arrive: the recorder dies between COMMIT and ack."""

    async def ack(self, last: Delivered) -> None:
        raise Transient("killed between commit and acknowledgement")


async def test_death_between_commit_and_ack_makes_no_double(make_rig: Callable[..., Rig]) -> None:
    dying = make_rig()
    dying.open_reader = lambda *args: AckLost(dying.bus.nc, dying.wire, *args)
    dying.start()
    await dying.publish(TICKS, *(tick_frame("TT", seq=seq) for seq in range(1, 201, 2)))
    await has_rows(dying, 200)
    await dying.crash()
    info = await dying.bus.js.consumer_info("MARKET", "record-market")
    assert info.ack_floor is not None
    assert info.ack_floor.stream_seq < 100, "nothing was acknowledged"
    successor = make_rig()
    successor.start()
    await successor.publish(TICKS, tick_frame("T", seq=201))
    await has_rows(successor, 201)
    await assert_whole(successor, 201)


async def test_redelivered_messages_are_skipped_and_counted(rig: Rig) -> None:
    """JetStream redelivers what it believes unacknowledged; here it is asked to by a negative acknowledgement."""
    seen: list[Delivered] = []

    class Nak(JetStreamReader):
        async def ack(self, last: Delivered) -> None:
            if seen:
                await super().ack(last)
                return
            seen.append(last)
            await self._nc.publish(last.reply, b"-NAK")

    rig.open_reader = lambda *args: Nak(rig.bus.nc, rig.wire, *args)
    rig.start()
    await rig.publish(TICKS, tick_frame("TT", seq=1))
    await eventually(lambda: rig.rt.metric("redelivered_total", stream="MARKET") == 1)
    await rig.publish(TICKS, tick_frame("TT", seq=3))
    await has_rows(rig, 4)
    await assert_whole(rig, 4)


async def test_two_recorders_at_once_do_not_double_and_the_second_takes_over(make_rig: Callable[..., Rig]) -> None:
    one, two = make_rig(), make_rig()
    one.start()
    await eventually(lambda: one.is_recording)
    two.start()
    await eventually(lambda: "standby" in str(two.condition("recorder").get("detail")))
    await one.publish(TICKS, *(tick_frame("TT", seq=seq) for seq in range(1, 101, 2)))
    await has_rows(one, 100)
    await one.crash()
    await eventually(lambda: two.is_recording)
    await two.publish(TICKS, *(tick_frame("TT", seq=seq) for seq in range(101, 201, 2)))
    await has_rows(two, 200)
    await assert_whole(two, 200)


async def test_deleted_consumer_is_made_again_from_the_offset(rig: Rig) -> None:
    rig.start()
    await rig.publish(TICKS, tick_frame("TT", seq=1))
    await has_rows(rig, 2)
    await rig.bus.js.delete_consumer("MARKET", "record-market")
    await rig.publish(TICKS, tick_frame("TT", seq=3))
    await has_rows(rig, 4)
    await assert_whole(rig, 4)


async def test_stream_made_anew_is_recorded_from_its_start(rig: Rig) -> None:
    rig.start()
    await rig.publish(TICKS, tick_frame("TTT", seq=1), tick_frame("T", seq=4))
    await has_rows(rig, 4)
    await rig.bus.js.delete_stream("MARKET")
    await rig.bus.ensure_streams()
    await rig.publish(TICKS, tick_frame("T", seq=1, run_id="next"))
    await has_rows(rig, 5)


async def test_expired_messages_are_counted(make_rig: Callable[..., Rig]) -> None:
    first = make_rig()
    first.start()
    await first.publish(TICKS, tick_frame("T", seq=1))
    await has_rows(first, 1)
    await first.stop()
    await first.publish(TICKS, *(tick_frame("T", seq=seq) for seq in range(2, 7)))
    await first.bus.js.purge_stream("MARKET", keep=2)  # as an age limit would: stream messages 2, 3 and 4 are gone
    second = make_rig()
    second.start()
    await has_rows(second, 3)
    assert second.rt.metric("expired_messages_total", stream="MARKET") == 3
    assert await second.fetch("SELECT from_seq, through_seq FROM gaps") == [{"from_seq": 2, "through_seq": 4}]


async def test_rolled_back_stream_is_recorded_from_what_was_stored_since(make_rig: Callable[..., Rig]) -> None:
    """After a crash of the machine a stream may give numbers again; here the offset is told to be ahead of it."""
    rig = make_rig()
    rig.start()
    await rig.publish(TICKS, tick_frame("T", seq=1), tick_frame("T", seq=2))
    await has_rows(rig, 2)
    await rig.stop()
    async with await psycopg.AsyncConnection.connect(rig.database_url) as connection:
        await connection.execute("UPDATE stream_offsets SET last_seq = 50 WHERE stream = 'MARKET'")
    await rig.publish(TICKS, tick_frame("T", seq=3))
    after = make_rig()
    after.start()
    await has_rows(after, 3)
    await assert_whole(after, 3)
    assert await after.value("SELECT last_seq FROM stream_offsets WHERE stream = 'MARKET'") == 3


async def keep_publishing(rig: Rig, subject: Subject, messages: Sequence[Message]) -> None:
    for message in messages:
        while True:
            with suppress(Exception):
                await rig.bus.js.publish(
                    subject.of(message.venue, message.symbol), msgspec.json.encode(message), timeout=1,
                    headers={"Nats-Msg-Id": f"{message.symbol}-{message.seq}"},  # type: ignore[attr-defined]
                )  # fmt: skip
                break
            await asyncio.sleep(0.05)


async def test_kill_of_postgres_makes_neither_double_nor_hole(
    make_rig: Callable[..., Rig], own_postgres: PostgresServer
) -> None:
    migrate.upgrade(own_postgres.url)
    rig = make_rig(database_url=own_postgres.url)
    rig.start()
    for number in range(3):
        frames = [tick_frame("TT", seq=seq) for seq in range(1 + 1000 * number, 1001 + 1000 * number, 2)]
        publishing = asyncio.create_task(keep_publishing(rig, TICKS, frames))
        await eventually(lambda before=1000 * number: rig.rt.metric("recorded_rows_total", table="ticks") > before)
        own_postgres.kill()
        await eventually(lambda: not rig.condition("database")["ok"] and not rig.is_recording)
        await publishing
        own_postgres.start()
        await has_rows(rig, 1000 * (number + 1))
    await assert_whole(rig, 3000)


async def test_kill_of_nats_makes_neither_double_nor_hole(make_rig: Callable[..., Rig], own_nats: NatsServer) -> None:
    async with connected(own_nats.url) as bus:
        rig = make_rig(on=bus)
        rig.start()
        frames = [tick_frame("TT", seq=seq) for seq in range(1, 1001, 2)]
        publishing = asyncio.create_task(keep_publishing(rig, TICKS, frames))
        await eventually(lambda: rig.rt.metric("recorded_rows_total", table="ticks") > 0)
        sessions = rig.rt.metric("record_sessions_total")
        await asyncio.to_thread(own_nats.kill)
        await asyncio.to_thread(own_nats.start)
        await eventually(lambda: rig.rt.metric("record_sessions_total") > sessions, 20)
        await publishing
        await has_rows(rig, 1000)
        await assert_whole(rig, 1000)
        await rig.stop()


async def test_database_away_at_start_is_waited_for(make_rig: Callable[..., Rig], own_postgres: PostgresServer) -> None:
    own_postgres.stop()
    rig = make_rig(database_url=own_postgres.url)
    rig.start()
    await eventually(lambda: rig.condition("database").get("detail") == "waiting for the database")
    await rig.publish(TICKS, tick_frame("T", seq=1))
    own_postgres.start()
    await eventually(lambda: rig.is_recording)
    await has_rows(rig, 1)  # it migrated the empty database itself


async def test_commit_of_unknown_fate_is_not_repeated(make_rig: Callable[..., Rig]) -> None:
    """The connection breaks after COMMIT, before the recorder learns of it."""
    rig = make_rig()
    write, told = rig.record.write, []

    async def commit_and_lose(parts: Sequence[tuple[Any, Offset]]) -> None:
        await write(parts)
        if not told:
            told.append(parts[0][1].last_seq)
            await rig.store.close()
            raise Transient("connection lost")

    rig.record.write = commit_and_lose  # type: ignore[method-assign]
    rig.start()
    await rig.publish(TICKS, tick_frame("TT", seq=1))
    await eventually(lambda: bool(told))
    await rig.publish(TICKS, tick_frame("TT", seq=3))
    await has_rows(rig, 4)
    await assert_whole(rig, 4)


async def test_old_days_are_dropped(make_rig: Callable[..., Rig]) -> None:
    day_ns = 86_400_000_000_000
    rig = make_rig(limits=replace(LIMITS, retention=Retention(2, 365)))
    rig.rt.clock.ns = T0_NS
    rig.start()
    await eventually(lambda: rig.is_recording)
    await rig.publish(TICKS, tick_frame("T", symbol="BACK0"))
    await has_rows(rig, 1)
    await eventually(lambda: rig.recorder is not None and rig.recorder._next_housekeeping_ns > 0)
    for back in (5, 3, 2):
        await rig.publish(TICKS, tick_frame("T", symbol=f"BACK{back}", ts_ingest_ns=T0_NS - back * day_ns))
    await has_rows(rig, 4)
    rig.rt.clock.advance(3_601_000_000_000)
    await eventually_symbols(rig, ["BACK0", "BACK2"])


async def eventually_symbols(rig: Rig, expected: list[str]) -> None:
    async def holds() -> bool:
        rows = await rig.fetch("SELECT symbol FROM ticks ORDER BY symbol")
        return [row["symbol"] for row in rows] == expected

    await eventually(holds)


@pytest.mark.parametrize("events", [1, 3])
async def test_backlog_is_told(rig: Rig, events: int) -> None:
    await rig.publish(TICKS, *(tick_frame("T", seq=seq + 1) for seq in range(events)))
    rig.start()
    await has_rows(rig, events)
    await eventually(lambda: rig.rt.metric("recorded_messages_total", stream="MARKET") == events)
    assert rig.rt.metric("record_pending_messages", stream="MARKET") == 0
