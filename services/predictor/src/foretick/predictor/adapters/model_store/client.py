"""Graphs and the records of their training, in and out of the Object Store bucket ``models``."""

import asyncio

import nats.errors
from nats.js import JetStreamContext
from nats.js.errors import APIError, BucketNotFoundError, NotFoundError, ObjectNotFoundError
from nats.js.object_store import ObjectStore

from foretick.common.errors import Refused, Transient
from foretick.common.runtime.stream_setup import ensure_all
from foretick.common.subjects import MODEL_GRAPHS

KEPT_MODELS = 16
"""As many as the stream of announcements keeps."""

_TIMEOUT_S = 10.0


class ObjectModelStore:
    """The bucket of graphs and records, by object name."""

    def __init__(self, js: JetStreamContext) -> None:
        self._js = js

    async def fetch(self, object_name: str) -> bytes:
        """Return the object's bytes.

        Raises:
            Refused: there is no such object, or its chunks don't match its digest.
            Transient: the store did not answer.
        """
        try:
            async with asyncio.timeout(_TIMEOUT_S):
                store = await self._js.object_store(MODEL_GRAPHS.name)
                result = await store.get(object_name)
        except (BucketNotFoundError, ObjectNotFoundError, NotFoundError) as error:
            raise Refused("no_object", f"{object_name} is not in bucket {MODEL_GRAPHS.name}", "train again") from error
        except (TimeoutError, nats.errors.Error) as error:
            raise Transient(f"the Object Store did not give {object_name}: {error!r}") from error
        return result.data or b""

    async def put(self, object_name: str, payload: bytes) -> None:
        """Store ``payload`` and forget the objects of the oldest models beyond ``KEPT_MODELS``.

        Raises:
            Transient: the store did not answer.
        """
        try:
            async with asyncio.timeout(_TIMEOUT_S):
                store = await self._bucket()
                await store.put(object_name, payload)
                await _forget_oldest(store)
        except (TimeoutError, nats.errors.Error) as error:
            raise Transient(f"the Object Store did not take {object_name}: {error!r}") from error

    async def _bucket(self) -> ObjectStore:
        try:
            return await self._js.object_store(MODEL_GRAPHS.name)
        except (BucketNotFoundError, NotFoundError):
            await ensure_all(self._js, declared=(MODEL_GRAPHS,))  # the server has lost it since the start
            return await self._js.object_store(MODEL_GRAPHS.name)
        except APIError as error:
            raise Transient(f"bucket {MODEL_GRAPHS.name} cannot be opened: {error}") from error


async def _forget_oldest(store: ObjectStore) -> None:
    """Names begin with the model's id, and that with family and second of training: their order is that of time."""
    names = [info.name for info in await store.list() if not info.deleted]
    models = sorted({_model_of(name) for name in names})
    forgotten = set(models[:-KEPT_MODELS])
    for name in names:
        if _model_of(name) in forgotten:
            await store.delete(name)


def _model_of(object_name: str) -> str:
    return object_name.partition(".")[0]
