"""What TimescaleDB's own jobs do to a record: columnstore and refresh policies, run once, change no answer."""

import threading

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
        assert run_jobs(bars, "refresh_bars_job") == 1
        assert_equal(bars, frames)
        # A day that went to the columnstore still takes rows: a replay's clock, or a stream read again.
        more = make_frames(50, T0_NS + 2 * DAY_NS, span_s=600, seed=12, symbols=("SOLUSDT",))
        await writer.write(more)
        assert_equal(bars, [*frames, *more])
        count = bars.connection.execute("SELECT sum(events) FROM bar_parts_1s").fetchone()
        assert count == (len(events_of([*frames, *more])),)


async def test_refresh_takes_nothing_out_of_bars_whose_seconds_are_gone(bars: Bars, postgres_url: str) -> None:
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
        assert run_jobs(bars, "refresh_bars_job") == 1
        await writer.record.keep_house(now[0], Retention(days=1, bar_days=365, max_bytes=1))
        run_jobs(bars, "refresh_bars_job")
    for timeframe in list(LENGTH_S)[1:]:
        after = bars.ask(timeframe, "BTCUSDT")
        assert after.equals(before[timeframe]), timeframe


async def test_days_in_the_columnstore_go_when_they_are_too_old_and_young_ones_stay(
    bars: Bars, postgres_url: str
) -> None:
    """The jobs compress three days; then two of them are older than is kept. What is expected is counted by SQL."""
    ages = (9, 8, 3)
    async with opened(postgres_url) as writer:
        now = bars.connection.execute("SELECT (extract(epoch FROM now()) * 1e9)::bigint").fetchone()
        assert now is not None
        for seed, age in enumerate(ages, 20):
            at_ns = (now[0] // DAY_NS - age) * DAY_NS + DAY_NS // 2  # noon: no day ends meanwhile
            await writer.write(make_frames(100, at_ns, span_s=60, seed=seed, symbols=(f"AGE{age}",)))
        kept_rows = rows_of(bars, "AGE3")
        before = chunks_of(bars, "ticks")
        assert run_jobs(bars, "policy_compression") == 14
        compressed_chunks = chunks_of(bars, "ticks")
        assert [is_compressed for _, is_compressed in before] == [False] * 3
        assert [is_compressed for _, is_compressed in compressed_chunks] == [True] * 3
        assert size_of(bars, "ticks") < sum(size for size, _ in before)
        kept = await writer.record.keep_house(now[0], Retention(days=5, bar_days=365))
        assert kept.dropped > 0
    assert [is_compressed for _, is_compressed in chunks_of(bars, "ticks")] == [True]
    assert [rows_of(bars, f"AGE{age}") for age in ages] == [(0, 0), (0, 0), kept_rows]
    assert kept_rows[0] > 0 < kept_rows[1]


def rows_of(bars: Bars, symbol: str) -> tuple[int, int]:
    """How many ticks and book events there are of ``symbol``."""
    found = [
        bars.connection.execute(f"SELECT count(*) FROM {table} WHERE symbol = %s".encode(), (symbol,)).fetchone()
        for table in ("ticks", "book_events")
    ]
    ticks, events = (row[0] for row in found if row is not None)
    return ticks, events


def chunks_of(bars: Bars, table: str) -> list[tuple[int, bool]]:
    """Size and whether it is in the columnstore, of each day of ``table`` that holds rows, by time."""
    return bars.connection.execute(
        "SELECT pg_total_relation_size(format('%%I.%%I', chunk_schema, chunk_name)::regclass), is_compressed"
        " FROM timescaledb_information.chunks WHERE hypertable_name = %s AND range_end < now() ORDER BY range_start",
        (table,),
    ).fetchall()


def size_of(bars: Bars, table: str) -> int:
    row = bars.connection.execute(
        "SELECT sum(total_bytes) FROM chunks_detailed_size(%s) WHERE chunk_name IN ("
        " SELECT chunk_name FROM timescaledb_information.chunks WHERE hypertable_name = %s AND range_end < now())",
        (table, table),
    ).fetchone()
    assert row is not None
    return int(row[0])


async def test_what_waited_for_days_is_seen_before_and_after_the_job(bars: Bars, postgres_url: str) -> None:
    """The database was down from before these were final until now: a policy with a fixed reach would lose them."""
    frames = make_frames(200, T0_NS, span_s=DAY_S, seed=14)
    async with opened(postgres_url) as writer:
        await writer.write(frames[:100])
        bars.age("6 days")
        await writer.write(frames[100:])
        bars.age("20 minutes")
    assert_equal(bars, frames)
    assert run_jobs(bars, "refresh_bars_job") == 1
    assert_equal(bars, frames)
    final = bars.connection.execute(
        "SELECT count(*) FROM timescaledb_information.jobs WHERE proc_name = 'policy_refresh_continuous_aggregate'"
    ).fetchone()
    assert final == (0,)


async def test_job_and_recorder_at_the_same_moment_do_not_collide(bars: Bars, postgres_url: str) -> None:
    frames = make_frames(200, T0_NS, span_s=DAY_S, seed=15)
    async with opened(postgres_url) as writer:
        await writer.write(frames)
        bars.age("30 hours")
    faults: list[Exception] = []

    def refresh(through_job: bool) -> None:
        mine = Bars(postgres_url)
        try:
            if through_job:
                run_jobs(mine, "refresh_bars_job")
            else:
                mine.refresh()
            mine.connection.execute("SELECT expire_before(current_date - 30)")
            mine.connection.execute("SELECT expire_bars_before(current_date - 30)")
        except Exception as error:  # noqa: BLE001 - whatever it is, the assertion shows it
            faults.append(error)

    threads = [threading.Thread(target=refresh, args=(number % 2 == 0,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert faults == []
    assert_equal(bars, frames)


async def test_bars_are_whole_while_they_are_made_final(bars: Bars, postgres_url: str) -> None:
    """A refresh in batches, the newest first, hides what it has not come to: the watermark is past it already."""
    frames = make_frames(300, T0_NS, span_s=2 * DAY_S, seed=16)
    async with opened(postgres_url) as writer:
        for part in range(6):
            await writer.write(frames[part * 50 : part * 50 + 50])
            bars.age(f"{100 - 15 * part} hours")
    columns = "start_ns, first_seq, last_seq, events, live_events, trades, volume_qty, buy_volume_qty, price_qty"
    rest = "qty_per_price, open, high, low, close, mid_open, mid_high, mid_low, mid_close, worst_trust, run_id, venue"
    bars.connection.execute(  # many buckets of recording time: a copy of each part in each hour of four days
        f"INSERT INTO bar_parts_1s (recorded_at, {columns}, {rest}, symbol) SELECT now() - n * interval '1 hour',"
        f" {columns}, {rest}, 'COPY' FROM bar_parts_1s, generate_series(1, 96) AS n WHERE symbol = 'BTCUSDT'".encode()
    )
    total = bars.connection.execute("SELECT sum(events) FROM bar_parts_1s WHERE symbol = 'COPY'").fetchone()
    assert total is not None
    refreshing = threading.Thread(target=lambda: run_jobs(Bars(postgres_url), "refresh_bars_job"))
    refreshing.start()
    asked = 0
    while refreshing.is_alive() or asked == 0:
        for timeframe in list(LENGTH_S)[1:]:
            assert bars.ask(timeframe, "COPY")["events"].sum() == total[0], timeframe
            asked += 1
    refreshing.join()
    final = bars.connection.execute("SELECT sum(events) FROM bar_parts_1d WHERE symbol = 'COPY'").fetchone()
    assert final == total
