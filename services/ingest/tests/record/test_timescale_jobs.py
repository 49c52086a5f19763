"""What TimescaleDB's own jobs do to a record: columnstore and refresh policies, run once, change no answer."""

import psycopg
import pytest

from foretick.common.testing import T0_NS
from foretick.ingest.domain.retention import Retention

from .market_events import LENGTH_S, events_of, make_frames, opened
from .test_bars import Bars, assert_equal

DAY_S = 86_400
DAY_NS = DAY_S * 10**9


@pytest.fixture
def bars(postgres_url: str) -> Bars:
    bars = Bars(postgres_url)
    if bars.connection.execute("SELECT 1 FROM pg_extension WHERE extname = 'timescaledb'").fetchone() is None:
        pytest.skip("the server has no TimescaleDB: set TEST_DATABASE_URL to one that has")
    # The scheduler would run them as it likes; here the test does.
    bars.connection.execute("SELECT alter_job(job_id, scheduled => false) FROM timescaledb_information.jobs")
    return bars


def run_jobs(bars: Bars, procedure: str) -> int:
    jobs = bars.connection.execute(
        "SELECT job_id FROM timescaledb_information.jobs WHERE proc_name = %s ORDER BY job_id", (procedure,)
    ).fetchall()
    for (job,) in jobs:
        bars.connection.execute("CALL run_job(%s)", (job,))
    return len(jobs)


def compressed(bars: Bars) -> dict[str, int]:
    found = bars.connection.execute(
        "SELECT hypertable_name, count(*) FROM timescaledb_information.chunks WHERE is_compressed GROUP BY 1"
    ).fetchall()
    return dict(found)


def fingerprint(connection: psycopg.Connection, table: str) -> object:
    query = f"SELECT count(*), sum(hashtextextended({table}::text, 0)) FROM {table}"
    return connection.execute(query.encode()).fetchone()


async def test_jobs_run_and_every_answer_stays(bars: Bars, postgres_url: str) -> None:
    frames = make_frames(600, T0_NS, span_s=DAY_S, seed=11)  # ingested in 2025: old enough for the columnstore
    async with opened(postgres_url) as writer:
        await writer.write(frames)
        bars.age("10 days")
        tables = ("ticks", "book_events", "derivatives", "integrity_events", "bar_parts_1s")
        before = {table: fingerprint(bars.connection, table) for table in tables}
        assert run_jobs(bars, "policy_compression") == 14  # seven tables of events and messages, bars of seven lengths
        assert set(tables) <= compressed(bars).keys()
        assert {table: fingerprint(bars.connection, table) for table in tables} == before
        assert_equal(bars, frames)
        bars.refresh()
        assert run_jobs(bars, "policy_refresh_continuous_aggregate") == 6
        assert_equal(bars, frames)
        # A day that went to the columnstore still takes rows: a replay's clock, or a stream read again.
        more = make_frames(50, T0_NS + 2 * DAY_NS, span_s=600, seed=12, symbols=("SOLUSDT",))
        await writer.write(more)
        assert_equal(bars, [*frames, *more])
        count = bars.connection.execute("SELECT sum(events) FROM bar_parts_1s").fetchone()
        assert count == (len(events_of([*frames, *more])),)


async def test_refresh_policies_take_nothing_out_of_bars_whose_seconds_are_gone(bars: Bars, postgres_url: str) -> None:
    frames = make_frames(300, T0_NS, span_s=DAY_S, seed=13)
    async with opened(postgres_url) as writer:
        for part, age in enumerate(("49 hours", "25 hours", "3 hours")):
            await writer.write(frames[part * 100 : part * 100 + 100])
            bars.age(age)
        bars.refresh()
        before = {timeframe: bars.ask(timeframe, "BTCUSDT") for timeframe in LENGTH_S}
        now = bars.connection.execute("SELECT (extract(epoch FROM now()) * 1e9)::bigint").fetchone()
        assert now is not None
        kept = await writer.record.keep_house(now[0], Retention(days=1, bar_days=365, max_bytes=1))
        assert kept.dropped > 0
        run_jobs(bars, "policy_refresh_continuous_aggregate")
        await writer.record.keep_house(now[0], Retention(days=1, bar_days=365, max_bytes=1))
        run_jobs(bars, "policy_refresh_continuous_aggregate")
    for timeframe in list(LENGTH_S)[1:]:
        after = bars.ask(timeframe, "BTCUSDT")
        assert after.equals(before[timeframe]), timeframe
