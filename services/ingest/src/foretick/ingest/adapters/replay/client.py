"""Replays recordings on their own clock, through the same feed as live data: only transport and book source differ."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from foretick.common.errors import Malformed
from foretick.common.runtime.logs import Logger
from foretick.common.units import NS_PER_S
from foretick.ingest.adapters.replay.parse import describe_recording, received
from foretick.ingest.domain.events import Received
from foretick.ingest.domain.listing import Listing
from foretick.ingest.ports import FrameReceiver
from foretick.market.recording import Recorded, RecordedFrame, merge_recordings, read_recording

BATCH_FRAMES = 256
"""Frames handed on at once, at most; at full speed each batch waits until the bus has taken the one before."""

_LONGEST_SLEEP_S = 0.1
"""Data time also passes between frames: quiet instruments get their clock events on time."""


@dataclass(frozen=True, slots=True)
class Replay:
    """What to replay, and how fast: ``speed`` 1 is real time, 2 twice as fast, 0 as fast as it goes."""

    paths: Sequence[Path]
    speed: float


class ReplaySession:
    """Plays recordings, merged by receive time: a ``VenueSession``. Books come from the recordings themselves."""

    def __init__(
        self,
        replay: Replay,
        reject: Callable[[str, str, bytes], None],
        flush: Callable[[], Awaitable[None]],
        log: Logger,
    ) -> None:
        self._replay = replay
        self._reject = reject
        self._flush = flush
        self._log = log

    def request_snapshot(self, symbol: str) -> None:
        """Do nothing: the recording holds the books that there are."""

    def roll_over(self) -> None:
        """Do nothing: a recorded notice closes no connection."""

    def symbols_of(self, connection: int) -> Sequence[str]:
        """Return nothing: the frames of a recording are numbered by nobody."""
        return ()

    def follow(self, symbols: Sequence[str]) -> None:
        """Do nothing: all of the recording is played."""

    def leave(self, symbols: Sequence[str]) -> None:
        """Do nothing: all of the recording is played."""

    def listings(self) -> list[Listing]:
        """Read each recording once and return the instruments.

        Raises:
            Malformed: for a recording that is not of exactly one instrument, or two of the same.
        """
        listings = [describe_recording(_items(path), path.name) for path in self._replay.paths]
        if len({listing.symbol for listing in listings}) != len(listings):
            raise Malformed("replay", f"several recordings of one symbol: {[listing.symbol for listing in listings]}")
        return listings

    async def run(self, receiver: FrameReceiver, listings: Sequence[Listing], resume_ns: int) -> None:
        """Play everything once, then mark the books stale and return; what is not after ``resume_ns`` goes unpaced."""
        symbols = [listing.symbol for listing in listings]
        sources = [_marked(path, listing.symbol) for path, listing in zip(self._replay.paths, listings, strict=True)]
        names = [path.name for path in self._replay.paths]
        self._log.info("replay begins", recordings=names, speed=self._replay.speed, resume_ns=resume_ns)
        receiver.on_connected(symbols, 0)
        frames, last_ns = await self._play(receiver, merge_recordings(sources), _Pacer(self._replay.speed, resume_ns))
        if last_ns <= resume_ns:  # an earlier process played it all
            receiver.on_time(resume_ns + 1)
        receiver.on_disconnected(symbols, 0, "end of recording")
        await self._flush()
        self._log.info("replay finished", frames=frames)

    async def _play(
        self, receiver: FrameReceiver, items: Iterator[Received | Malformed], pacer: "_Pacer"
    ) -> tuple[int, int]:
        batch: list[Received] = []
        count = last_ns = 0
        for item in items:
            if isinstance(item, Malformed):
                self._reject(item.source, item.reason, item.payload)
                continue
            if batch and (len(batch) >= BATCH_FRAMES or pacer.wait_s(item.recv_ns) > 0):
                await self._hand_on(receiver, batch)
                batch = []
            while (wait_s := pacer.wait_s(item.recv_ns)) > 0:
                await asyncio.sleep(min(wait_s, _LONGEST_SLEEP_S))
                if wait_s > _LONGEST_SLEEP_S:
                    receiver.on_time(min(pacer.data_ns(), item.recv_ns - 1))
            batch.append(item)
            count, last_ns = count + 1, item.recv_ns
        if batch:
            await self._hand_on(receiver, batch)
        return count, last_ns

    async def _hand_on(self, receiver: FrameReceiver, batch: Sequence[Received]) -> None:
        receiver.on_frames(batch)
        if len(batch) >= BATCH_FRAMES:
            await self._flush()
        else:
            await asyncio.sleep(0)


class _Pacer:
    """Tells when a recorded instant is due; the clock starts with the first frame after ``resume_ns``."""

    def __init__(self, speed: float, resume_ns: int) -> None:
        self._speed = speed
        self._resume_ns = resume_ns
        self._first_ns = 0
        self._started_s = 0.0
        self._seconds = asyncio.get_running_loop().time

    def wait_s(self, recv_ns: int) -> float:
        """Return how long to wait for ``recv_ns``; not positive when it is due."""
        if self._speed == 0 or recv_ns <= self._resume_ns:
            return 0.0
        if not self._first_ns:
            self._first_ns, self._started_s = recv_ns, self._seconds()
        return self._started_s + (recv_ns - self._first_ns) / NS_PER_S / self._speed - self._seconds()

    def data_ns(self) -> int:
        """Return the present instant on the recorded clock."""
        return self._first_ns + round((self._seconds() - self._started_s) * self._speed * NS_PER_S)


def _items(path: Path) -> Iterator[Recorded]:
    with path.open("rb") as stream:
        yield from read_recording(stream, path.name)


def _marked(path: Path, symbol: str) -> Iterator[Received | Malformed]:
    for item in _items(path):
        yield received(item, symbol) if isinstance(item, RecordedFrame) else item
