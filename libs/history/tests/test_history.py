"""History against the plain events that the record was written from."""

import random
from collections.abc import Iterator
from dataclasses import replace

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from foretick.common.contracts import Trust
from foretick.common.errors import Refused, Transient
from foretick.common.runtime.embedded import free_port
from foretick.common.testing import T0_NS
from foretick.history import BookAsOf, History, Kind, Selection
from foretick.history.kinds import SOURCES

from .recorded import RUN, SECOND_NS, Market, Row, make_market, write

BTC = Selection(symbol="BTCUSDT")
EVENT_KINDS = (Kind.TRADES, Kind.QUOTES, Kind.BOOK_EVENTS, Kind.DERIVATIVES, Kind.INTEGRITY_EVENTS)


@pytest.fixture
def market() -> Market:
    return make_market()


@pytest.fixture
def history(postgres_url: str, market: Market) -> Iterator[History]:
    write(postgres_url, market, make_market("ETHUSDT", seed=2, count=100))
    with History(postgres_url) as history:
        yield history


def events(market: Market, kind: Kind) -> list[Row]:
    match kind:
        case Kind.TRADES:
            return [row for row in market.ticks if row["kind"] == "T"]
        case Kind.QUOTES:
            return [row for row in market.ticks if row["kind"] == "Q"]
        case _:
            return getattr(market, kind.value)


def assert_rows(found: pl.DataFrame, expected: list[Row]) -> None:
    """``found`` is ``expected`` in every column that it has; what an event does not say is null."""
    names = [name for name in found.columns if name != "counts"]
    assert found.select(names).rows() == [tuple(row.get(name) for name in names) for row in expected]
    assert len(found.columns) >= 6


@pytest.mark.parametrize("kind", EVENT_KINDS)
def test_events_are_those_of_the_record(history: History, market: Market, kind: Kind) -> None:
    found = history.read(kind, BTC)
    assert found.columns[:5] == ["run_id", "venue", "symbol", "seq", "recv_ns"]
    assert_rows(found, events(market, kind))
    if kind is Kind.BOOK_EVENTS:
        assert found["counts"].to_list() == [row["counts"] for row in market.book_events]


@pytest.mark.parametrize("kind", EVENT_KINDS)
def test_bounds_of_time_are_kept(history: History, market: Market, kind: Kind) -> None:
    rng, every = random.Random(7), events(market, kind)
    times = [row["recv_ns"] for row in every]
    for _ in range(12):
        low, high = sorted(rng.choice(times) + rng.choice((-1, 0, 1)) for _ in range(2))
        found = history.read(kind, replace(BTC, from_ns=low, to_ns=high))
        assert_rows(found, [row for row in every if low <= row["recv_ns"] < high])
    assert len(history.read(kind, replace(BTC, from_ns=times[-1] + 1))) == 0
    assert len(history.read(kind, replace(BTC, to_ns=times[0]))) == 0


def test_stream_is_the_same_in_batches_and_tells_how_far(
    history: History, market: Market, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = history.read(Kind.TRADES)
    monkeypatch.setitem(SOURCES, Kind.TRADES, replace(SOURCES[Kind.TRADES], batch_events=50))
    told: list[float] = []
    batches = list(history.stream(Kind.TRADES, tell=told.append))
    assert max(map(len, batches)) <= 50
    assert len(batches) == len(told) == 600 // 50 + 100 // 50
    assert told == sorted(told)
    assert told[-1] == 1.0
    assert_frame_equal(pl.concat(batches), whole)
    assert whole["symbol"].unique(maintain_order=True).to_list() == ["BTCUSDT", "ETHUSDT"]


def test_empty_part_keeps_its_columns_and_types(history: History) -> None:
    for kind in EVENT_KINDS:
        empty = history.read(kind, replace(BTC, to_ns=0))
        assert empty.schema == history.read(kind, BTC).schema
    assert history.read(Kind.GAPS).columns[3:] == ["from_seq", "through_seq", "found_by", "reason", "noticed_ns"]
    assert history.read(Kind.BARS, replace(BTC, to_ns=0)).schema == history.read(Kind.BARS, BTC).schema


@pytest.mark.parametrize("timeframe", ["1s", "1m", "15m"])
def test_bars_are_those_of_the_trades(history: History, market: Market, timeframe: str) -> None:
    length_ns = {"1s": 1, "1m": 60, "15m": 900}[timeframe] * SECOND_NS
    found = history.read(Kind.BARS, replace(BTC, timeframe=timeframe))
    by_start: dict[int, list[Row]] = {}
    for row in market.events():
        by_start.setdefault(row["recv_ns"] // length_ns * length_ns, []).append(row)
    assert found["start_ns"].to_list() == sorted(by_start)
    assert (found["end_ns"] - found["start_ns"]).unique().to_list() == [length_ns]
    for bar in found.iter_rows(named=True):
        prices = [row["price"] for row in by_start[bar["start_ns"]] if row["kind"] == "T"]
        expected = (prices[0], max(prices), min(prices), prices[-1]) if prices else (None,) * 4
        assert (bar["open"], bar["high"], bar["low"], bar["close"]) == expected
        assert (bar["trades"], bar["events"]) == (len(prices), len(by_start[bar["start_ns"]]))
    assert found["is_partial"].to_list() == [False] * (len(found) - 1) + [True]
    middle = found["start_ns"][len(found) // 2]
    later = history.read(Kind.BARS, replace(BTC, timeframe=timeframe, from_ns=middle))
    assert_frame_equal(later, found.filter(pl.col("start_ns") >= middle))


def test_gaps_and_listings_are_told(postgres_url: str, market: Market) -> None:
    market.gaps = [{
        "run_id": RUN, "venue": "sim", "symbol": "BTCUSDT", "from_seq": 601, "through_seq": 610, "found_by": "ingest",
        "reason": "the bus was away",
    }]  # fmt: skip
    write(postgres_url, market)
    with History(postgres_url) as history:
        gap = history.read(Kind.GAPS).row(0, named=True)
        assert {name: gap[name] for name in market.gaps[0]} == market.gaps[0]
        listing = history.read(Kind.INSTRUMENTS).row(0, named=True)
    assert (listing["aliases"], listing["tick_size"], listing["kind"], listing["proof"]) == (
        ["XBT"], 0.01, "spot", "chain",
    )  # fmt: skip


def naive_book(market: Market, at_ns: int) -> tuple[int, dict[float, float], dict[float, float]] | None:
    """Last event's number, bids and asks at ``at_ns``, by dictionaries; None before the first full book."""
    sides: list[dict[float, float]] | None = None
    seq = 0
    for row in market.book_events:
        if row["recv_ns"] > at_ns:
            break
        seq = row["seq"]
        changes = [dict(zip(row[f"{side}_price"], row[f"{side}_qty"], strict=True)) for side in ("bid", "ask")]
        if row["kind"] == "snapshot":
            sides = changes
        elif row["kind"] == "delta" and sides is not None:
            sides = [side | change for side, change in zip(sides, changes, strict=True)]
    if sides is None:
        return None
    bids, asks = ({price: qty for price, qty in side.items() if qty} for side in sides)
    return seq, dict(sorted(bids.items(), reverse=True)), dict(sorted(asks.items()))


def sides_of(book: BookAsOf) -> tuple[list[tuple[float, float]], list[tuple[float, float]]]:
    levels = book.levels
    for side in ("bid", "ask"):
        found = levels.filter(pl.col("side") == side)
        assert found["level"].to_list() == list(range(len(found)))
    bids, asks = (levels.filter(pl.col("side") == side).select("price", "qty").rows() for side in ("bid", "ask"))
    return bids, asks


def test_book_as_of_any_instant_is_the_snapshot_and_its_deltas(
    history: History, market: Market, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(SOURCES, Kind.BOOK_EVENTS, replace(SOURCES[Kind.BOOK_EVENTS], batch_events=40))
    times = sorted({row["recv_ns"] for row in market.events()})
    for at_ns in [*times[::9], times[-1] + SECOND_NS]:
        expected = naive_book(market, at_ns)
        if expected is None:
            with pytest.raises(Refused, match="no full book"):
                history.book_as_of("BTCUSDT", at_ns)
            continue
        book = history.book_as_of("BTCUSDT", at_ns)
        assert (book.seq, *sides_of(book)) == (expected[0], list(expected[1].items()), list(expected[2].items()))
        assert (book.trust, book.at_ns) == (Trust.LIVE, at_ns)


def test_book_whose_changes_are_missing_is_not_trusted(postgres_url: str, market: Market) -> None:
    full = [row["seq"] for row in market.book_events if row["kind"] == "snapshot"]
    last = market.book_events[-1]
    market.gaps = [{
        "run_id": RUN, "venue": "sim", "symbol": "BTCUSDT", "from_seq": full[-1] + 1, "through_seq": full[-1] + 1,
        "found_by": "recorder", "reason": "missing between two messages",
    }]  # fmt: skip
    last["trust"], last["reason"] = "STALE", "away"
    write(postgres_url, market)
    with History(postgres_url) as history:
        before = next(row for row in market.book_events if row["seq"] == full[-1])
        assert history.book_as_of("BTCUSDT", before["recv_ns"] - 1).trust is Trust.LIVE
        book = history.book_as_of("BTCUSDT", last["recv_ns"])
    assert (book.trust, book.reason) == (Trust.GAP, "missing between two messages")


def test_book_says_that_it_was_not_live_and_why(postgres_url: str, market: Market) -> None:
    market.book_events[-1] |= {"trust": "STALE", "reason": "away"}
    write(postgres_url, market)
    with History(postgres_url) as history:
        book = history.book_as_of("BTCUSDT", T0_NS * 2)
    assert (book.trust, book.reason, book.seq) == (Trust.STALE, "away", market.book_events[-1]["seq"])


def test_what_the_record_does_not_have_is_refused_with_what_it_has(history: History) -> None:
    with pytest.raises(Refused) as refusal:
        history.read(Kind.TRADES, Selection(symbol="NOPE"))
    assert (refusal.value.code, refusal.value.hint) == ("unknown_symbol", "it has: sim:BTCUSDT, sim:ETHUSDT")
    with pytest.raises(Refused, match="unknown run nowhere"):
        history.read(Kind.TRADES, Selection(run_id="nowhere"))
    with pytest.raises(Refused, match="no bars of 2m"):
        history.read(Kind.BARS, Selection(timeframe="2m"))


def test_newest_run_is_meant_and_venues_are_told_apart(postgres_url: str) -> None:
    for run, venue in (("old", "sim"), ("new", "sim"), ("new", "binance")):
        write(postgres_url, make_market(venue=venue, run=run, count=50))
    with History(postgres_url) as history:
        assert history.runs() == ["new", "old"]
        found = history.read(Kind.TRADES, BTC)
        assert found.select("run_id", "venue").unique(maintain_order=True).rows() == [
            ("new", "binance"),
            ("new", "sim"),
        ]
        assert history.read(Kind.TRADES, Selection(venue="sim", run_id="old"))["run_id"].unique().to_list() == ["old"]
        with pytest.raises(Refused, match="traded on binance, sim"):
            history.book_as_of("BTCUSDT", T0_NS)


def test_names_are_data_whatever_is_in_them(postgres_url: str) -> None:
    nasty = "O'; DROP TABLE ticks; -- {run} %s"
    market = make_market(nasty, count=60)
    write(postgres_url, market, listed=False)
    with History(postgres_url) as history:
        assert_rows(history.read(Kind.TRADES, Selection(symbol=nasty)), events(market, Kind.TRADES))


def test_empty_database_and_absent_server_are_told_apart(empty_postgres_url: str) -> None:
    with History(empty_postgres_url) as history, pytest.raises(Refused, match="no tables of Foretick"):
        history.runs()
    with pytest.raises(Transient):
        History(f"postgresql://nobody@127.0.0.1:{free_port()}/nothing")
