"""The record's bars and those that are told live are the same: the engine of ``foretick.market.bars`` and ``bars()``.

The same tests run on plain PostgreSQL and, with ``TEST_DATABASE_URL``, on TimescaleDB.
"""

import random
from collections.abc import Iterator, Sequence

import msgspec
import psycopg
import pytest
from psycopg.rows import dict_row

from foretick.common.contracts import InstrumentKind, TickFrame
from foretick.common.sequence import SequenceAudit
from foretick.common.testing import T0_NS, instrument
from foretick.history import History, Kind, Selection
from foretick.ingest.domain.continuity import Positions
from foretick.ingest.domain.rows import Rows
from foretick.ingest.domain.stream import Offset
from foretick.market.bars import TIMEFRAMES_S, BarEngine, BarSums, BarUpdate, Terms

from .market_events import Frame, MarketWriter, make_frames, opened

FORMING_NS = 500_000_000
TERMS = {"BTCUSDT": Terms(), "ETHUSDT": Terms(10.0, is_inverse=True)}
QUERY = "SELECT * FROM bars(%s, 'test', 'sim', %s, 0, 9000000000000000000)"
EXACT = ("start_ns", "end_ns", "first_seq", "last_seq", "events", "trades", "open", "high", "low", "close", "mid_open",
         "mid_high", "mid_low", "mid_close")  # fmt: skip
SUMMED = ("volume_qty", "buy_volume_qty")


class Live:
    """What features makes of the frames of one instrument: the closed bars and the one under way, by timeframe."""

    def __init__(self, symbol: str) -> None:
        self.terms = TERMS[symbol]
        self.engine = BarEngine((), FORMING_NS, self.terms)
        self.closed: dict[str, list[BarSums]] = {name: [] for name in TIMEFRAMES_S}
        self._audit = SequenceAudit()

    def take(self, frame: Frame) -> None:
        is_tick = isinstance(frame, TickFrame)
        admission = self._audit.admit(frame.epoch, frame.seq, len(frame.kinds) if is_tick else len(frame.events))
        if admission.lost:
            self.engine.lose()
        updates: list[BarUpdate] = (
            self.engine.fold_ticks(frame, admission.skip) if is_tick else self.engine.fold_book(frame, admission.skip)
        )
        for update in updates:
            if update.is_closed:
                self.closed[update.name].append(update.bar)

    def bars(self, name: str) -> list[BarSums]:
        forming = self.engine._time.forming(name)
        return self.closed[name] + ([forming] if forming is not None else [])


def lives_of(frames: Sequence[Frame]) -> dict[str, Live]:
    lives = {symbol: Live(symbol) for symbol in TERMS}
    for frame in frames:
        lives[frame.symbol].take(frame)
    return lives


def disturbed(frames: Sequence[Frame], seed: int) -> Iterator[Frame]:
    """The same frames with some lost, some twice, and the venue's clock running in any order."""
    rng = random.Random(seed)
    for frame in frames:
        if rng.random() < 0.02:
            continue
        if isinstance(frame, TickFrame):
            event_ns = [at + rng.randint(-(10**12), 10**12) for at in frame.recv_ns]
            frame = msgspec.structs.replace(frame, event_ns=event_ns)
        yield frame
        if rng.random() < 0.02:
            yield frame


def assert_same(url: str, lives: dict[str, Live]) -> None:
    with psycopg.connect(url, autocommit=True, row_factory=dict_row) as connection:
        for symbol, live in lives.items():
            for name in TIMEFRAMES_S:
                rows = connection.execute(QUERY, (name, symbol)).fetchall()
                bars = live.bars(name)
                assert len(rows) == len(bars) > 1
                assert [row["is_partial"] for row in rows] == [False] * len(live.closed[name]) + [True]
                for row, bar in zip(rows, bars, strict=True):
                    assert {field: row[field] for field in EXACT} == {field: getattr(bar, field) for field in EXACT}
                    for field in SUMMED:
                        assert row[field] == pytest.approx(getattr(bar, field), rel=1e-12, abs=1e-12)
                    assert row["volume_quote"] == pytest.approx(bar.volume_quote(live.terms), rel=1e-12, abs=1e-12)
                    assert row["vwap"] == (pytest.approx(vwap) if (vwap := bar.vwap(live.terms)) is not None else None)
                    assert row["live_frac"] == pytest.approx(bar.live_events / bar.events)
                    if bar.is_whole:  # of a loss the record tells in its gaps; a live bar has to tell by itself
                        assert row["trust"] == bar.trust.value


@pytest.fixture
async def writer(postgres_url: str):
    async with opened(postgres_url) as writer:
        listings = Rows(Positions(), 1)
        for symbol, terms in TERMS.items():
            listings.add(instrument(symbol=symbol, kind=InstrumentKind.PERPETUAL, contract_size=terms.contract_size,
                                    is_inverse=terms.is_inverse))  # fmt: skip
        await writer.record.write([(writer.record.encode(listings), Offset("INSTRUMENTS", 1, 1))])
        yield writer


@pytest.mark.parametrize(("span_s", "seed"), [(90, 1), (4_000, 2), (90_000, 3)])
async def test_live_bars_are_those_of_the_record(writer: MarketWriter, postgres_url: str, span_s: float, seed: int):
    frames = make_frames(900, T0_NS, span_s=span_s, seed=seed)
    for first in range(0, len(frames), 130):
        await writer.write(frames[first : first + 130], chunks=2)
    assert_same(postgres_url, lives_of(frames))


async def test_losses_repeats_and_a_venue_clock_in_disorder_change_both_alike(writer: MarketWriter, postgres_url: str):
    frames = list(disturbed(make_frames(900, T0_NS, span_s=3_000, seed=5), 5))
    for first in range(0, len(frames), 90):
        await writer.write(frames[first : first + 90])
    lives = lives_of(frames)
    assert any(not bar.is_whole for bar in lives["BTCUSDT"].closed["1s"])
    assert_same(postgres_url, lives)


async def test_history_goes_on_in_the_live_bars_without_a_seam(writer: MarketWriter, postgres_url: str):
    """A chart: closed bars of the record up to the last commit, then what is told live."""
    frames = make_frames(900, T0_NS, span_s=3_000, seed=6)
    committed = 600
    await writer.write(frames[:committed])
    lives = lives_of(frames[:committed])
    told = {symbol: {name: len(live.closed[name]) for name in TIMEFRAMES_S} for symbol, live in lives.items()}
    for frame in frames[committed:]:
        lives[frame.symbol].take(frame)
    whole = lives_of(frames)
    with History(postgres_url) as history:
        for symbol, live in lives.items():
            for name in TIMEFRAMES_S:
                rows = history.read(Kind.BARS, Selection(symbol, timeframe=name)).to_dicts()
                closed = [row for row in rows if not row["is_partial"]]
                later = live.closed[name][told[symbol][name] :]
                assert (rows[-1]["is_partial"], rows[-1]["start_ns"]) == (True, later[0].start_ns)
                starts = [row["start_ns"] for row in closed] + [bar.start_ns for bar in later]
                assert starts == [bar.start_ns for bar in whole[symbol].closed[name]]
                ends = [row["close"] for row in closed] + [bar.close for bar in later]
                assert ends == [bar.close for bar in whole[symbol].closed[name]]
