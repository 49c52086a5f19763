"""``python -m bench.echo <nats url>``: answers every message on ``bench.echo`` with its own bytes."""

import asyncio
import sys

import nats
import uvloop


async def main(url: str) -> None:
    """Echo until killed."""
    nc = await nats.connect(url)

    async def echo(message: nats.aio.msg.Msg) -> None:
        await nc.publish(message.reply, message.data)

    await nc.subscribe("bench.echo", cb=echo)
    await asyncio.Event().wait()


if __name__ == "__main__":
    uvloop.run(main(sys.argv[1]))
