"""The exchange's figures for Prometheus."""

import asyncio

from foretick.common.runtime.metrics import Metrics
from foretick.ingest.adapters.simulator.server import ExchangeServer


async def observe_exchange(metrics: Metrics, server: ExchangeServer, interval_s: float = 1.0) -> None:
    """Copy the server's counts into gauges, again and again."""
    clients = metrics.gauge("exchange_clients", "Clients of the simulated exchange", ())
    sent = metrics.gauge("exchange_sent_messages", "Messages sent to all clients since the start", ())
    dropped = metrics.gauge("exchange_dropped_clients", "Clients dropped because they did not read", ())
    faults = metrics.gauge("exchange_injected_faults", "Faults injected since the start", ("venue", "kind"))
    while True:
        clients.set(server.client_count)
        sent.set(server.sent_messages)
        dropped.set(server.dropped_clients)
        for (venue, kind), count in server.injected_faults.items():
            faults.labels(venue, kind).set(count)
        await asyncio.sleep(interval_s)
