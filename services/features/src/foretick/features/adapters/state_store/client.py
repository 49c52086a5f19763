"""Keeps instruments' states in a NATS key-value bucket: one key an instrument and run, the latest value only."""

from typing import Any

from nats.js import JetStreamContext
from nats.js.api import KeyValueConfig
from nats.js.errors import BucketNotFoundError, NoKeysError, NotFoundError

from foretick.common.subjects import escape_token
from foretick.features.ports import Key

BUCKET = "feature_states"
_KEPT_S = 24 * 3600
_MAX_BYTES = 256 * 1024 * 1024


class KeyValueStateStore:
    """Implements ``ports.StateStore``."""

    def __init__(self, bucket: Any) -> None:
        self._bucket = bucket

    @classmethod
    async def open(cls, js: JetStreamContext) -> "KeyValueStateStore":
        """Return the store on ``js``, its bucket made if there is none."""
        try:
            return cls(await js.key_value(BUCKET))
        except (BucketNotFoundError, NotFoundError):
            config = KeyValueConfig(bucket=BUCKET, history=1, ttl=_KEPT_S, max_bytes=_MAX_BYTES)
            return cls(await js.create_key_value(config))

    async def load(self, run_id: str) -> list[bytes]:
        """Return the saved states of ``run_id``."""
        try:
            keys = await self._bucket.keys()  # its filters match nothing in nats-py 2.16
        except NoKeysError:
            return []
        prefix = f"{escape_token(run_id)}."
        entries = [await self._bucket.get(key) for key in sorted(keys) if key.startswith(prefix)]
        return [entry.value for entry in entries if entry.value]

    async def save(self, run_id: str, key: Key, payload: bytes) -> None:
        """Keep ``payload`` as the state of instrument ``key``."""
        await self._bucket.put(".".join(escape_token(part) for part in (run_id, *key)), payload)
