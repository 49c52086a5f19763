"""The whole state of the market as numpy records: copied, saved and continued by value.

Compiled code takes records, because each array in a call costs it a reference count; the protocols name their fields.
"""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from foretick.market.simulation.listing import SECTORS, Listing
from foretick.market.simulation.randomness import Rng, normal, seeded

SLOTS = 256
"""Price levels that a book's ring of quantities can tell apart; a power of two."""

DEPTH = 50
"""Levels a side within which the exchange keeps orders."""

STEP_S = 0.01
"""Length of a step of the market's own time, s."""

_OPENING_SPREAD = 0.02

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


class Forces(Protocol):
    """State shared by all instruments: a record of ``FORCES``.

    rng: (1,) the generator's state
    now_ns: start of the next step, in ns of data time
    steps: steps made
    regime, trend: (s,) each sector's regime and its direction (-1, 0, 1)
    factor: (1 + s,) this step's draw of the market's factor and of each sector's
    """

    rng: Rng
    now_ns: int
    steps: int
    regime: Ints
    trend: Floats
    factor: Floats


class Instrument(Protocol):
    """State of one instrument: a record of ``INSTRUMENT``. A level is a place for a price on the book's ladder.

    efficient: latent efficient price, in levels
    drive: latent imbalance drive, standard deviation 1
    excitation: self-excited part of the trade rate, per s
    news: drift left over from headlines, in levels per s
    parent_side, parent_left: direction of the large order now being worked, and its trades to come
    best_bid, best_ask: levels of the best prices
    update_id, published_id: last update id, and that of the last depth update
    published_mid: twice the mid level at the last depth update
    trade_id: last trade id
    lots: (2, SLOTS) quantity of bids and asks by level modulo SLOTS, in lots; 0 is an empty level
    dirty: (2, SLOTS) levels changed since the last depth update
    """

    efficient: float
    drive: float
    excitation: float
    news: float
    parent_side: int
    parent_left: int
    best_bid: int
    best_ask: int
    update_id: int
    published_id: int
    published_mid: int
    trade_id: int
    lots: Ints
    dirty: NDArray[np.uint8]


class Traits(Protocol):
    """What does not change of an instrument while the market runs: a record of ``TRAITS``.

    level_ticks: mean distance of neighbouring levels, in ticks
    activity_frac: event rate relative to the others
    queue_lots: median quantity at the best price
    move: deviation of the efficient log price per root s
    market_load, sector_load, own_load: loads on the factors; their squares sum to 1
    reference: efficient price at the opening, in levels
    """

    sector: int
    level_ticks: int
    activity_frac: float
    queue_lots: float
    move: float
    market_load: float
    sector_load: float
    own_load: float
    reference: float


FORCES = np.dtype(
    [
        ("rng", "u8", (1,)), ("now_ns", "i8"), ("steps", "i8"),
        ("regime", "i8", (SECTORS,)), ("trend", "f8", (SECTORS,)), ("factor", "f8", (1 + SECTORS,)),
    ]
)  # fmt: skip
INSTRUMENT = np.dtype(
    [(name, "f8") for name in ("efficient", "drive", "excitation", "news")]
    + [(name, "i8") for name in ("parent_side", "parent_left", "best_bid", "best_ask")]
    + [(name, "i8") for name in ("update_id", "published_id", "published_mid", "trade_id")]
    + [("lots", "i8", (2, SLOTS)), ("dirty", "u1", (2, SLOTS))]
)
TRAITS = np.dtype(
    [("sector", "i8"), ("level_ticks", "i8")]
    + [(name, "f8") for name in ("activity_frac", "queue_lots", "move")]
    + [(name, "f8") for name in ("market_load", "sector_load", "own_load", "reference")]
)


class MarketState(NamedTuple):
    """Everything that the next step depends on: (1,) of ``FORCES`` and (n,) of ``INSTRUMENT``."""

    forces: NDArray[np.void]
    instruments: NDArray[np.void]

    def copy(self) -> "MarketState":
        """Return a state that shares nothing with this one."""
        return MarketState(self.forces.copy(), self.instruments.copy())


class Economy(NamedTuple):
    """What does not change while the market runs.

    traits: (n,) of ``TRAITS``
    step_ns: length of a step in data time
    depth_steps: steps between depth updates
    """

    traits: NDArray[np.void]
    step_ns: int
    depth_steps: int


def economy_of(listings: Sequence[Listing], step_ns: int, depth_steps: int) -> Economy:
    """Return the constants of a market of these instruments."""
    traits = np.zeros(len(listings), dtype=TRAITS)
    for trait, item in zip(traits, listings, strict=True):
        reference = float(item.price) / (float(item.tick_size) * item.level_ticks)
        trait["sector"], trait["level_ticks"] = item.sector, item.level_ticks
        trait["activity_frac"] = item.activity_frac
        trait["queue_lots"] = item.queue_qty / float(item.lot_size)
        trait["move"] = item.level_move_per_root_s / reference
        trait["market_load"], trait["sector_load"] = item.market_load, item.sector_load
        trait["own_load"] = np.sqrt(1.0 - item.market_load**2 - item.sector_load**2)
        trait["reference"] = reference
    return Economy(traits, step_ns, depth_steps)


def opening_state(economy: Economy, seed: int, start_ns: int) -> MarketState:
    """Return the state in which the market opens: empty books around the reference prices, all regimes calm."""
    forces = np.zeros(1, dtype=FORCES)
    forces["rng"][0] = seeded(seed)
    forces["now_ns"] = start_ns
    instruments = np.zeros(len(economy.traits), dtype=INSTRUMENT)
    # Markets of different seeds open at different prices, so that no model can mistake a price for a pattern.
    rng = forces["rng"][0]
    opening = [normal(rng) for _ in economy.traits]
    instruments["efficient"] = economy.traits["reference"] * np.exp(_OPENING_SPREAD * np.array(opening))
    level = np.floor(instruments["efficient"]).astype(np.int64)
    instruments["excitation"] = 1.0
    instruments["best_bid"], instruments["best_ask"] = level - 1, level
    instruments["published_mid"] = 2 * level - 1
    for name in ("update_id", "trade_id"):
        instruments[name] = 1_000_000 + 1_000 * np.arange(len(level))
    return MarketState(forces, instruments)
