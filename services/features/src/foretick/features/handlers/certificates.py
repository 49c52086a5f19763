"""Checks published vectors against the recording, instrument after instrument, and publishes what came of it.

A check folds what the stream of market data holds of an instrument with a kernel of this process, and compares the
latest vectors in their stream. The fold goes on where the last check of the instrument ended. It begins with the first
event that went into the state of features, where the stream still has that; otherwise with the state that features
saved last, and then the check says so.
"""

from collections import OrderedDict
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

from foretick.common.clock import Clock
from foretick.common.contracts import FeatureVector, ParityCertificate, ParityDifference, Unchecked
from foretick.common.errors import Malformed
from foretick.common.sequence import DerivedAudit
from foretick.features.domain.certificate import Findings, Tally
from foretick.features.domain.cross_reading import readings_of
from foretick.features.domain.snapshot import decode_snapshot
from foretick.features.domain.witness import KEPT_READINGS, Difference, Sections, Witness
from foretick.features.ports import CertificateObserver, CertificatePublisher, Key, Producer, Recording, StateStore
from foretick.quant.cross_section import CrossReading
from foretick.quant.kernel import Grid
from foretick.quant.registry import CROSS_HASH

OVERLAP_NS = 5_000_000_000
"""How far before the last look the streams are read: their clock is the server's."""

CROSS_OVERLAP_NS = 60_000_000_000
"""How much earlier than a vector the cross-section that it names was stored, at most: seconds, and in a slow replay
more."""

_KEPT_WITNESSES = 256


@dataclass(frozen=True, slots=True)
class Limits:
    """How many frames a check reads: at most to go on, and at most to begin with the first event."""

    frames: int
    first_frames: int


@dataclass(frozen=True, slots=True)
class Outside:
    """What a certifier needs of the outside."""

    recording: Recording
    states: StateStore
    publisher: CertificatePublisher
    observer: CertificateObserver
    clock: Clock


@dataclass(slots=True)
class _Seat:
    """A witness, the wall clock up to which it has read, and the last vector that it was asked about."""

    witness: Witness
    read_ns: int
    audit: DerivedAudit


class Certifier:
    """Checks the instruments that it knows in turn. ``epoch``: of the process, for its certificates."""

    def __init__(self, grid: Grid, limits: Limits, outside: Outside, producer: Producer, epoch: int) -> None:
        self.tally = Tally()
        self._grid, self._limits = grid, limits
        self._recording, self._states = outside.recording, outside.states
        self._publisher, self._observer, self._clock = outside.publisher, outside.observer, outside.clock
        self._producer, self._epoch = producer, epoch
        self._keys: list[Key] = []
        self._seats: OrderedDict[Key, _Seat] = OrderedDict()
        self._holed: dict[Key, int | None] = {}
        self._next = self._seq = 0
        self._since_ns = outside.clock.now_ns()

    def learn(self, keys: Sequence[Key]) -> None:
        """Check the instruments ``keys`` as well."""
        self._keys += [key for key in dict.fromkeys(keys) if key not in self._keys]

    async def check_next(self) -> None:
        """Check the next instrument and publish the certificate.

        Raises:
            Transient: a stream does not answer
        """
        if self._keys:
            key = self._keys[self._next % len(self._keys)]
            self._next += 1
            await self.check(key)
        self._publish()

    async def check(self, key: Key) -> Findings:
        """Check the latest vectors of instrument ``key`` and add up what is found."""
        findings = Findings()
        last = await self._recording.last_vector(key)
        if last is None or last.run_id != self._producer.run_id:
            return findings
        now_ns = self._clock.now_ns()
        seat = await self._advance(key, last, now_ns)
        if seat is None:
            findings.unchecked[Unchecked.NO_START] += 1
        else:
            await self._judge(key, seat, findings)
            if findings.unchecked.keys() - {Unchecked.CROSS_LOST}:
                # it does not lead to where features are: begin anew, and not with the first event
                self._seats.pop(key, None)
                self._holed[key] = last.since_seq
        from_start = seat is not None and seat.witness.from_start
        self.tally.add(findings, key, from_start=from_start, now_ns=now_ns)
        self._observer.checked(key, findings, from_start=from_start)
        return findings

    async def _advance(self, key: Key, last: FeatureVector, now_ns: int) -> _Seat | None:
        """Return the witness of ``key``, brought up to now; None where there is nothing to begin with."""
        seat = self._seats.pop(key, None)
        if seat is None or seat.witness.since_seq != last.since_seq or await self._is_behind(seat.read_ns, key):
            seat = await self._begin(key, last)
        if seat is None:
            return None
        await self._read(key, seat, now_ns)
        if seat.witness.from_start and seat.witness.since_seq != last.since_seq:
            self._holed[key] = last.since_seq  # the stream does not reach back to the first event
            seat = await self._begin_saved(key)
            if seat is None:
                return None
            await self._read(key, seat, now_ns)
        self._seats[key] = seat
        if len(self._seats) > _KEPT_WITNESSES:
            self._seats.popitem(last=False)
        return seat

    async def _begin(self, key: Key, last: FeatureVector) -> _Seat | None:
        if last.since_seq is None or self._holed.get(key, -1) == last.since_seq:
            return await self._begin_saved(key)
        if await self._recording.count(0, [key]) > self._limits.first_frames:
            return await self._begin_saved(key)
        return _Seat(Witness(self._grid, self._producer.run_id, last.since_seq, None), 0, DerivedAudit())

    async def _begin_saved(self, key: Key) -> _Seat | None:
        for payload in await self._states.load(self._producer.run_id, [key]):
            try:
                saved = decode_snapshot(payload)
                witness = Witness(self._grid, self._producer.run_id, None, saved)
            except Malformed:
                return None  # of another version of the features
            since_ns = saved.ts_saved_ns - OVERLAP_NS
            if not await self._is_behind(since_ns, key):
                return _Seat(witness, since_ns, DerivedAudit())
        return None

    async def _is_behind(self, since_ns: int, key: Key) -> bool:
        return await self._recording.count(since_ns, [key]) > self._limits.frames

    async def _read(self, key: Key, seat: _Seat, now_ns: int) -> None:
        async for frames in self._recording.read(seat.read_ns, [key]):
            seat.witness.fold(frames)
        seat.read_ns = now_ns - OVERLAP_NS

    async def _judge(self, key: Key, seat: _Seat, findings: Findings) -> None:
        since_ns = self._clock.now_ns() - KEPT_READINGS * self._grid.interval_ns - OVERLAP_NS
        sections = await self._read_cross(since_ns - CROSS_OVERLAP_NS, key)
        async for vectors in self._recording.read_vectors(since_ns, key):
            for vector in vectors:
                if vector.run_id != self._producer.run_id or not seat.witness.covers(vector):
                    continue
                admission = seat.audit.admit(vector.epoch, vector.asof_seq)
                if not admission.skip:
                    self._note(key, vector, seat.witness.judge(vector, sections), findings)

    async def _read_cross(self, since_ns: int, key: Key) -> Sections:
        """Return what the recorded cross-sections say of ``key``; of two of one second the first, as features does."""
        found: dict[int, CrossReading | None] = {}
        async for batch in self._recording.read_cross_sections(since_ns):
            for section in batch:
                if section.run_id == self._producer.run_id and section.features_hash == CROSS_HASH:
                    with suppress(Malformed):  # features has left it out too
                        found.setdefault(section.seq, readings_of(section).get(key))
        return found

    def _note(
        self, key: Key, vector: FeatureVector, verdict: Difference | Unchecked | None, findings: Findings
    ) -> None:
        if isinstance(verdict, Unchecked):
            findings.unchecked[verdict] += 1
            return
        findings.note(vector.asof_seq)
        if verdict is None:
            findings.equal += 1
            return
        findings.differences.append(
            ParityDifference(
                venue=key[0], symbol=key[1], asof_seq=vector.asof_seq, feature=verdict.feature,
                published=verdict.published, recomputed=verdict.recomputed, ts_found_ns=self._clock.now_ns(),
            )
        )  # fmt: skip

    def _publish(self) -> None:
        tally, now_ns = self.tally, self._clock.now_ns()
        self._seq += 1
        verdict = tally.verdict(now_ns)
        self._observer.certified(verdict, tally.last.ts_checked_ns if tally.last else None)
        self._publisher.publish_certificate(
            ParityCertificate(
                run_id=self._producer.run_id, producer=self._producer.name, epoch=self._epoch, seq=self._seq,
                ts_since_ns=self._since_ns, ts_sent_ns=now_ns, verdict=verdict, equal=tally.equal,
                different=tally.different, unchecked=tally.reasons.total(), from_start=tally.from_start,
                reasons={reason.value: count for reason, count in sorted(tally.reasons.items())}, last=tally.last,
                difference=tally.difference,
            )
        )  # fmt: skip
