"""Compiles every kernel into Numba's cache, once, so that no process has to at its start."""

from foretick.common.units import NS_PER_S
from foretick.market import compiled_book
from foretick.market.simulation import SimulatedMarket
from foretick.quant import explainer, kernel
from foretick.quant.ensemble import compiled as ensemble

_START_NS = 1_700_000_000 * NS_PER_S


def warm() -> None:
    """Compile the kernels of features, ensemble, books and simulated market, or load those that have been compiled."""
    kernel.warm()
    compiled_book.warm()
    ensemble.warm()
    explainer.warm()
    market = SimulatedMarket(("BTCUSDT", "ETHUSDT"), seed=1, start_ns=_START_NS)
    for _ in market.advance_to(_START_NS + NS_PER_S):
        pass
