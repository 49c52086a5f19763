"""record: rows a second from the bus into the table, over ``psql \\copy`` of the very same rows; drain: over 20,000.

A backlog of ticks lies in stream MARKET, in frames of 16 to 64 events as ingest publishes them under load; the recorder
runs as the launcher runs it and drains it into an empty database. The rival copies the same rows from a file into the
same tables with the same key on the same server, in the faster of COPY's text and binary formats, as one transaction.
``TEST_DATABASE_URL`` names another server than the embedded one, such as one with TimescaleDB; its version is printed.
Both start after a checkpoint. A trial counts only if both tables hold equal rows, and these equal what was sent.
"""

import asyncio
import io
import os
import statistics
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench import record_rig as rig
from bench.harness import NULL_PAIR_HIGH, NULL_PAIR_LOW, Figure, MachineTooNoisy
from foretick.common.runtime.bus import Bus
from foretick.common.runtime.embedded import NatsServer, PostgresServer
from foretick.common.runtime.health import Health
from foretick.common.runtime.logs import configure_logging
from foretick.common.testing.servers import fresh_database, migrated_template

TICKS = 1_000_000
_SMALL_TICKS = 250_000
_ROUNDS = 5
LIVE_PER_S = 20_000
"""The floor of figure ``sustain``: at this rate a backlog would have grown."""


@dataclass(frozen=True, slots=True)
class Rival:
    """The file that ``psql`` copies, in its faster format, and what the table holds afterwards."""

    path: Path
    form: str
    text_s: float
    binary_s: float
    rows: tuple[int, int]


class Bench:
    """Servers, their backlog, and the trials of both sides, each on a database of its own."""

    def __init__(self, nats: NatsServer, address: str, template: str, folder: Path) -> None:
        self._nats = nats
        self._address = address
        self._template = template
        self._folder = folder

    @contextmanager
    def database(self) -> Iterator[str]:
        """An empty migrated database, after a checkpoint."""
        with fresh_database(self._address, self._template) as url:
            rig.prepare(url)
            yield url

    def make_rival(self, text_path: Path) -> Rival:
        """Copy the text once, write the binary from the table, copy that once; choose the faster."""
        binary_path = text_path.with_suffix(".bin")
        with self.database() as url:
            text_s = rig.copy_from(url, text_path, "text")
            rows = rig.fingerprint(url)
            rig.copy_to(url, binary_path, "binary")
        with self.database() as url:
            binary_s = rig.copy_from(url, binary_path, "binary")
        path, form = (text_path, "text") if text_s < binary_s else (binary_path, "binary")
        return Rival(path, form, text_s, binary_s, rows)

    def copy(self, rival: Rival) -> float:
        """Return the seconds of ``psql`` for all rows."""
        with self.database() as url:
            seconds = rig.copy_from(url, rival.path, rival.form)
            _require_equal(rig.fingerprint(url), rival)
            return seconds

    def drain(self, rival: Rival) -> rig.Drain:
        """Return what the recorder took for all rows."""
        with self.database() as url:
            done = asyncio.run(rig.drain(self._nats, url, self._folder))
            _require_equal(rig.fingerprint(url), rival)
            return done


def measure() -> list[Figure]:
    """Interleave rival, recorder, rival again; then drain frames of 1 to 4 events for the note."""
    with (
        tempfile.TemporaryDirectory(prefix="foretick-bench-") as name,
        NatsServer(Path(name) / "nats") as nats,
        _database_server(Path(name) / "postgres") as address,
        migrated_template(address) as template,
    ):
        folder = Path(name)
        folder.chmod(0o711)
        asyncio.run(_make_streams(nats.url))
        version = rig.version_of(address)
        bench = Bench(nats, address, template, folder)
        rival = _fill(bench, nats, folder, TICKS, (16, 64))
        drains, copies, again = [], [], []
        for _ in range(_ROUNDS):
            copies.append(bench.copy(rival))
            drains.append(bench.drain(rival))
            again.append(bench.copy(rival))
        null = statistics.median(copies) / statistics.median(again)
        if not NULL_PAIR_LOW <= null <= NULL_PAIR_HIGH:
            raise MachineTooNoisy(f"null pair {null:.3f}")
        small = bench.drain(_fill(bench, nats, folder, _SMALL_TICKS, (1, 4)))
    ours, theirs = TICKS / statistics.median(each.seconds for each in drains), TICKS / statistics.median(copies + again)
    cpu_us = statistics.median(each.cpu_s for each in drains) / TICKS * 1e6
    note = (
        f"{ours:,.0f} rows/s against {theirs:,.0f} of psql ({rival.form}; text {TICKS / rival.text_s:,.0f}, binary "
        f"{TICKS / rival.binary_s:,.0f}) on {version}, null pair {null:.2f}; {cpu_us:.1f} us of the "
        f"recorder's processor a row; in frames of 1 to 4 events {_SMALL_TICKS / small.seconds:,.0f} rows/s and "
        f"{small.cpu_s / _SMALL_TICKS * 1e6:.1f} us"
    )
    drained = f"{ours:,.0f} rows/s of a backlog against {LIVE_PER_S:,} ticks/s, the floor of what the system sustains"
    return [
        Figure("record", ours / theirs, "x psql \\copy", floor=0.5, aim=0.9, smaller_is_better=False, note=note),
        Figure("drain", ours / LIVE_PER_S, "x live", floor=5.0, aim=None, smaller_is_better=False, note=drained),
    ]


@contextmanager
def _database_server(folder: Path) -> Iterator[str]:
    """Yield the address of the server under ``TEST_DATABASE_URL``, else of an embedded one in ``folder``."""
    if given := os.environ.get("TEST_DATABASE_URL"):
        yield given
        return
    with PostgresServer(folder) as postgres:
        yield postgres.url


def _fill(bench: Bench, nats: NatsServer, folder: Path, ticks: int, sizes: tuple[int, int]) -> Rival:
    """Fill stream MARKET with ``ticks`` ticks in frames of ``sizes`` events; return the rival for them."""
    text_path = folder / f"ticks-{sizes[0]}.txt"
    with text_path.open("w", buffering=io.DEFAULT_BUFFER_SIZE * 16) as rows:
        asyncio.run(rig.publish(nats.url, rig.make_frames(ticks, sizes), rows))
    text_path.chmod(0o644)
    rival = bench.make_rival(text_path)
    if rival.rows[0] != ticks:
        raise RuntimeError(f"{ticks} ticks sent, {rival.rows[0]} rows copied")
    return rival


def _require_equal(rows: tuple[int, int], rival: Rival) -> None:
    if rows != rival.rows:
        raise RuntimeError(f"tables differ: {rows} against {rival.rows} (rows, sum of hashes)")


async def _make_streams(url: str) -> None:
    bus = Bus(url, "bench.record", configure_logging("bench", "ERROR"), Health("bench"))
    await bus.connect()
    await bus.ensure_streams()
    await bus.close()
