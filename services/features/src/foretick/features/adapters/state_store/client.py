"""Keeps instruments' states in a NATS key-value bucket: one key an instrument and run, the latest value only."""

import asyncio
from collections.abc import Sequence

from nats.js import JetStreamContext
from nats.js.errors import KeyNotFoundError
from nats.js.kv import KeyValue

from foretick.common.runtime.bus import open_bucket
from foretick.common.subjects import FEATURE_STATES, escape_token
from foretick.features.ports import Key


class KeyValueStateStore:
    """Implements ``ports.StateStore``."""

    def __init__(self, bucket: KeyValue) -> None:
        self._bucket = bucket

    @classmethod
    async def open(cls, js: JetStreamContext) -> "KeyValueStateStore":
        """Return the store on ``js``, its bucket made if there is none."""
        return cls(await open_bucket(js, FEATURE_STATES.name))

    async def load(self, run_id: str, keys: Sequence[Key]) -> list[bytes]:
        """Return the saved states of ``keys`` in ``run_id``, for those that have one."""
        values = await asyncio.gather(*(self._get(_name_of(run_id, key)) for key in keys))
        return [value for value in values if value]

    async def save(self, run_id: str, key: Key, payload: bytes) -> None:
        """Keep ``payload`` as the state of instrument ``key``."""
        await self._bucket.put(_name_of(run_id, key), payload)

    async def _get(self, name: str) -> bytes | None:
        try:
            return (await self._bucket.get(name)).value
        except KeyNotFoundError:
            return None


def _name_of(run_id: str, key: Key) -> str:
    return ".".join(escape_token(part) for part in (run_id, *key))
