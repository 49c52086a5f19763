"""What the launcher sees of the bus, when it answers and when it does not."""

from collections.abc import AsyncIterator

import msgspec
import pytest

from foretick.common.errors import Transient
from foretick.common.model_life import FAMILY
from foretick.common.runtime.embedded import NatsServer
from foretick.common.subjects import MODEL_ANNOUNCEMENTS
from foretick.common.testing.builders import model_published
from foretick.common.testing.freezing import frozen
from foretick.launcher.watch import BusWatch


@pytest.fixture
async def watch(own_nats: NatsServer) -> AsyncIterator[BusWatch]:
    watch = BusWatch()
    await watch.connect(own_nats.url)
    yield watch
    await watch.close()


async def test_bus_without_streams_has_no_models(watch: BusWatch):
    known = await watch.known_models()
    assert (known.announced, known.decision) == ([], None)


async def test_announced_model_is_known(watch: BusWatch):
    await watch.ensure_streams()
    model = model_published()
    await watch._client.jetstream().publish(MODEL_ANNOUNCEMENTS.of(FAMILY), msgspec.json.encode(model))
    assert (await watch.known_models()).announced == [model]


async def test_bus_that_does_not_answer_is_away_for_now(watch: BusWatch, own_nats: NatsServer):
    await watch.ensure_streams()
    with frozen([own_nats.pid]), pytest.raises(Transient, match="cannot be read"):
        await watch.known_models()
    assert (await watch.known_models()).announced == []


async def test_announcement_that_cannot_be_read_is_no_crash(watch: BusWatch):
    await watch.ensure_streams()
    await watch._client.jetstream().publish(MODEL_ANNOUNCEMENTS.of(FAMILY), b"{")
    with pytest.raises(Transient, match="cannot be read"):
        await watch.known_models()
