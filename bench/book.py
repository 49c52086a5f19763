"""Figure ``book``: recorded BTCUSDT futures depth frames decoded, applied, verified and framed, over cryptofeed.

Ours is ingest's way from the bytes of a socket to those of a ``BookFrame``: parser, local book with the venue's chain,
numbering, encoder. Rival: cryptofeed's parser and book with its C extension, up to a callback that only counts; with
its defaults, so that it does not look whether the book is crossed, which would cost it 20 times as much. Each side runs
all frames one by one, in turn with the other, in CPU seconds of its own process; both must end with equal books.

cryptofeed has no wheel for every Python that we run on, and dependencies of its own: it lives in a separate environment
inside ours, made at the first run from the group ``bench`` of pyproject.toml.
"""

import gzip
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.harness import NULL_PAIR_HIGH, NULL_PAIR_LOW, Figure, MachineTooNoisy
from foretick.common.contracts import Origin, Trust, encode
from foretick.ingest.adapters.binance.connector import FUTURES_RULES
from foretick.ingest.adapters.binance.parse import BinanceWire
from foretick.ingest.domain.engine import FeedEngine
from foretick.ingest.domain.listing import Listing
from foretick.ingest.domain.place import Place
from foretick.ingest.domain.runs import Identity
from foretick.market.book import PriceGrid

ROOT = Path(__file__).parents[1]
RECORDING = "recordings/binance_usdm_btcusdt_20240808.gz"
SHARED_DATA = Path(os.environ.get("FORETICK_SHARED_DATA", ROOT / "shared" / "data"))
RIVAL = Path(sys.prefix) / "bench" / "cryptofeed"
_SYMBOL = "BTCUSDT"
_GRID = PriceGrid(tick_size=0.1, lot_size=0.001)
_ROUNDS = 9


@dataclass(frozen=True, slots=True)
class Recording:
    """Depth frames with their receive times, from the one that the snapshot leads to on; and the snapshot."""

    snapshot: bytes
    frames: list[tuple[int, bytes]]

    def write(self, path: Path) -> None:
        """Write it as the rival reads it."""
        path.write_bytes(b"\n".join([self.snapshot, *(payload for _, payload in self.frames)]))


def load() -> Recording:
    """Return the recording's depth frames and snapshot."""
    frames: list[tuple[int, bytes]] = []
    snapshot = b""
    for line in gzip.decompress((SHARED_DATA / RECORDING).read_bytes()).splitlines():
        stamp, _, payload = line.partition(b" ")
        if payload.startswith(b'{"lastUpdateId"'):
            snapshot = payload
        elif b"@depth" in payload[:40]:
            frames.append((int(stamp), payload))
    last_id = json.loads(snapshot)["lastUpdateId"]
    first = next(n for n, (_, payload) in enumerate(frames) if json.loads(payload)["data"]["u"] >= last_id)
    return Recording(snapshot, frames[first:])


@dataclass(frozen=True, slots=True)
class Pass:
    """One side's way through all frames: CPU seconds of a frame, and the best levels as (ticks, lots)."""

    frame_s: float
    bids: list[tuple[int, int]]
    asks: list[tuple[int, int]]


class Ours:
    """The feed of one venue and instrument, as ingest runs it, without its sockets."""

    def __init__(self, recording: Recording) -> None:
        self._recording = recording

    def run(self) -> Pass:
        """Feed all frames to a fresh feed, the first with the snapshot that it bridges from."""
        identity = Identity("binance-usdm", Origin.REPLAY, "bench", "ingest.feed", 1)
        engine = FeedEngine(identity, [Listing(_SYMBOL, "BTC", "USDT", _GRID)], FUTURES_RULES)
        wire = BinanceWire("binance-usdm")
        (first_ns, first), *frames = self._recording.frames
        engine.take_over({_SYMBOL: Place()}, epoch=1)
        for symbol, event in (*wire.parse(first), *wire.parse_reply(_SYMBOL, self._recording.snapshot)):
            engine.fold(symbol, event, first_ns, first_ns)
        engine.drain(first_ns)
        bytes_out = 0
        start_s = time.process_time()
        for recv_ns, payload in frames:
            for symbol, event in wire.parse(payload):
                engine.fold(symbol, event, recv_ns, recv_ns)
            for frame in engine.drain(recv_ns):
                bytes_out += len(encode(frame))
        cpu_s = time.process_time() - start_s
        local = engine.feeds[_SYMBOL].local
        if local.trust is not Trust.LIVE or local.counters.deltas_applied != len(self._recording.frames):
            raise AssertionError(f"{local.counters.deltas_applied} applied, {local.trust}: {local.reason}")
        if bytes_out < sum(len(payload) for _, payload in frames) // 2:
            raise AssertionError(f"{bytes_out} bytes of frames are too few to hold the updates")
        return Pass(cpu_s / len(frames), *local.book.top_steps(1000))


class Rival:
    """cryptofeed in a process of its own."""

    def __init__(self, process: "subprocess.Popen[str]", frames: int) -> None:
        self._process = process
        self._frames = frames
        self.version = ""

    def run(self) -> Pass:
        """Let it feed all frames to a fresh feed."""
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None
        assert stdout is not None
        print("run", file=stdin, flush=True)
        answer: dict[str, Any] = json.loads(stdout.readline())
        if answer["told"] != self._frames:
            raise AssertionError(f"cryptofeed told {answer['told']} of {self._frames} updates")
        self.version = answer["version"]
        return Pass(answer["cpu_s"] / self._frames, *(_steps(answer[side]) for side in ("bids", "asks")))


def _steps(levels: list[list[str]]) -> list[tuple[int, int]]:
    return [(_GRID.ticks(float(price)), _GRID.lots(float(qty))) for price, qty in levels]


@contextmanager
def rival(recording: Recording) -> Iterator[Rival]:
    """Start cryptofeed, in its environment, on ``recording``; it ends with the block."""
    python = RIVAL / "bin" / "python"
    if not (RIVAL / "made").exists():
        requirements = tomllib.loads((ROOT / "pyproject.toml").read_text())["dependency-groups"]["bench"]
        print(f"book: making the environment of {', '.join(requirements)}, once", flush=True)
        subprocess.run([sys.executable, "-m", "venv", "--clear", RIVAL], check=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", *requirements], check=True)
        (RIVAL / "made").touch()
    with tempfile.TemporaryDirectory() as folder:
        frames = Path(folder) / "frames"
        recording.write(frames)
        command = [python, Path(__file__).with_name("cryptofeed_feed.py"), frames]
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        try:
            yield Rival(process, len(recording.frames))
        finally:
            process.kill()
            process.wait()


def measure() -> list[Figure]:
    """Measure the figure; nothing where the recording is absent.

    Raises:
        MachineTooNoisy: the null pair left its band
    """
    if not (SHARED_DATA / RECORDING).exists():
        print(f"book: no recording at {SHARED_DATA / RECORDING}; FORETICK_SHARED_DATA names the folder", flush=True)
        return []
    recording = load()
    ours = Ours(recording)
    frame_s: dict[str, list[float]] = {"ours": [], "rival": [], "null": []}
    with rival(recording) as other:
        for number in range(_ROUNDS + 1):
            passes: dict[str, Pass] = {}
            for side in frame_s if number % 2 else reversed(frame_s):
                passes[side] = ours.run() if side == "ours" else other.run()
            if (passes["ours"].bids, passes["ours"].asks) != (passes["rival"].bids, passes["rival"].asks):
                raise AssertionError("the two books differ")
            if number:  # the first round warms up
                for side, passed in passes.items():
                    frame_s[side].append(passed.frame_s)
    our_s, rival_s, null_s = (statistics.median(frame_s[side]) for side in frame_s)
    if not NULL_PAIR_LOW <= null_s / rival_s <= NULL_PAIR_HIGH:
        raise MachineTooNoisy(f"cryptofeed against itself {null_s / rival_s:.3f}")
    note = (
        f"{1 / our_s:,.0f} frames/s and core ({our_s * 1e6:.1f} us a frame of 68 levels and its BookFrame); "
        f"cryptofeed {other.version} {1 / rival_s:,.0f} ({rival_s * 1e6:.1f} us)"
    )
    return [Figure("book", rival_s / our_s, "ratio", floor=2, aim=5, smaller_is_better=False, note=note)]


if __name__ == "__main__":
    for figure in measure():
        figure.report()
