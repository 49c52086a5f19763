"""Bars of the record against polars over the same events: however commits were cut, and whatever has been made final.

The same tests run on plain PostgreSQL and, with ``TEST_DATABASE_URL``, on TimescaleDB: both equal the oracle.
"""

from collections.abc import AsyncIterator, Sequence

import polars as pl
import psycopg
import pytest
from polars.testing import assert_frame_equal

from foretick.common.contracts import InstrumentKind
from foretick.common.runtime import migrate
from foretick.common.testing import T0_NS, instrument, tick_frame
from foretick.ingest.domain.continuity import Positions
from foretick.ingest.domain.retention import Retention
from foretick.ingest.domain.rows import Rows
from foretick.ingest.domain.stream import Offset

from .market_events import LENGTH_S, SECOND_NS, Frame, MarketWriter, bars_of, events_of, make_frames, opened

ALL_NS = (0, 2**62)
DAY_S = 86_400
KEEP_ALL = Retention(36_500, 36_500)


class Bars:
    """The database that is asked."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.connection = psycopg.connect(url, autocommit=True, options="-c timezone=UTC")

    def ask(self, timeframe: str, symbol: str, span: tuple[int, int] = ALL_NS, run_id: str = "test") -> pl.DataFrame:
        query = "SELECT * FROM bars(%s, %s, 'sim', %s, %s, %s)"
        with self.connection.cursor(binary=True) as cursor:
            rows = cursor.execute(query, (timeframe, run_id, symbol, *span)).fetchall()
            names = [column.name for column in cursor.description or ()]
        return pl.DataFrame(rows, schema=names, orient="row", infer_schema_length=None).drop("ts")

    def refresh(self, ago: str = "0") -> None:
        """Make bars final as it would have been done ``ago``."""
        self.connection.execute(f"CALL refresh_bars(now() - interval '{ago}')".encode())

    def age(self, interval: str) -> None:
        """Let the parts that were written just now have been recorded ``interval`` ago."""
        self.connection.execute(f"SELECT ensure_day((now() - interval '{interval}')::date)".encode())
        columns = self.connection.execute(
            "SELECT string_agg(column_name, ', ') FROM information_schema.columns"
            " WHERE table_name = 'bar_parts_1s' AND column_name <> 'recorded_at'"
        ).fetchone()
        assert columns is not None
        self.connection.execute(
            f"WITH moved AS (DELETE FROM bar_parts_1s WHERE recorded_at > now() - interval '4 minutes' RETURNING *)"
            f" INSERT INTO bar_parts_1s (recorded_at, {columns[0]})"
            f" SELECT recorded_at - interval '{interval}', {columns[0]} FROM moved".encode()
        )

    def is_timescale(self) -> bool:
        return (
            self.connection.execute("SELECT 1 FROM pg_extension WHERE extname = 'timescaledb'").fetchone() is not None
        )


@pytest.fixture
async def writer(postgres_url: str) -> AsyncIterator[MarketWriter]:
    async with opened(postgres_url) as writer:
        yield writer


@pytest.fixture
def bars(postgres_url: str) -> Bars:
    return Bars(postgres_url)


def assert_equal(bars: Bars, frames: Sequence[Frame], run_id: str = "test") -> None:
    """Every bar of every timeframe and instrument is what polars makes of the events."""
    events = events_of(frames)
    for symbol in events["symbol"].unique():
        for timeframe in LENGTH_S:
            expected = bars_of(events, run_id, symbol, timeframe)
            found = bars.ask(timeframe, symbol, run_id=run_id).select(expected.columns)
            assert_frame_equal(found, expected, check_dtypes=False, check_exact=False, rel_tol=1e-12, abs_tol=1e-12)


@pytest.mark.parametrize("commits", [1, 7, 200])
async def test_bars_are_those_of_all_events_however_commits_are_cut(
    writer: MarketWriter, bars: Bars, commits: int
) -> None:
    frames = make_frames(400, T0_NS, span_s=2.5 * DAY_S)
    size = -(-len(frames) // commits)
    for first in range(0, len(frames), size):
        await writer.write(frames[first : first + size], chunks=2)
    assert_equal(bars, frames)


async def test_seconds_in_a_burst_are_told_apart(writer: MarketWriter, bars: Bars) -> None:
    frames = make_frames(600, T0_NS - 30 * SECOND_NS, span_s=40, seed=5)
    await writer.write(frames, chunks=3)
    assert_equal(bars, frames)


async def test_what_is_final_and_what_is_not_are_one(writer: MarketWriter, bars: Bars) -> None:
    frames = make_frames(500, T0_NS, span_s=3 * DAY_S, seed=2)
    written = 0
    for age, then in (
        ("50 hours", "27 hours"),
        ("26 hours", "8 hours"),
        ("7 hours", "2 hours"),
        ("1 hour", "30 minutes"),
    ):
        await writer.write(frames[written : written + 100])
        written += 100
        bars.age(age)
        assert_equal(bars, frames[:written])
        bars.refresh(then)
        assert_equal(bars, frames[:written])
    await writer.write(frames[written:])
    assert_equal(bars, frames)
    bars.refresh()
    assert_equal(bars, frames)


async def test_older_data_that_comes_later_is_seen_at_once(writer: MarketWriter, bars: Bars) -> None:
    """A replay of last year beside a live run whose bars are final: nothing waits for a refresh, nothing is lost."""
    live = make_frames(100, T0_NS, span_s=DAY_S, seed=3)
    await writer.write(live)
    bars.age("3 hours")
    bars.refresh("150 minutes")
    replay = make_frames(100, T0_NS - 400 * DAY_S * SECOND_NS, span_s=DAY_S, seed=4, run_id="replay")
    await writer.write(replay)
    assert_equal(bars, replay, "replay")
    assert_equal(bars, live)
    bars.age("2 hours")
    bars.refresh()
    assert_equal(bars, replay, "replay")
    assert_equal(bars, live)


async def test_bars_outlive_the_seconds_they_were_made_from(writer: MarketWriter, bars: Bars) -> None:
    frames = make_frames(200, T0_NS, span_s=DAY_S, seed=6)
    await writer.write(frames)
    bars.age("5 days")
    bars.refresh()
    before = {timeframe: bars.ask(timeframe, "BTCUSDT") for timeframe in LENGTH_S}
    assert bars.connection.execute("SELECT expire_before(current_date - 2)").fetchone() != (0,)
    assert bars.connection.execute("SELECT count(*) FROM bar_parts_1s").fetchone() == (0,)
    bars.refresh()
    for timeframe in list(LENGTH_S)[1:]:
        assert_frame_equal(bars.ask(timeframe, "BTCUSDT"), before[timeframe])
        assert before[timeframe]["is_partial"].to_list() == [False] * (len(before[timeframe]) - 1) + [True]
    assert len(bars.ask("1s", "BTCUSDT")) == 0


async def test_seconds_of_yesterday_stay_whatever_the_bound(writer: MarketWriter, bars: Bars) -> None:
    await writer.write([tick_frame("TQ")])
    bars.age("24 hours")
    bars.connection.execute("SELECT expire_before(current_date + 1)")
    assert bars.connection.execute("SELECT count(*) FROM bar_parts_1s").fetchone() == (1,)


async def test_old_bars_expire_by_when_they_were_recorded(writer: MarketWriter, bars: Bars) -> None:
    await writer.write([tick_frame("TQ")])
    bars.age("30 days")
    bars.refresh("1 day")
    await writer.write([tick_frame("TQ", seq=3, start_ns=T0_NS - DAY_S * SECOND_NS)])
    bars.connection.execute("SELECT expire_before(current_date - 7)")
    assert len(bars.ask("1d", "BTCUSDT")) == 2
    bars.connection.execute("SELECT expire_bars_before(current_date - 20)")
    for timeframe in LENGTH_S:
        assert bars.ask(timeframe, "BTCUSDT")["first_seq"].to_list() == [3], timeframe


async def test_bar_under_way_is_partial_until_a_later_event(writer: MarketWriter, bars: Bars) -> None:
    start_ns = T0_NS // (60 * SECOND_NS) * 60 * SECOND_NS
    await writer.write([tick_frame("TT", start_ns=start_ns, spacing_ns=59 * SECOND_NS)])
    assert bars.ask("1m", "BTCUSDT")["is_partial"].to_list() == [True]
    assert bars.ask("1s", "BTCUSDT")["is_partial"].to_list() == [False, True]
    await writer.write([tick_frame("C", seq=3, start_ns=start_ns + 60 * SECOND_NS)])
    minutes = bars.ask("1m", "BTCUSDT")
    assert minutes["is_partial"].to_list() == [False, True]
    assert minutes.row(1, named=True) | {"events": 1, "open": None, "vwap": None, "volume_qty": 0.0} == minutes.row(
        1, named=True
    )


async def test_only_bars_that_begin_within_the_span_are_told(writer: MarketWriter, bars: Bars) -> None:
    start_ns = T0_NS // (60 * SECOND_NS) * 60 * SECOND_NS
    frames = [tick_frame("T", seq=n + 1, start_ns=start_ns + n * 60 * SECOND_NS) for n in range(5)]
    await writer.write(frames)
    found = bars.ask("1m", "BTCUSDT", (start_ns + 60 * SECOND_NS, start_ns + 3 * 60 * SECOND_NS))
    assert found["first_seq"].to_list() == [2, 3]
    assert found["is_partial"].to_list() == [False, False]


@pytest.mark.parametrize(
    ("is_inverse", "volume_quote", "vwap"),
    [(False, (100 * 2 + 50 * 6) * 10.0, 500 / 8), (True, 8 * 10.0, 8 / (2 / 100 + 6 / 50))],
)
async def test_quote_volume_and_vwap_follow_the_contract(
    writer: MarketWriter, bars: Bars, is_inverse: bool, volume_quote: float, vwap: float
) -> None:
    frame = tick_frame("TT")
    frame.trades.price[:], frame.trades.qty[:] = [100.0, 50.0], [2.0, 6.0]
    listing = Rows(Positions(), 1)
    listing.add(instrument(kind=InstrumentKind.PERPETUAL, contract_size=10.0, is_inverse=is_inverse))
    await writer.record.write([(writer.record.encode(listing), Offset("INSTRUMENTS", 1, 1))])
    await writer.write([frame])
    bar = bars.ask("1m", "BTCUSDT").row(0, named=True)
    assert (bar["volume_quote"], bar["vwap"]) == (pytest.approx(volume_quote), pytest.approx(vwap))


async def test_unknown_timeframe_says_which_there_are(bars: Bars) -> None:
    with pytest.raises(psycopg.DataError, match="no bars of 2m: there are 1s, 1m, 5m, 15m, 1h, 4h, 1d"):
        bars.ask("2m", "BTCUSDT")


async def test_events_from_before_there_were_bars_get_theirs(empty_postgres_url: str) -> None:
    migrate.upgrade(empty_postgres_url, "0003")
    frames = [frame for frame in make_frames(200, T0_NS, span_s=DAY_S, seed=8)
              if not set("DL") & set(getattr(frame, "kinds", ""))]  # fmt: skip
    async with opened(empty_postgres_url) as writer:
        bars = Bars(empty_postgres_url)
        for frame in frames:
            rows = Rows(Positions(), 1)
            rows.add(frame)
            encoded = writer.record.encode(rows)
            encoded.payloads.pop("bar_parts_1s")
            await writer.record.write([(encoded, Offset("MARKET", 1, 1))])
        migrate.upgrade(empty_postgres_url)
        assert_equal(bars, frames)


async def test_housekeeping_refreshes_and_expires(writer: MarketWriter, bars: Bars) -> None:
    await writer.write([tick_frame("TQ")])
    bars.age("3 hours")
    now = bars.connection.execute("SELECT (extract(epoch FROM now()) * 1e9)::bigint").fetchone()
    assert now is not None
    kept = await writer.record.keep_house(now[0], KEEP_ALL)
    assert kept.size_bytes > 0
    bars.connection.execute("DELETE FROM bar_parts_1s")  # what is final does not need it any more
    assert bars.ask("1m", "BTCUSDT")["events"].to_list() == [2]
