"""A run against a venue that is made here: patience, what is stored, and going on where it stopped."""

from itertools import pairwise
from pathlib import Path

import polars as pl
import pytest

from foretick.common.errors import Malformed, Refused, RetryLater, Transient
from foretick.ingest.adapters.backfill import store as stores
from foretick.ingest.adapters.backfill.client import ATTEMPTS, Backfill, Progress
from foretick.ingest.adapters.backfill.store import HistoryStore
from foretick.ingest.adapters.binance.backfill import SPOT
from foretick.market.recording.spans import Span

from .conftest import MS, NS, T0
from .fake_venue import FakeVenue

T0_MS = T0 // MS
TIMES = [T0_MS + n * 7 for n in range(5000)]
SPAN = Span(T0, T0 + 30 * NS)
IN_SPAN = [n for n, ms in enumerate(TIMES) if ms < T0_MS + 30_000]


class Direct:
    """Asks the fake venue without a socket; ``errors`` come first, one a request."""

    def __init__(self, venue: FakeVenue, errors: list[Exception] | None = None) -> None:
        self.venue = venue
        self.errors = errors or []

    async def get(self, path: str, params: dict[str, str], weight: float = 1.0) -> bytes:
        if self.errors:
            raise self.errors.pop(0)
        return self.venue.answer(path, params)[2]


class Run:
    def __init__(self, folder: Path, errors: list[Exception] | None = None) -> None:
        self.venue = FakeVenue(TIMES)
        self.requests = Direct(self.venue, errors)
        self.store = HistoryStore(folder, "binance", "BTCUSDT", "trades")
        self.pauses: list[float] = []
        self.told: list[Progress] = []

    async def __call__(self, span: Span = SPAN) -> list[str]:
        async def pause(seconds: float) -> None:
            self.pauses.append(seconds)

        def plan(each: Span):
            return SPOT.trades("BTCUSDT", each, span.to_ns)

        return await Backfill(self.requests, self.store, plan, self.told.append, lambda: 0.0, pause).run(span)

    def ids(self) -> list[int]:
        return [int(i) for i in pl.concat(pl.read_parquet(p) for p in self.paths())["trade_id"]]

    def paths(self) -> list[Path]:
        return sorted(self.store.path.glob("*.parquet"))


@pytest.fixture
def small_parts(monkeypatch):
    monkeypatch.setattr(stores, "PART_ROWS", 1500)


@pytest.mark.usefixtures("small_parts")
async def test_all_of_the_span_is_stored_once_in_files_named_by_what_they_hold(tmp_path):
    run = Run(tmp_path)
    assert await run() == []
    assert run.ids() == IN_SPAN
    covered = run.store.covered()
    assert (covered[0].from_ns, covered[-1].to_ns) == SPAN
    assert len(covered) >= 2
    assert all(one.to_ns == other.from_ns for one, other in pairwise(covered))
    for span, path in zip(covered, run.paths(), strict=True):
        times = pl.read_parquet(path)["recv_ns"]
        assert times.is_sorted()
        assert span.from_ns <= times[0]
        assert times[-1] < span.to_ns
    assert run.told[-1] == Progress(1.0, len(IN_SPAN))


async def test_second_run_asks_nothing(tmp_path):
    await Run(tmp_path)()
    again = Run(tmp_path)
    await again()
    assert again.venue.requests == []


@pytest.mark.usefixtures("small_parts")
@pytest.mark.parametrize("answers", range(1, 5))
async def test_run_that_ends_early_stores_what_is_whole_and_the_next_goes_on_there(tmp_path, answers):
    run = Run(tmp_path)

    async def get(path: str, params: dict[str, str], weight: float = 1.0) -> bytes:
        if len(run.venue.requests) == answers:
            raise Refused("gone", "the venue has closed")
        return run.venue.answer(path, params)[2]

    run.requests.get = get  # type: ignore[method-assign]
    with pytest.raises(Refused):
        await run()
    stored = run.ids()
    assert stored == IN_SPAN[: len(stored)]
    assert len(stored) >= answers * 1000 - 1, "only the trades of the last instant may wait for the next page"
    again = Run(tmp_path)
    await again()
    assert again.ids() == IN_SPAN
    assert len(again.venue.requests) < 6


async def test_hole_in_what_is_there_is_filled(tmp_path):
    run = Run(tmp_path)
    for part in (Span(T0, T0 + 7 * NS), Span(T0 + 20 * NS, T0 + 30 * NS)):
        await run(part)
    await run(SPAN)
    assert sorted(run.ids()) == IN_SPAN
    assert run.store.missing(SPAN) == []


async def test_time_without_a_trade_is_stored_as_such(tmp_path):
    run = Run(tmp_path)
    quiet = Span(T0 - 100 * NS, T0 - 50 * NS)
    await run(quiet)
    assert run.store.covered() == [quiet]
    assert run.ids() == []


async def test_venue_that_is_away_is_asked_again_with_growing_pauses(tmp_path):
    run = Run(tmp_path, [Transient("away"), Transient("away"), RetryLater("slow down", 12.0), Transient("away")])
    await run()
    assert run.ids() == IN_SPAN
    assert run.pauses == [0.25, 0.5, 12.0, 2.0]


async def test_venue_that_stays_away_ends_the_run(tmp_path):
    run = Run(tmp_path, [Transient("away")] * ATTEMPTS)
    with pytest.raises(Transient):
        await run()
    assert len(run.pauses) == ATTEMPTS - 1


async def test_answer_that_is_not_as_documented_ends_the_run_and_keeps_what_there_is(tmp_path):
    run = Run(tmp_path)
    answer = run.venue.answer

    def changed(path: str, params: dict[str, str]):
        return answer(path, params) if len(run.venue.requests) < 2 else (200, {}, b'{"new":"format"}')

    run.venue.answer = changed  # type: ignore[method-assign]
    with pytest.raises(Malformed):
        await run()
    assert run.ids() == IN_SPAN[:1999]


def test_symbol_with_a_slash_has_a_folder_of_its_own(tmp_path):
    assert HistoryStore(tmp_path, "kraken", "XBT/USD", "bars-1m").path == tmp_path / "kraken" / "XBT=2FUSD" / "bars-1m"
