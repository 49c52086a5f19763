"""Recordings as files of events: the same columns that the features service folds, and refusals that say why."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest

from foretick.common.contracts import Trust
from foretick.features.domain.columns import EventColumns
from foretick.features.domain.instrument import Instrument
from foretick.ingest.adapters.event_files.store import store
from foretick.ingest.app.event_files import collect
from foretick.market.bars.engine import BarEngine
from foretick.quant.event_file import read_events
from foretick.quant.events import EventKind
from foretick.quant.kernel import FeatureKernel, Grid, fold_history

from ..feed.replays import play

SPOT = "recordings/binance_spot_btcusdt_20240808.gz"
GRID = Grid(100_000_000, 1000)


def quiet(stage: str, done: float) -> None:
    """Nobody watches."""


async def read_back(path, folder):
    collected = await collect([path], quiet)
    files = store(collected, [path], folder)
    with files[0].open("rb") as stream:
        return files, *read_events(stream, "file")


async def test_events_give_the_vectors_that_the_features_service_gives(shared_data, tmp_path):
    path = shared_data(SPOT)
    files, head, events = await read_back(path, tmp_path)
    assert [file.name for file in files] == ["binance.BTCUSDT.events.npz"]
    assert (head.venue, head.symbol, len(head.source_sha256[0])) == ("binance", "BTCUSDT", 64)
    played = await play([path])
    instrument = Instrument(FeatureKernel(GRID, 1), 0, EventColumns(), BarEngine((), GRID.interval_ns))
    instrument._kernel.add()
    readings = [
        reading
        for frame in played.outlet.frames
        if frame.symbol == "BTCUSDT"
        for reading in instrument.fold(frame).readings
    ]
    vectors = fold_history(events, GRID)
    assert len(vectors) == len(readings) > 3_000
    assert vectors.step.tolist() == [reading.step for reading in readings]
    expected = np.array([[np.nan if value is None else value for value in reading.values] for reading in readings])
    assert vectors.values.tobytes() == expected.tobytes()


async def test_every_event_of_the_recording_is_there(shared_data, tmp_path):
    """28,040 quotes and 9,757 trades, as the data folder tells; of the book what the feed publishes as live."""
    _, _, events = await read_back(shared_data(SPOT), tmp_path)
    played = await play([shared_data(SPOT)])
    live = sum(event.trust is Trust.LIVE for event in played.outlet.book_events())
    count = {kind: int(np.count_nonzero(events.kind == kind)) for kind in EventKind}
    assert count[EventKind.TRADE] == 9_757
    assert abs(count[EventKind.QUOTE] - 28_040) <= 2
    assert count[EventKind.DEPTH] == live > 3_300
    assert (np.diff(events.recv_ns) >= 0).all()


def command(*arguments) -> subprocess.CompletedProcess[str]:
    environment = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    return subprocess.run(
        [sys.executable, "-m", "foretick.ingest.app.event_files", *map(str, arguments)],
        env=environment, capture_output=True, text=True, timeout=100, check=False,
    )  # fmt: skip


@pytest.mark.parametrize("kind", ["missing", "text"])
def test_what_is_no_recording_is_refused_with_the_reason(tmp_path, kind):
    path = tmp_path / "file.gz"
    if kind == "text":
        path.write_text("nothing of a market\n")
    done = command(path, "--out", tmp_path / "out")
    told = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.returncode == 2
    assert told[-1]["event"] == "failed"
    assert "file.gz" in told[-1]["message"]
    assert not (tmp_path / "out").exists()


def test_command_tells_its_progress_and_its_files(shared_data, tmp_path):
    done = command(shared_data(SPOT), "--out", tmp_path)
    told = [json.loads(line) for line in done.stdout.splitlines()]
    assert (done.returncode, done.stderr) == (0, "")
    shares = [each["done"] for each in told if each["event"] == "progress"]
    assert shares == sorted(shares)
    assert len(shares) > 20
    assert told[-1] == {
        "event": "finished", "files": [str(tmp_path / "binance.BTCUSDT.events.npz")], "rejected": 0
    }  # fmt: skip
