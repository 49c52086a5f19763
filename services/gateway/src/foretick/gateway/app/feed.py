"""Wiring of the role ``feed``: the WebSocket feed alone, on WEBSOCKET_PORT, for many clients."""

from foretick.common.runtime.bootstrap import Runtime
from foretick.gateway.adapters.picows.door import Door
from foretick.gateway.adapters.picows.server import FeedServer
from foretick.gateway.app.market import open_feed
from foretick.gateway.domain.principal import LOOPBACK_USER, Perimeter
from foretick.gateway.settings import GatewaySettings


async def build(rt: Runtime, settings: GatewaySettings) -> None:
    """Wire the feed."""
    feed = await open_feed(rt, settings)
    server = FeedServer(
        Door(Perimeter(settings.allowed_hosts, settings.allowed_origins)),
        lambda transport: feed.connect(transport, LOOPBACK_USER),
        share_port=settings.feed_processes > 1,
    )
    await server.start(settings.http_host, settings.websocket_port)
    rt.on_drain(server.stop)
    rt.log.info("feed is open", host=settings.http_host, port=server.port)
