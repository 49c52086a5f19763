"""``foretick backfill`` as a process, against a venue on a real socket."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest

from foretick.common.testing.waiting import eventually

from .conftest import MINUTE, MS, NS, T0
from .fake_venue import FakeVenue, serving

T0_MS = T0 // MS
TIMES = [T0_MS + n * 3 for n in range(12_000)]


@pytest.fixture
def venue():
    with serving(FakeVenue(TIMES)) as venue:
        yield venue


def command(venue: FakeVenue, out: Path, *arguments: str, seconds: int = 30, symbol: str = "BTCUSDT") -> list[str]:
    return [
        sys.executable, "-m", "foretick.launcher", "backfill", "binance", symbol, "--from", str(T0),
        "--to", str(T0 + seconds * NS), "--out", str(out), "--rest-url", venue.url, "--budget-frac", "1", *arguments,
    ]  # fmt: skip


def run(*arguments, **options) -> subprocess.CompletedProcess[str]:
    environment = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    return subprocess.run(
        command(*arguments, **options), env=environment, capture_output=True, text=True, timeout=100, check=False
    )


def test_trades_are_fetched_into_parquet(venue, tmp_path):
    venue.trouble += [(500, {}, b""), (429, {"Retry-After": "1"}, b'{"code":-1003,"msg":"Too many requests."}')]
    done = run(venue, tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    folder = tmp_path / "binance" / "BTCUSDT" / "trades"
    assert done.stdout == f"10,000 rows fetched, in {folder}\n"
    trades = pl.read_parquet(folder / "*.parquet")
    assert trades["trade_id"].cast(pl.Int64).sort().to_list() == list(range(10_000))
    assert set(trades["venue"]) == {"binance"}
    again = run(venue, tmp_path)
    assert again.stdout.startswith("0 rows fetched")


def test_bars_are_fetched_into_parquet(venue, tmp_path):
    done = run(venue, tmp_path, "--kind", "bars", "--interval", "1m", seconds=2500 * 60)
    assert (done.returncode, done.stderr) == (0, "")
    bars = pl.read_parquet(tmp_path / "binance" / "BTCUSDT" / "bars-1m" / "*.parquet").sort("open_ns")
    assert bars["open_ns"].to_list() == [T0 + n * MINUTE for n in range(2500)]


@pytest.mark.parametrize(
    ("symbol", "arguments", "told"),
    [
        ("NOPE", [], "Invalid symbol."),
        ("BTCUSDT", ["--to", str(T0)], "nothing of that time has passed"),
        ("BTCUSDT", ["--kind", "bars", "--interval", "7m"], "invalid choice: '7m'"),
    ],
)
def test_what_cannot_be_done_is_told(venue, tmp_path, symbol, arguments, told):
    done = run(venue, tmp_path, *arguments, symbol=symbol)
    assert done.returncode == 2
    assert told in done.stderr


def test_answer_of_a_changed_format_is_shown(venue, tmp_path):
    venue.trouble.append((200, {}, b'{"new":"format"}'))
    done = run(venue, tmp_path)
    assert done.returncode == 1
    assert '{"new":"format"}' in done.stderr
    assert "may have changed its format" in done.stderr


async def test_interrupted_run_stores_what_it_has_and_the_next_goes_on(venue, tmp_path):
    answer = venue.answer
    turned_away: list[str] = []

    def four_pages(path: str, params: dict[str, str]) -> tuple[int, dict[str, str], bytes]:
        if len(venue.requests) < 4:
            return answer(path, params)
        turned_away.append(path)
        return 429, {"Retry-After": "600"}, b""

    venue.answer = four_pages
    process = subprocess.Popen(  # noqa: ASYNC220 - it is waited for below
        command(venue, tmp_path), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True
    )
    try:
        await eventually(lambda: turned_away, deadline_s=60)
        os.killpg(process.pid, signal.SIGINT)
        output, _ = process.communicate(timeout=30)
    finally:
        process.kill()
    assert process.returncode == 1
    assert b"run it again to go on" in output
    folder = tmp_path / "binance" / "BTCUSDT" / "trades"
    stored = pl.read_parquet(folder / "*.parquet").height
    assert 3999 <= stored <= 4000
    venue.answer = answer
    venue.requests.clear()
    done = run(venue, tmp_path)
    assert done.returncode == 0
    assert len(venue.requests) == 7
    assert pl.read_parquet(folder / "*.parquet")["trade_id"].n_unique() == 10_000
