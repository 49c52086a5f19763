"""The market as an object: step it, look at its books, save it and go on."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from foretick.common.units import NS_PER_S
from foretick.market.simulation.book import ASK, BID, fill_book, ladder
from foretick.market.simulation.kernel import advance
from foretick.market.simulation.listing import listing_of
from foretick.market.simulation.state import STEP_S, MarketState, economy_of, opening_state
from foretick.market.simulation.tape import Tape, blank_tape

_DEPTH_INTERVAL_NS = 100_000_000
_LIVE_EVENTS = 4_096


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast the market's own time runs against data time.

    rate_frac: 1 is real time; 10 puts ten times the events, and ten times the variance, into each second
    """

    rate_frac: float = 1.0

    @property
    def step_ns(self) -> int:
        """Length of a step in data time, ns."""
        return max(1_000, round(STEP_S * NS_PER_S / self.rate_frac))

    @property
    def depth_steps(self) -> int:
        """Steps between depth updates, which are 100 ms of data time apart whatever the rate."""
        return max(1, _DEPTH_INTERVAL_NS // self.step_ns)


class SimulatedMarket:
    """A market of some instruments, stepped by whole steps of data time.

    Equal symbols, seed, start and pace give equal events to the bit, however the steps are cut into calls.
    """

    def __init__(self, symbols: Sequence[str], seed: int, start_ns: int, pace: Pace | None = None) -> None:
        """Open the market.

        Raises:
            Refused: ``unknown_symbol`` where a symbol is not listed.
        """
        self.symbols = tuple(symbols)
        self.listings = tuple(listing_of(symbol) for symbol in symbols)
        self.pace = pace or Pace()
        self.economy = economy_of(self.listings, self.pace.step_ns, self.pace.depth_steps)
        self.state = opening_state(self.economy, seed, start_ns)
        for one, traits in zip(self.state.instruments, self.economy.traits, strict=True):
            fill_book(self.state.forces["rng"][0], one, traits)
        self.skip_ids(0)
        self._live_tape: Tape | None = None

    @property
    def now_ns(self) -> int:
        """End of the last step made, in ns of data time."""
        return int(self.state.forces["now_ns"][0])

    def advance_to(self, now_ns: int) -> Iterator[Tape]:
        """Make every whole step that ends by ``now_ns``; yield the tape each time it is full, and at the end.

        A yielded tape is reused: read it before asking for the next.
        """
        if self._live_tape is None:
            self._live_tape = blank_tape(_LIVE_EVENTS, len(self.symbols))
        due = (now_ns - self.now_ns) // self.pace.step_ns
        while due > 0:
            self._live_tape.clear()
            due -= self.run(self._live_tape, due)
            yield self._live_tape

    def run_silently(self, now_ns: int) -> None:
        """Make every step that ends by ``now_ns``, and tell nobody."""
        for _ in self.advance_to(now_ns):
            pass

    def run(self, tape: Tape, steps: int) -> int:
        """Append up to ``steps`` steps to ``tape``, as many as it holds; return how many."""
        return int(advance(self.state, self.economy, tape, steps))

    def skip_to(self, now_ns: int) -> None:
        """Let data time pass without events, as while the exchange was closed. Never goes back."""
        self.state.forces["now_ns"] = max(self.now_ns, now_ns)

    def last_update_id(self, index: int) -> int:
        """Return the id of the last change of an instrument's book."""
        return int(self.state.instruments["update_id"][index])

    def book(self, index: int, limit: int) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
        """Return bids and asks of instrument ``index``, best first: price in ticks, quantity in lots."""
        one, traits = self.state.instruments[index], self.economy.traits[index]
        bids, asks = ladder(one, traits, BID)[:limit], ladder(one, traits, ASK)[:limit]
        return [tuple(row) for row in bids.tolist()], [tuple(row) for row in asks.tolist()]

    def restore(self, saved: MarketState) -> None:
        """Go on from a saved state of a market of the same symbols.

        Raises:
            ValueError: the saved state does not have this market's shape.
        """
        for mine, other in zip(self.state, saved, strict=True):
            if mine.dtype != other.dtype or mine.shape != other.shape:
                raise ValueError(f"a saved state of {other.shape} {other.dtype} does not fit this market")
        self.state = saved.copy()

    def skip_ids(self, count: int) -> None:
        """Leave out update and trade ids, so that none is used twice after a restore from an older state."""
        instruments = self.state.instruments
        instruments["update_id"] += count
        instruments["trade_id"] += count
        instruments["published_id"] = instruments["update_id"]
        instruments["published_mid"] = instruments["best_bid"] + instruments["best_ask"]
        instruments["dirty"] = 0
