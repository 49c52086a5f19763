"""How far the recorder is behind."""

import nats

from foretick.launcher.testing.system import run_apart


def pending_messages(nats_url: str, stream: str) -> int:
    """Return the messages of ``stream`` that its consumers have not been given yet."""

    async def ask() -> int:
        nc = await nats.connect(nats_url)
        try:
            return sum(consumer.num_pending or 0 for consumer in await nc.jetstream().consumers_info(stream))
        finally:
            await nc.close()

    return run_apart(ask())
