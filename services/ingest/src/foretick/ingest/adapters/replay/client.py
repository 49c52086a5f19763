"""Replays recordings on their own clock, through the same feed as live data: only transport and book source differ.

What is handed on together, and when data time passes between, is decided by data time alone: frames are the same at
any speed.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain

from foretick.common.errors import Malformed
from foretick.common.runtime.logs import Logger
from foretick.common.units import NS_PER_MS, NS_PER_S
from foretick.ingest.adapters.replay.connections import ReplayedVenue
from foretick.ingest.adapters.replay.files import Entry
from foretick.ingest.adapters.replay.survey import Survey
from foretick.ingest.ports import FrameReceiver
from foretick.market.recording.records import EVERY_VENUE

BATCH_NS = 10 * NS_PER_MS
"""Frames of so much data time are handed on at once."""

BATCH_FRAMES = 256
"""And at most so many of all venues."""

TURN_NS = 100 * NS_PER_MS
"""Data time also passes between frames: quiet instruments get their clock events on time."""

MAX_SILENCE_NS = 60 * NS_PER_S
"""A longer silence of everything, such as when the recorder did not run, is passed over at once."""


@dataclass(frozen=True, slots=True)
class Pace:
    """When what is played.

    speed: 1 is real time, 2 twice as fast, 0 as fast as it goes
    shown_ns: what is not after that goes unpaced
    """

    speed: float
    shown_ns: int


class ReplayClock:
    """Data time of what is being handed on, UTC ns."""

    def __init__(self, now_ns: int) -> None:
        self.ns = now_ns

    def now_ns(self) -> int:
        """Return it."""
        return self.ns


class ReplaySession:
    """Plays recordings, merged by receive time, to the handlers of their venues. Books come from the recordings.

    venues: what is played, by venue: one, or one for each source where several recorded the same instrument
    faults_before: what could not be read of before the part that is shown
    """

    def __init__(
        self,
        survey: Survey,
        reject: Callable[[str, str, bytes], None],
        flush: Callable[[], Awaitable[None]],
        log: Logger,
    ) -> None:
        self.clock = ReplayClock(survey.first_ns)
        self.venues = {
            name: [ReplayedVenue(name, survey, source) for source in survey.producers.get(name, [None])]
            for name in survey.listings
        }
        self.faults_before = 0
        self._dead_letter = reject
        self._shown_ns = 0
        self._flush = flush
        self._log = log
        self._waiting = 0

    async def run(
        self, receivers: Mapping[str, Sequence[FrameReceiver]], entries: Iterable[Entry | Malformed], pace: Pace
    ) -> None:
        """Play ``entries`` once to the ``receivers`` of ``venues``, then mark the books stale and return."""
        for name, venues in self.venues.items():
            for venue, receiver in zip(venues, receivers[name], strict=True):
                venue.receiver = receiver
        self._shown_ns = pace.shown_ns
        self._log.info("replay begins", venues=sorted(self.venues), speed=pace.speed)
        frames = await self._play(entries, _Pacer(pace))
        if self.clock.ns <= pace.shown_ns:  # an earlier process played it all
            self._tell_time(pace.shown_ns + 1)
        for venue in self._all:
            venue.disconnect_all("end of recording")
        await self._flush()
        self._log.info("replay finished", frames=frames)

    @property
    def _all(self) -> Iterator[ReplayedVenue]:
        return chain.from_iterable(self.venues.values())

    def reject(self, source: str, reason: str, payload: bytes) -> None:
        """Dead-letter what a handler could not read, in the part that is shown; of before, count it."""
        self._reject(Malformed(source, reason, payload), self.clock.ns)

    def _reject(self, fault: Malformed, now_ns: int) -> None:
        if now_ns > self._shown_ns:
            self._dead_letter(fault.source, fault.reason, fault.payload)
        else:
            self.faults_before += 1

    async def _play(self, entries: Iterable[Entry | Malformed], pacer: "_Pacer") -> int:
        frames = latest_ns = 0
        for item in entries:
            if isinstance(item, Malformed):
                self._reject(item, latest_ns or self.clock.ns)
                continue
            entry_ns = max(latest_ns, item.recv_ns)
            is_first_shown = latest_ns <= self._shown_ns < entry_ns
            is_due = entry_ns // BATCH_NS != latest_ns // BATCH_NS or is_first_shown
            if latest_ns and (is_due or self._waiting >= BATCH_FRAMES):
                await self._hand_on(latest_ns, pacer)
            if is_first_shown and self.faults_before:
                self._log.warning("not readable, from before the part that is shown", count=self.faults_before)
            await self._pass_time(latest_ns, entry_ns, pacer)
            latest_ns = entry_ns
            frames += self._take(item, entry_ns)
        await self._hand_on(latest_ns, pacer)
        return frames

    def _take(self, entry: Entry, now_ns: int) -> int:
        """Give ``entry`` to its venue, or to all; return how many frames it was."""
        count = 0
        for name, venues in self.venues.items():
            if entry.venue in (name, EVERY_VENUE):
                try:
                    count += sum(venue.take(entry, now_ns, self._hand_on_now) for venue in venues)
                except Malformed as error:
                    self._reject(error, now_ns)
        self._waiting += count
        return count

    async def _hand_on(self, latest_ns: int, pacer: "_Pacer") -> None:
        await pacer.wait_for(latest_ns)
        is_much = self._waiting >= BATCH_FRAMES
        self._hand_on_now(latest_ns)
        if is_much or pacer.is_unpaced:
            await self._flush()

    def _hand_on_now(self, latest_ns: int) -> None:
        self.clock.ns = max(self.clock.ns, latest_ns)
        self._waiting = 0
        for venue in self._all:
            venue.hand_on()

    async def _pass_time(self, from_ns: int, to_ns: int, pacer: "_Pacer") -> None:
        """Let data time pass at every turn after ``from_ns`` and not after ``to_ns``."""
        if not from_ns or to_ns - from_ns > MAX_SILENCE_NS:
            pacer.jump()
            if from_ns:
                self._tell_time(to_ns)
            return
        turn_ns = (from_ns // TURN_NS + 1) * TURN_NS
        while turn_ns <= to_ns:
            await pacer.wait_for(turn_ns)
            self._tell_time(turn_ns)
            turn_ns += TURN_NS

    def _tell_time(self, now_ns: int) -> None:
        self.clock.ns = max(self.clock.ns, now_ns)
        for venue in self._all:
            venue.receiver.on_time(now_ns)


class _Pacer:
    """Tells when a recorded instant is due; the clock starts with the first one that is to be shown."""

    def __init__(self, pace: Pace) -> None:
        self._pace = pace
        self._first_ns = 0
        self._started_s = 0.0
        self._seconds = asyncio.get_running_loop().time
        self.is_unpaced = True

    def jump(self) -> None:
        """Let what comes next be due at once."""
        self._first_ns = 0

    async def wait_for(self, data_ns: int) -> None:
        """Return once ``data_ns`` is due."""
        self.is_unpaced = self._pace.speed == 0 or data_ns <= self._pace.shown_ns
        if self.is_unpaced:
            return
        if not self._first_ns:
            self._first_ns, self._started_s = data_ns, self._seconds()
        due_s = self._started_s + (data_ns - self._first_ns) / NS_PER_S / self._pace.speed
        await asyncio.sleep(max(0.0, due_s - self._seconds()))
