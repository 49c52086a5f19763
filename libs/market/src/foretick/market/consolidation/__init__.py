"""One quote of a pair from many venues: the best bid and ask of those that are sound, and which of them is the odd one.

A pair is a base and a quote currency. What is delivered at once takes part (spot, equities); derivatives trade at a
basis and do not, nor does a simulated venue beside real ones. Time is data time; everything is a fold over events.
"""

from foretick.market.consolidation.consolidator import STEP_NS, Consolidation, Consolidator
from foretick.market.consolidation.participant import STALE_NS, Quote

__all__ = ["STALE_NS", "STEP_NS", "Consolidation", "Consolidator", "Quote"]
