"""What a client of the simulated exchange would have written down, of venues whose books come on their streams."""

from collections.abc import Sequence

from foretick.ingest.adapters.simulator.recording import DEFAULT_START_NS
from foretick.ingest.domain.events import Received
from foretick.ingest.domain.exchange import Exchange
from foretick.ingest.domain.exchange_faults import SimVenue
from foretick.ingest.domain.exchange_sessions import CoinbaseSession, KrakenSession
from foretick.ingest.ports import StreamPlan
from foretick.market.simulation import SimulatedMarket

_STEP_NS = 100_000_000


def recorded_session(
    venue: SimVenue, plan: StreamPlan, symbols: Sequence[str], seed: int, duration_s: float
) -> list[Received]:
    """Return the frames of one connection that opens as ``plan`` says; ``symbols`` are those of the market."""
    market = SimulatedMarket(symbols, seed, DEFAULT_START_NS)
    exchange = Exchange(market)
    front = exchange.coinbase if venue is SimVenue.COINBASE else exchange.kraken
    session = CoinbaseSession(front) if front is exchange.coinbase else KrakenSession(exchange.kraken)
    now_ns = DEFAULT_START_NS
    sent = session.opening()
    for request in plan.opening(list(front.names)):
        sent += session.answer(request, now_ns)
    frames = [Received(now_ns, payload, None, 1) for payload in sent]
    while now_ns < DEFAULT_START_NS + round(duration_s * 1e9):
        now_ns += _STEP_NS
        sent = [*session.take(exchange.advance_to(now_ns, (venue,))), *session.on_time(now_ns)]
        frames += [Received(now_ns, payload, None, 1) for payload in sent]
    return frames
