"""Simulated history by instrument, in the layout in which the feature kernel takes events."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from foretick.common.units import NS_PER_S
from foretick.market.simulation.listing import Listing
from foretick.market.simulation.market import Pace, SimulatedMarket
from foretick.market.simulation.state import Floats, Ints
from foretick.market.simulation.tape import CLOCK, DEPTH, HEADLINE, QUOTE, TOP, TRADE, Tape, blank_tape

LATENT_COLUMNS = (
    "efficient_price", "gap_levels", "drive", "excitation_per_s", "parent_side", "news_levels_per_s", "regime", "trend",
)  # fmt: skip
"""Hidden state behind each depth update; the efficient price in quote currency, regime 0 calm 1 trending 2 volatile."""

_QUIET_NS = NS_PER_S
_CHUNK_EVENTS = 262_144


class History(NamedTuple):
    """Events of one instrument in order of receipt. n events, m depth updates.

    kind: (n,) 0 trade, 1 quote, 2 depth, 3 clock
    recv_ns: (n,) data time of each event, never decreasing
    v: (n, 4) trade: price, qty, side (1 bought, -1 sold), 0. quote: bid, bid qty, ask, ask qty. depth: row of
        ``depth``, 0, 0, 0. clock: zeros
    depth: (m, 40) bid prices 10, bid quantities 10, ask prices 10, ask quantities 10; best first, 0 where missing
    """

    kind: NDArray[np.uint8]
    recv_ns: Ints
    v: Floats
    depth: Floats


class SymbolLatents(NamedTuple):
    """What no service reads: the hidden state at each depth update, columns as in ``LATENT_COLUMNS``."""

    recv_ns: Ints
    v: Floats


class Headline(NamedTuple):
    """News that moved an instrument. ``sentiment_frac`` from -1 to 1."""

    symbol: str
    event_ns: int
    sentiment_frac: float


class SimulatedHistory(NamedTuple):
    """A stretch of the market: what services would have seen, by symbol, and what was behind it."""

    events: dict[str, History]
    latents: dict[str, SymbolLatents]
    headlines: list[Headline]


class _Columns(NamedTuple):
    kind: NDArray[np.uint8]
    recv_ns: Ints
    v: Floats
    depth: Floats
    latent: Floats


def simulate_history(
    symbols: Sequence[str], seed: int, duration_s: float, start_ns: int, pace: Pace | None = None
) -> SimulatedHistory:
    """Run a market from its opening and return what each instrument's feed would have carried.

    Trades, a quote on every change of the best prices, the ten best levels after every 100 ms depth update, and a clock
    event after each second without any. The first events show the books' opening.

    Raises:
        Refused: ``unknown_symbol`` where a symbol is not listed.
    """
    market = SimulatedMarket(symbols, seed, start_ns, pace)
    due = int(duration_s * NS_PER_S) // market.pace.step_ns
    parts: list[list[_Columns]] = [[] for _ in symbols]
    headlines: list[Headline] = []
    tape = blank_tape(_CHUNK_EVENTS, len(market.symbols))
    while due > 0:
        tape.clear()
        due -= market.run(tape, due)
        headlines += _headlines(tape, market.symbols)
        for i, listing in enumerate(market.listings):
            parts[i].append(_columns_of(tape, i, listing))
    events: dict[str, History] = {}
    latents: dict[str, SymbolLatents] = {}
    for symbol, pieces in zip(market.symbols, parts, strict=True):
        events[symbol], latents[symbol] = _joined(pieces)
    return SimulatedHistory(events, latents, headlines)


def _headlines(tape: Tape, symbols: Sequence[str]) -> list[Headline]:
    rows = np.flatnonzero(tape.kind[: tape.counts[0]] == HEADLINE)
    return [Headline(symbols[int(tape.symbol[r])], int(tape.times[r, 0]), float(tape.v[r, 0]) / 1e6) for r in rows]


def _columns_of(tape: Tape, index: int, listing: Listing) -> _Columns:
    """Pick the events of an instrument from a tape, in its units."""
    used = tape.counts[0]
    rows = np.flatnonzero((tape.symbol[:used] == index) & (tape.kind[:used] != HEADLINE))
    kind, raw = tape.kind[rows], tape.v[rows]
    v = np.zeros((len(rows), 4))
    trades, quotes, depths = kind == TRADE, kind == QUOTE, kind == DEPTH
    v[trades, 0] = _scaled(raw[trades, 0], listing.tick_size)
    v[trades, 1] = _scaled(raw[trades, 1], listing.lot_size)
    v[trades, 2] = raw[trades, 2]
    for column in (0, 2):
        v[quotes, column] = _scaled(raw[quotes, column], listing.tick_size)
        v[quotes, column + 1] = _scaled(raw[quotes, column + 1], listing.lot_size)
    top = tape.top[raw[depths, 2]]
    depth = np.empty(top.shape)
    for side in (0, 2 * TOP):
        depth[:, side : side + TOP] = _scaled(top[:, side : side + TOP], listing.tick_size)
        depth[:, side + TOP : side + 2 * TOP] = _scaled(top[:, side + TOP : side + 2 * TOP], listing.lot_size)
    latent = tape.latent[raw[depths, 2]]
    latent[:, 0] *= float(listing.tick_size) * listing.level_ticks
    return _Columns(kind, tape.times[rows, 1], v, depth, latent)


def _scaled(counts: Ints, step: object) -> Floats:
    """Turn whole ticks or lots into the float64 nearest to the decimal that the exchange would print."""
    return counts / float(round(1.0 / float(str(step))))


def _joined(pieces: list[_Columns]) -> tuple[History, SymbolLatents]:
    """Join an instrument's pieces, number its depth rows and add the clock events of quiet seconds."""
    kind = np.concatenate([piece.kind for piece in pieces])
    recv_ns = np.concatenate([piece.recv_ns for piece in pieces])
    v = np.concatenate([piece.v for piece in pieces])
    depths = kind == DEPTH
    v[depths, 0] = np.arange(np.count_nonzero(depths))
    latents = SymbolLatents(recv_ns[depths], np.concatenate([piece.latent for piece in pieces]))
    depth = np.concatenate([piece.depth for piece in pieces])
    return _with_clock(History(kind, recv_ns, v, depth)), latents


def _with_clock(history: History) -> History:
    """Insert a clock event after every whole second in which an instrument was quiet."""
    quiet = (np.diff(history.recv_ns) - 1) // _QUIET_NS
    after = np.repeat(np.arange(len(quiet)), quiet)
    if not len(after):
        return history
    nth = np.arange(len(after)) - np.repeat(np.cumsum(quiet) - quiet, quiet) + 1
    at = after + 1
    return History(
        np.insert(history.kind, at, CLOCK),
        np.insert(history.recv_ns, at, history.recv_ns[after] + nth * _QUIET_NS),
        np.insert(history.v, at, 0.0, axis=0),
        history.depth,
    )
