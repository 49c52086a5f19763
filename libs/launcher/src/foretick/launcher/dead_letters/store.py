"""Dead letters in their stream, and the marks of those that were published again."""

from collections.abc import AsyncIterator

import msgspec
from nats.js.errors import APIError, KeyNotFoundError, NotFoundError
from nats.js.kv import KeyValue

from foretick.common.contracts import UNDECODABLE, Contract, DeadLetter
from foretick.common.errors import Refused
from foretick.common.runtime.bus import Bus, open_bucket
from foretick.common.runtime.stream_reader import everything, read_stored
from foretick.common.stored_place import parse_place
from foretick.common.subjects import DEAD_LETTERS, REPLAYED_LETTERS, row_of
from foretick.launcher.domain.dead_letter import Letter, Mark, Wanted, check_replayable

_STREAM = DEAD_LETTERS.stream


class DeadLetterStore:
    """The letters on one bus. Raises ``nats.errors.Error`` when it goes away."""

    def __init__(self, bus: Bus, marks: KeyValue) -> None:
        self._bus = bus
        self._marks = marks

    @classmethod
    async def open(cls, bus: Bus) -> "DeadLetterStore":
        """Return the letters on ``bus``."""
        await bus.ensure_streams()
        return cls(bus, await open_bucket(bus.js, REPLAYED_LETTERS.name))

    async def find(self, wanted: Wanted) -> AsyncIterator[Letter]:
        """Yield the letters that are meant, the oldest first."""
        marks = await self._read_marks()
        async for stored in read_stored(self._bus, _STREAM, everything()):
            for _, payload, reply in stored:
                number, content = parse_place(reply).stream_seq, _decode(payload)
                if content is not None and wanted.matches(content):
                    yield _marked(number, content, marks.get(str(number)))

    async def get(self, number: int) -> Letter:
        """Return letter ``number``.

        Raises:
            Refused: there is none
        """
        try:
            message = await self._bus.js.get_msg(_STREAM.name, number, direct=True)
        except NotFoundError:
            raise _no_letter(number) from None
        content = _decode(message.data or b"")
        if content is None:
            raise Refused("undecodable", f"letter {number} is no dead letter", "foretick dlq drop forgets it")
        entry = await self._read_entry(str(number))
        return _marked(number, content, _decode_mark(entry.value) if entry else None)

    async def check(self, letter: Letter, *, is_forced: bool = False) -> str:
        """Return the subject on which ``letter`` can be published again.

        Raises:
            Refused: it cannot, or was already
        """
        return check_replayable(letter, await self._run_of(letter.content.source), is_forced=is_forced)

    async def replay(self, letter: Letter, *, is_forced: bool = False) -> str:
        """Publish ``letter`` again on its subject, once: mark it, publish, wait for the ack, complete the mark.

        Returns the subject. Two operators at the same time publish it once.

        Raises:
            Refused: it cannot be replayed, or was
        """
        subject = await self.check(letter, is_forced=is_forced)
        revision = await self._begin(letter, is_forced=is_forced)
        await self._bus.js.publish(subject, letter.payload, timeout=_ACK_S)
        await self._marks.update(str(letter.id), _encode_mark(letter, is_done=True), last=revision)
        return subject

    async def drop(self, number: int) -> None:
        """Forget letter ``number`` for ever.

        Raises:
            Refused: there is none
        """
        try:
            await self._bus.js.delete_msg(_STREAM.name, number)
        except APIError as error:
            if error.err_code not in _NO_SUCH_MESSAGE:
                raise
            raise _no_letter(number) from None

    async def _run_of(self, source: str) -> str:
        """Return the run of the last message on subject ``source``; empty where there is none."""
        found = row_of(source)
        if found is None:
            return ""
        try:
            last = await self._bus.js.get_last_msg(found[0].stream.name, source, direct=True)
            return msgspec.json.decode(last.data or b"", type=_OfRun).run_id
        except (NotFoundError, *UNDECODABLE):
            return ""

    async def _begin(self, letter: Letter, *, is_forced: bool) -> int:
        """Mark that a replay begins; return the mark's revision."""
        key = str(letter.id)
        entry = await self._read_entry(key)
        present = _marked(letter.id, letter.content, _decode_mark(entry.value) if entry else None)
        if present.mark is not None and not is_forced:
            raise _is_taken()
        try:
            mark = _encode_mark(letter, is_done=False)
            return await self._marks.update(key, mark, last=(entry.revision or 0) if entry else 0)
        except APIError as error:
            if error.err_code != _WRONG_LAST_SEQUENCE:
                raise
            raise _is_taken() from None

    async def _read_entry(self, key: str) -> KeyValue.Entry | None:
        try:
            return await self._marks.get(key)
        except KeyNotFoundError:
            return None

    async def _read_marks(self) -> dict[str, Mark | None]:
        watcher = await self._marks.watchall(ignore_deletes=True)
        found: dict[str, Mark | None] = {}
        try:
            async for entry in watcher:
                if entry is None:  # that was all
                    break
                found[entry.key] = _decode_mark(entry.value)
        finally:
            await watcher.stop()
        return found


_ACK_S = 5.0
_WRONG_LAST_SEQUENCE = 10071
_NO_SUCH_MESSAGE = (10037, 10043, 10057)
"""nats-server: no message found; message not found; deleted already, in the words of its several storage engines."""


class _OfRun(Contract, frozen=True, kw_only=True, gc=False):
    """What is read of a last message: its run."""

    run_id: str = ""


def _marked(number: int, content: DeadLetter, mark: Mark | None) -> Letter:
    """A mark is this letter's if it names its instant."""
    return Letter(number, content, mark if mark is not None and mark.letter_ts_ns == content.ts_ns else None)


def _is_taken() -> Refused:
    return Refused("replayed", "somebody else has begun to replay it", "foretick dlq list tells the outcome")


def _no_letter(number: int) -> Refused:
    return Refused("no_letter", f"there is no letter {number}", "foretick dlq list shows those that are kept")


def _decode(payload: bytes) -> DeadLetter | None:
    try:
        return msgspec.json.decode(payload, type=DeadLetter)
    except UNDECODABLE:
        return None


def _decode_mark(payload: bytes | None) -> Mark | None:
    try:
        return msgspec.json.decode(payload or b"", type=Mark)
    except UNDECODABLE:
        return None


def _encode_mark(letter: Letter, *, is_done: bool) -> bytes:
    return msgspec.json.encode(Mark(letter_ts_ns=letter.content.ts_ns, is_done=is_done))
