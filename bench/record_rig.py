"""The rig of the ``record`` figure: frames for stream MARKET, the recorder as a process, and ``psql`` on the same rows.

The rows that ``psql`` copies are written here, straight from the contract's definition and without the recorder's code,
so that equal tables say that the recorder wrote what was sent.
"""

import asyncio
import os
import random
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TextIO

import msgspec
import nats
import psycopg

from foretick.common import subjects
from foretick.common.contracts import Origin, QuoteColumns, TickFrame, TradeColumns, Trust
from foretick.common.runtime.embedded import NatsServer
from foretick.common.runtime.embedded.postgres import find_program
from foretick.launcher.domain.plan import RECORD, Addresses, Run, child_environment, environment_of

SYMBOLS = ("BTCUSDT", "ETHUSDT", "ADAUSDT", "SOLUSDT", "AAPL", "GOOGL", "TSLA", "MSFT")
RUN_ID = "bench-record"
COLUMNS = (
    "ingested_at", "ts", "recv_ns", "event_ns", "epoch", "seq", "trade_id", "price", "qty", "bid", "bid_qty", "ask",
    "ask_qty", "side", "kind", "trust", "origin", "run_id", "venue", "symbol",
)  # fmt: skip
_DEADLINE_S = 300.0
_POLL_S = 0.005
_DURATION = re.compile(r"Time: ([0-9.]+) ms")


def make_frames(ticks: int, sizes: tuple[int, int], seed: int = 7) -> Iterator[TickFrame]:
    """Yield frames of ``sizes[0]`` to ``sizes[1]`` events over 8 symbols, together ``ticks`` events.

    A trade, then the quote it leaves behind, as a venue sends them; a price walks by ticks of 0.01.
    """
    rng = random.Random(seed)
    seqs, now_ns = dict.fromkeys(SYMBOLS, 1), time.time_ns()
    mids = {symbol: rng.randrange(10_000, 6_000_000) for symbol in SYMBOLS}
    while ticks > 0:
        symbol = rng.choice(SYMBOLS)
        count = min(ticks, rng.randint(*sizes))
        ticks -= count
        kinds = ("TQ" * count)[:count]
        trades, quotes = kinds.count("T"), kinds.count("Q")
        recv_ns = [now_ns + 10_000 * index for index in range(count)]
        now_ns = recv_ns[-1] + 10_000
        mids[symbol] += rng.choice((-1, 0, 1))
        mid, seq = mids[symbol], seqs[symbol]
        seqs[symbol] += count
        sides: list[int] = [rng.choice((-1, 1)) for _ in range(trades)]
        yield TickFrame(
            venue="sim", symbol=symbol, origin=Origin.SIM, run_id=RUN_ID, producer="ingest.feed-0", epoch=1,
            ts_recv_ns=recv_ns[-1], ts_ingest_ns=recv_ns[-1], ts_sent_ns=recv_ns[-1], trust=Trust.LIVE, seq=seq,
            kinds=kinds, recv_ns=recv_ns,
            event_ns=[None if kind == "Q" else at - at % 1_000_000 for kind, at in zip(kinds, recv_ns, strict=True)],
            trades=TradeColumns(
                price=[(mid + side) / 100 for side in sides], qty=[rng.randint(1, 5_000) / 1000 for _ in sides],
                side=sides, trade_id=list(range(seq, seq + trades)),
            ),
            quotes=QuoteColumns(
                bid=[(mid - 1) / 100] * quotes, bid_qty=[rng.randint(1, 5_000) / 1000 for _ in range(quotes)],
                ask=[(mid + 1) / 100] * quotes, ask_qty=[rng.randint(1, 5_000) / 1000 for _ in range(quotes)],
            ),
        )  # fmt: skip


def write_rows(frame: TickFrame, file: TextIO) -> None:
    r"""Write the rows of ``frame`` in COPY's text format: tabs, ``\N`` for NULL, times in microseconds as text."""
    trades = zip(frame.trades.price, frame.trades.qty, frame.trades.side, frame.trades.trade_id, strict=True)
    quotes = zip(frame.quotes.bid, frame.quotes.bid_qty, frame.quotes.ask, frame.quotes.ask_qty, strict=True)
    ingested = _utc(frame.ts_ingest_ns)
    for index, kind in enumerate(frame.kinds):
        price, qty, side, trade_id = next(trades) if kind == "T" else (None,) * 4
        bid, bid_qty, ask, ask_qty = next(quotes) if kind == "Q" else (None,) * 4
        recv_ns = frame.recv_ns[index]
        values = (
            ingested, _utc(recv_ns), recv_ns, frame.event_ns[index], frame.epoch, frame.seq + index, trade_id, price,
            qty, bid, bid_qty, ask, ask_qty, side, kind, frame.trust.value, frame.origin.value, frame.run_id,
            frame.venue, frame.symbol,
        )  # fmt: skip
        file.write("\t".join("\\N" if value is None else str(value) for value in values) + "\n")


async def publish(url: str, frames: Iterator[TickFrame], rows: TextIO | None) -> tuple[int, int]:
    """Put ``frames`` alone into stream MARKET, and their rows into ``rows``; return messages and bytes."""
    nc = await nats.connect(url)
    js = nc.jetstream()
    await js.purge_stream(subjects.MARKET.name)
    messages = total_bytes = 0
    for frame in frames:
        payload = msgspec.json.encode(frame)
        await nc.publish(subjects.TICKS.of(frame.venue, frame.symbol), payload)
        if rows is not None:
            write_rows(frame, rows)
        messages, total_bytes = messages + 1, total_bytes + len(payload)
        if messages % 256 == 0:
            await nc.flush()
    await nc.flush()
    end = time.monotonic() + _DEADLINE_S
    while (await js.stream_info(subjects.MARKET.name)).state.messages < messages:
        if time.monotonic() > end:
            raise RuntimeError("stream MARKET did not take every frame")
        await asyncio.sleep(0.05)
    await nc.close()
    return messages, total_bytes


@dataclass(frozen=True, slots=True)
class Drain:
    """One run of the recorder over the whole backlog.

    seconds: from the creation of its consumer, before the first message is asked for, to the commit of the last row
    cpu_s: processor time of the recorder's process in that time
    """

    seconds: float
    cpu_s: float


async def drain(server: NatsServer, database_url: str, folder: Path) -> Drain:
    """Run the recorder as the launcher does, on an empty database, until stream MARKET is in the rows."""
    nc = await nats.connect(server.url)
    last_seq = (await nc.jetstream().stream_info(subjects.MARKET.name)).state.last_seq
    created: asyncio.Future[tuple[float, float]] = asyncio.get_running_loop().create_future()
    with recorder(server.url, database_url, folder) as process:

        async def on_created(_: object) -> None:
            if not created.done():
                created.set_result((time.perf_counter(), _cpu_s(process.pid)))

        await nc.subscribe(f"$JS.EVENT.ADVISORY.CONSUMER.CREATED.{subjects.MARKET.name}.>", cb=on_created)
        start, cpu_start = await asyncio.wait_for(created, _DEADLINE_S)
        async with await psycopg.AsyncConnection.connect(database_url, autocommit=True) as connection:
            query = "SELECT last_seq FROM stream_offsets WHERE stream = 'MARKET'"
            while True:
                row = await (await connection.execute(query)).fetchone()
                if row is not None and row[0] >= last_seq:
                    break
                if process.poll() is not None or time.perf_counter() - start > _DEADLINE_S:
                    raise RuntimeError(f"the recorder did not finish; its log is in {folder}")
                await asyncio.sleep(_POLL_S)
            done = Drain(time.perf_counter() - start, _cpu_s(process.pid) - cpu_start)
    await nc.close()
    return done


@contextmanager
def recorder(nats_url: str, database_url: str, folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    """The role ``ingest.record`` as the launcher starts it; it is drained at the end of the block."""
    run = Run(RUN_ID, str(folder), "", ("sim",))
    told = environment_of(RECORD, run, Addresses(nats_url, 0, 0), 0, database_url)
    with (folder / "record.log").open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "foretick.ingest", "record"],
            env=child_environment(os.environ, told), stdout=log, stderr=subprocess.STDOUT,
        )  # fmt: skip
        try:
            yield process
        finally:
            process.terminate()
            process.wait(30)


def copy_from(database_url: str, path: Path, form: str) -> float:
    r"""Fill table ``ticks`` from ``path`` by ``psql \copy``; return the seconds that psql itself reports."""
    return _psql(database_url, f"\\copy ticks ({', '.join(COLUMNS)}) FROM '{path}' (FORMAT {form})")


def copy_to(database_url: str, path: Path, form: str) -> None:
    r"""Write table ``ticks`` to ``path`` by ``psql \copy``, in the order of the table."""
    _psql(database_url, f"\\copy (SELECT {', '.join(COLUMNS)} FROM ticks) TO '{path}' (FORMAT {form})")


def prepare(database_url: str) -> None:
    """Make the partitions of today and tomorrow, and flush what earlier trials left to be written."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("SELECT ensure_day(current_date), ensure_day(current_date + 1)")
        connection.execute("CHECKPOINT")


def fingerprint(database_url: str) -> tuple[int, int]:
    """Return the number of rows of ``ticks`` and the sum of their hashes, over every column."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        columns = ", ".join(COLUMNS)
        row = connection.execute(
            f"SELECT count(*), coalesce(sum(hash_record_extended(ROW({columns}), 0)), 0) FROM ticks"  # type: ignore[arg-type]
        ).fetchone()
    assert row is not None  # an aggregate without groups is always one row
    return int(row[0]), int(row[1])


def version_of(database_url: str) -> str:
    """Return what the server is, and the version of TimescaleDB that a migrated database there uses."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        found = connection.execute("SELECT default_version FROM pg_available_extensions WHERE name = 'timescaledb'")
        row = found.fetchone()
        server = connection.info.parameter_status("server_version")
    return f"PostgreSQL {server}" + (f" with TimescaleDB {row[0]}" if row else "")


def _psql(database_url: str, command: str) -> float:
    done = subprocess.run(
        [find_program("psql"), database_url, "-X", "-q", "-v", "ON_ERROR_STOP=1", "-c", "\\timing on", "-c", command],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    found = _DURATION.search(done.stdout)
    if found is None:
        raise RuntimeError(f"psql reported no duration: {done.stdout!r} {done.stderr!r}")
    return float(found[1]) / 1000


def _cpu_s(pid: int) -> float:
    """Return the processor time of process ``pid``, user and system, of all its threads."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _utc(ns: int) -> str:
    """Return ``ns`` as PostgreSQL reads a timestamptz, cut to microseconds."""
    return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=ns // 1000)).isoformat(sep=" ")
