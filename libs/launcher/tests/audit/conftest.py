"""A record as the recorder's own process wrote it, of a small market whose every number is known.

Each instrument of the market tells another story (see ``market``). The record is written once a session; its rows are
restored after each test.
"""

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass

import msgspec
import psycopg
import pytest

from foretick.common.contracts import BookCounts, BookEvent, BookEventKind, DerivativeColumns, Message, Trust
from foretick.common.runtime.bus import Bus
from foretick.common.subjects import BOOKS, FEATURE_VECTORS, OUTCOME_MESSAGES, PREDICTION_MESSAGES, TICKS, Subject
from foretick.common.testing import FakeRuntime, servers
from foretick.common.testing.builders import (
    INTERVAL_NS,
    T0_NS,
    book_frame,
    feature_vector,
    outcome,
    prediction,
    snapshot,
    tick_frame,
)
from foretick.common.units import NS_PER_MS

RUN = "audited"
STEP = T0_NS // INTERVAL_NS

Sent = tuple[Subject, Message]


def ticks(symbol: str, first: int, last: int, epoch: int = 1) -> list[Sent]:
    """Events ``first`` to ``last`` in frames of up to ten: trades, quotes and clocks in turn."""
    return [
        (
            TICKS,
            tick_frame(
                "TQTCQ"[: min(10, last + 1 - seq)] * 2 if last + 1 - seq >= 10 else "T" * (last + 1 - seq),
                seq=seq, symbol=symbol, run_id=RUN, epoch=epoch,
                start_ns=T0_NS + (seq + 1000 * epoch) * NS_PER_MS,
            ),
        )
        for seq in range(first, last + 1, 10)
    ]  # fmt: skip


def books(symbol: str, first: int, last: int, epoch: int = 1) -> list[Sent]:
    """Snapshots as the events ``first`` to ``last``."""
    return [(BOOKS, book_frame(seq=seq, symbol=symbol, run_id=RUN, epoch=epoch)) for seq in range(first, last + 1)]


def perpetual(symbol: str) -> list[Sent]:
    """Events 1 to 25: ticks with what a derivative's venue says and liquidations among them, between two books."""
    counted = snapshot(counts=BookCounts(syncs=1, checksums_checked=7))
    resync = BookEvent(
        kind=BookEventKind.STATE, ts_recv_ns=T0_NS, ts_event_ns=None, trust=Trust.RESYNC, reason="the chain broke",
        counts=BookCounts(syncs=1, chain_breaks=1),
    )  # fmt: skip
    said = DerivativeColumns(
        mark_price=[100.5, None], index_price=[None, 100.25], funding_rate_frac=[1e-4, None],
        next_funding_ns=[T0_NS + 8 * 3600 * 10**9, None], open_interest_qty=[None, 12.5],
    )  # fmt: skip
    return [
        (BOOKS, book_frame([counted], symbol=symbol, run_id=RUN)),
        (TICKS, tick_frame("TDQLTDC", seq=2, symbol=symbol, run_id=RUN, derivatives=said)),
        (TICKS, tick_frame("DLT", seq=9, symbol=symbol, run_id=RUN)),
        (TICKS, tick_frame("LZ" + "T" * 10, seq=12, symbol=symbol, run_id=RUN)),
        (BOOKS, book_frame([resync, counted], seq=24, symbol=symbol, run_id=RUN)),
    ]


def gap_record(symbol: str, seq: int, first: int, last: int) -> list[Sent]:
    """Event ``seq``, by which ingest declares ``first`` to ``last`` as lost."""
    event = BookEvent(
        kind=BookEventKind.STATE, ts_recv_ns=T0_NS, ts_event_ns=None, trust=Trust.GAP, reason="the bus was away",
        gap_from_seq=first, gap_through_seq=last,
    )  # fmt: skip
    return [(BOOKS, book_frame([event], seq=seq, symbol=symbol, run_id=RUN))]


def vector(symbol: str, asof_seq: int, prev_asof_seq: int | None, epoch: int = 1) -> Sent:
    """A vector a second of data time, so that each is sampled into the rows."""
    return FEATURE_VECTORS, feature_vector(
        step=STEP + asof_seq, asof_seq=asof_seq, prev_asof_seq=prev_asof_seq, symbol=symbol, run_id=RUN, epoch=epoch,
        ts_recv_ns=T0_NS + asof_seq * 1_000_000_000,
    )  # fmt: skip


def derived(symbol: str, asof_seqs: range) -> list[Sent]:
    """A vector as of each event, its prediction, and the outcome of all but the last."""
    sent: list[Sent] = []
    for asof_seq in asof_seqs:
        prev = asof_seq - asof_seqs.step if asof_seq > asof_seqs.start else None
        names = {"symbol": symbol, "run_id": RUN, "asof_seq": asof_seq, "step": STEP + asof_seq}
        sent += [
            vector(symbol, asof_seq, prev),
            (PREDICTION_MESSAGES, prediction(prev_asof_seq=prev, **names)),
            (OUTCOME_MESSAGES, outcome(realised_seq=asof_seq + asof_seqs.step, **names)),
        ]
    return sent[:-1]


def market() -> list[Sent]:
    """Everything that is published, instrument by instrument."""
    return [
        *books("WHOLE", 1, 1), *ticks("WHOLE", 2, 61), *books("WHOLE", 62, 64), *ticks("WHOLE", 65, 104),
        *derived("WHOLE", range(10, 101, 10)),
        *books("TOLD", 1, 1), *ticks("TOLD", 2, 20), *gap_record("TOLD", 31, 21, 30), *ticks("TOLD", 32, 51),
        *books("SHORT", 1, 1), *ticks("SHORT", 2, 20), *gap_record("SHORT", 31, 21, 26), *ticks("SHORT", 32, 51),
        *books("UNTOLD", 1, 1), *ticks("UNTOLD", 2, 20), *ticks("UNTOLD", 31, 50),
        *books("LATE", 5, 5), *ticks("LATE", 6, 25),
        *books("FENCED", 1, 1), *ticks("FENCED", 2, 21), *ticks("FENCED", 22, 31, epoch=2),
        *ticks("FENCED", 22, 41, epoch=1), *ticks("FENCED", 32, 41, epoch=2),
        *books("ANEW", 1, 1), *ticks("ANEW", 2, 21), *ticks("ANEW", 15, 34, epoch=2),
        *books("REPEATED", 1, 1), *ticks("REPEATED", 2, 21), *ticks("REPEATED", 12, 31),
        *books("CHAIN", 1, 1), *ticks("CHAIN", 2, 51), vector("CHAIN", 10, None), vector("CHAIN", 20, 10),
        vector("CHAIN", 40, 30), vector("CHAIN", 50, 40),
        *books("OUTAGE", 1, 1), *ticks("OUTAGE", 2, 20), *gap_record("OUTAGE", 31, 21, 30), *ticks("OUTAGE", 32, 51),
        vector("OUTAGE", 10, None), vector("OUTAGE", 40, 20), vector("OUTAGE", 50, 40),
        *perpetual("PERP"),
        *books("AHEAD", 1, 1), *ticks("AHEAD", 2, 21), vector("AHEAD", 20, None), vector("AHEAD", 25, 20),
    ]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Recorded:
    """Where the record and the streams are."""

    database_url: str
    nats_url: str

    def execute(self, query: str, *parameters: object) -> None:
        """Alter the record."""
        with psycopg.connect(self.database_url) as connection:
            assert connection.execute(query.encode(), parameters).rowcount > 0, "the test alters nothing"


async def publish(nats_url: str, sent: list[Sent]) -> dict[str, int]:
    """Publish as ingest and the others do, each acknowledged; return the last number of every stream."""
    rt = FakeRuntime()
    bus = Bus(nats_url, "audit-tests", rt.log, rt.health)
    await bus.connect()
    await bus.ensure_streams()
    for subject, message in sent:
        await bus.js.publish(subject.of(message.venue, message.symbol), msgspec.json.encode(message))
    last = {stream: (await bus.js.stream_info(stream)).state.last_seq for stream in {s.stream.name for s, _ in sent}}
    await bus.close()
    return last


def record(database_url: str, nats_url: str, through: dict[str, int]) -> None:
    """Let the recorder run until it has written all streams ``through`` these numbers."""
    environment = {name: os.environ[name] for name in ("PATH", "HOME", "TMPDIR", "LANG") if name in os.environ}
    environment |= {"DATABASE_URL": database_url, "NATS_URL": nats_url, "RUN_ID": RUN, "RECORD_RETENTION_DAYS": "3650"}
    command = [sys.executable, "-m", "foretick.ingest", "record"]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as recorder:
        end = time.monotonic() + 60
        while time.monotonic() < end and recorder.poll() is None:
            with psycopg.connect(database_url) as connection:
                offsets = dict(connection.execute("SELECT stream, last_seq FROM stream_offsets").fetchall())
            if all(offsets.get(stream, 0) >= last for stream, last in through.items()):
                break
            time.sleep(0.05)
        recorder.terminate()
        output = recorder.communicate()[0].decode()
    assert all(offsets.get(stream, 0) >= last for stream, last in through.items()), output


_TABLES = """
SELECT relname FROM pg_class JOIN pg_namespace n ON n.oid = relnamespace
WHERE nspname = 'public' AND relkind IN ('r', 'p') AND NOT relispartition
"""


def keep_rows(database_url: str) -> None:
    """Put a copy of every table beside it."""
    with psycopg.connect(database_url) as connection:
        connection.execute("CREATE SCHEMA kept")
        for (table,) in connection.execute(_TABLES.encode()).fetchall():
            connection.execute(f"CREATE TABLE kept.{table} AS TABLE {table}".encode())


def restore_rows(database_url: str) -> None:
    """Make every table what it was when its rows were kept."""
    with psycopg.connect(database_url) as connection:
        for (table,) in connection.execute(_TABLES.encode()).fetchall():
            connection.execute(f"DELETE FROM {table}".encode())
            connection.execute(f"INSERT INTO {table} TABLE kept.{table}".encode())


@pytest.fixture(scope="session")
def original(postgres_address: str, postgres_template: str) -> Iterator[Recorded]:
    """The record that tests alter one after the other."""
    with (
        servers.nats_process() as server,
        servers.fresh_database(postgres_address, postgres_template) as database_url,
    ):
        record(database_url, server.url, asyncio.run(publish(server.url, market())))
        keep_rows(database_url)
        yield Recorded(database_url, server.url)


@pytest.fixture
def recorded(original: Recorded) -> Iterator[Recorded]:
    """The record as it was written, whose rows a test may alter, and the streams, which it may not."""
    yield original
    restore_rows(original.database_url)
