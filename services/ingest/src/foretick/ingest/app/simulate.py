"""Wiring of the ``simulate`` role: market -> exchange -> sockets."""

from pathlib import Path

from foretick.common.errors import InvalidSettings
from foretick.common.runtime.bootstrap import Runtime
from foretick.common.units import nanos_from_seconds
from foretick.ingest.adapters.simulator.checkpoint import checkpoint_forever, restore_checkpoint
from foretick.ingest.adapters.simulator.metrics import observe_exchange
from foretick.ingest.adapters.simulator.server import ExchangeServer
from foretick.ingest.domain.exchange import Exchange
from foretick.ingest.settings import IngestSettings
from foretick.market.simulation import LISTINGS, Pace, SimulatedMarket

SETTLING_S = 10.0
"""How long a new market trades before anyone sees it; it also loads the compiled market before the exchange opens."""


async def build(rt: Runtime, settings: IngestSettings) -> None:
    """An exchange in the protocols of Binance, Coinbase and Kraken: market -> messages -> sockets, checkpointed."""
    symbols = [symbol for symbol in settings.default_symbols if symbol in LISTINGS]
    if not symbols:
        raise InvalidSettings([f"DEFAULT_SYMBOLS: the simulated exchange lists {', '.join(LISTINGS)}"])
    opened_ns = rt.clock.now_ns() - nanos_from_seconds(SETTLING_S)
    market = SimulatedMarket(symbols, settings.sim_seed, opened_ns, Pace(settings.sim_rate_frac))
    market.run_silently(rt.clock.now_ns())
    checkpoint = Path(settings.data_dir) / "exchange" / "market.npz"
    if restore_checkpoint(checkpoint, market, rt.clock.now_ns(), rt.log):
        rt.log.info("market continues from its checkpoint", path=str(checkpoint))
        rt.clock.not_before(market.now_ns)
    exchange = Exchange(market, settings.sim_faults_per_minute, settings.sim_seed)
    server = ExchangeServer(exchange, rt.clock, rt.log)
    await server.start(settings.sim_host, settings.sim_port)
    rt.log.info("exchange is open", host=settings.sim_host, port=server.port, symbols=symbols)
    rt.spawn(server.run(), name="market")
    rt.spawn(checkpoint_forever(checkpoint, market), name="checkpoint")
    rt.spawn(observe_exchange(rt.metrics, server), name="exchange-metrics")
    rt.on_drain(server.drain)
