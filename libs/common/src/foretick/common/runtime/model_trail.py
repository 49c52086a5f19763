"""Reads and writes the audit trail of the models' life on its stream: for the watch, and for whoever operates it."""

import hashlib

import msgspec
import nats.errors
from nats.js.api import Header
from nats.js.errors import APIError, NotFoundError

from foretick.common.contracts import ModelDecision, ModelPublished
from foretick.common.errors import Transient
from foretick.common.model_life import FAMILY
from foretick.common.runtime.bus import Bus
from foretick.common.runtime.stream_reader import read_tail
from foretick.common.subjects import MODEL_ANNOUNCEMENTS, MODEL_DECISIONS, Subject

KEPT_ANNOUNCEMENTS = 16
READ_BACK = 4_096
_WRONG_LAST_SEQUENCE = 10071


class ModelTrail:
    """The trail of one bus. Who records a decision names the one that it was made on: two never both succeed it."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self._seen: tuple[int, int] = (-1, -1)
        self._read: tuple[list[ModelPublished], list[ModelDecision], int] = ([], [], 0)

    async def read(self) -> tuple[list[ModelPublished], list[ModelDecision], int]:
        """Return announcements and decisions, oldest first, and the place of the last decision (0: there is none).

        While neither stream has grown, what was read before is returned.

        Raises:
            Transient: the bus did not answer.
        """
        try:
            seen = (await self._last_of(MODEL_ANNOUNCEMENTS), await self._last_of(MODEL_DECISIONS))
            if seen == self._seen:
                return self._read
            place = await self._last_place()
            models = await read_tail(self._bus, MODEL_ANNOUNCEMENTS, KEPT_ANNOUNCEMENTS)
            decisions = await read_tail(self._bus, MODEL_DECISIONS, READ_BACK)
        except (TimeoutError, nats.errors.Error) as error:
            raise Transient(f"the trail of the models cannot be read: {error!r}") from error
        self._seen, self._read = seen, (models, decisions, place)
        return self._read

    async def record(self, decision: ModelDecision, after: int) -> bool:
        """Append ``decision`` if the last one is still that at place ``after``; return whether it was.

        Raises:
            Transient: the stream did not acknowledge it; it may be there.
        """
        payload = msgspec.json.encode(decision)
        headers = {
            Header.EXPECTED_LAST_SUBJECT_SEQUENCE.value: str(after),
            Header.MSG_ID.value: hashlib.sha256(payload).hexdigest(),
        }
        try:
            await self._bus.js.publish(
                MODEL_DECISIONS.of(decision.name), payload, headers=headers, stream=MODEL_DECISIONS.stream.name
            )
        except APIError as error:
            if error.err_code == _WRONG_LAST_SEQUENCE:
                return False
            raise Transient(f"the decision was not stored: {error}") from error
        except (TimeoutError, nats.errors.Error) as error:
            raise Transient(f"the decision was not acknowledged: {error!r}") from error
        return True

    async def _last_of(self, subject: Subject) -> int:
        return (await self._bus.js.stream_info(subject.stream.name)).state.last_seq

    async def _last_place(self) -> int:
        subject = MODEL_DECISIONS.of(FAMILY)
        try:
            raw = await self._bus.js.get_last_msg(MODEL_DECISIONS.stream.name, subject, direct=True)
        except NotFoundError:
            return 0
        return raw.seq or 0
