"""A seeded market with honest microstructure: the engine of the local exchange and of training on simulated history.

One generator serves both: ``SimulatedMarket.advance`` steps it live, ``simulate_history`` fast-forwards it, and equal
seeds give equal events to the bit however the time is cut. What moves prices is described in ``dynamics``; how much of
it can be predicted is answered by ``oracle``.
"""

from foretick.market.simulation.history import (
    LATENT_COLUMNS,
    Headline,
    History,
    SimulatedHistory,
    SymbolLatents,
    simulate_history,
)
from foretick.market.simulation.listing import LISTINGS, Listing, listing_of
from foretick.market.simulation.market import Pace, SimulatedMarket
from foretick.market.simulation.oracle import imagine_mids

__all__ = [
    "LATENT_COLUMNS",
    "LISTINGS",
    "Headline",
    "History",
    "Listing",
    "Pace",
    "SimulatedHistory",
    "SimulatedMarket",
    "SymbolLatents",
    "imagine_mids",
    "listing_of",
    "simulate_history",
]
