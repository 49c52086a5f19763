"""``foretick streams``: the streams and buckets of the subject table as the server has them."""

import asyncio
import json
import sys
from dataclasses import asdict
from datetime import datetime
from typing import Any

from nats.js.api import StreamConfig, StreamInfo

from foretick.common.errors import InvalidSettings, Refused, Transient
from foretick.common.runtime.bus import Bus
from foretick.common.runtime.settings import load_settings
from foretick.common.runtime.stream_setup import configuration_of
from foretick.common.subjects import BUCKETS, STREAMS, Bucket, Stream
from foretick.launcher.domain.stream_state import HEADING, ConsumerState, Level, StreamState, line_of
from foretick.launcher.machine import clock
from foretick.launcher.machine.terminal import Terminal
from foretick.launcher.operator_bus import connected, nats_url_of
from foretick.launcher.settings import LauncherSettings

EXIT_FULL = 1
EXIT_AWAY = 3
_ANSWER_S = 5.0
_COLOURS = {Level.FINE: "", Level.NEAR: "33", Level.FULL: "31"}
_LIMITS = ("subjects", "max_age", "max_bytes", "max_msgs_per_subject", "discard")


def show_streams(*, as_json: bool, apply: bool) -> int:
    """Print every stream and bucket; with ``apply``, make and change them first as the table says.

    Exit code 1: one is missing, or takes nothing more; 2: wrong settings; 3: the bus is away.
    """
    try:
        states = asyncio.run(_observe(nats_url_of(load_settings(LauncherSettings)), apply=apply))
    except InvalidSettings as error:
        sys.stderr.write(f"foretick: {error}\n")
        return error.exit_code
    except (Refused, Transient) as error:
        sys.stderr.write(f"foretick: {error}{f'; {error.hint}' if isinstance(error, Refused) else ''}\n")
        return EXIT_AWAY
    terminal = Terminal()
    if as_json:
        terminal.line(json.dumps([asdict(state) | {"level": state.level} for state in states], indent=2))
    else:
        terminal.line(terminal.bold(HEADING))
        for state in states:
            terminal.line(terminal.paint(line_of(state), _COLOURS[state.level]))
            for note in state.notes:
                terminal.line(f"    -> {note}")
    return EXIT_FULL if any(state.level is Level.FULL for state in states) else 0


async def _observe(url: str, *, apply: bool) -> list[StreamState]:
    async with connected(url) as bus:
        if apply:
            await bus.ensure_streams()
        return [await state_of(bus, stream) for stream in (*STREAMS, *BUCKETS)]


async def state_of(bus: Bus, stream: Stream | Bucket) -> StreamState:
    """Return how ``stream`` is on the server."""
    config = configuration_of(stream)
    name = config.name or ""
    drops_oldest = isinstance(stream, Stream)
    # nats-py leaves out when the first message was stored
    reply = json.loads((await bus.nc.request(f"$JS.API.STREAM.INFO.{name}", timeout=_ANSWER_S)).data)
    if "error" in reply:
        return StreamState(name, stream.max_bytes, stream.max_age_s, drops_oldest, is_missing=True)
    first_stored = reply["state"]["first_ts"]
    info = StreamInfo.from_response(reply)
    return StreamState(
        name, stream.max_bytes, stream.max_age_s, drops_oldest,
        messages=info.state.messages, held_bytes=info.state.bytes,
        span_s=_age_s(first_stored) if info.state.messages else 0.0,
        consumers=tuple(
            ConsumerState(consumer.name, (consumer.num_pending or 0) + (consumer.num_ack_pending or 0))
            for consumer in await bus.js.consumers_info(name)
        ),
        is_drifted=_limits(info.config) != _limits(config),
    )  # fmt: skip


def _age_s(stored: str) -> float:
    """Return how long ago ``stored`` was, an instant of RFC 3339 down to nanoseconds."""
    instant = datetime.fromisoformat(f"{stored[:19]}+00:00")
    return max(0.0, clock.wall_ns() / 1e9 - instant.timestamp())


def _limits(config: StreamConfig) -> dict[str, Any]:
    return {name: getattr(config, name) or 0 for name in _LIMITS}
