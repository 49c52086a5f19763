"""What happened in the market, in order: the buffer that a run of steps writes, in whole ticks and lots."""

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from foretick.market.simulation.state import SLOTS, Floats, Ints

TRADE, QUOTE, DEPTH, CLOCK, HEADLINE = 0, 1, 2, 3, 4
"""Kinds of event. The first four number the events of a service's feed as well; a headline is not one of these."""

TOP = 10
"""Levels a side in a depth row."""

LATENTS = 8
"""Columns of a latent row."""

_EVENTS_PER_STEP = 16


class Tape(NamedTuple):
    """Events of a run of steps. Row e of the first five arrays is event e.

    kind, symbol: (e,) kind of event, index of the instrument
    times: (e, 2) when it happened, and when a subscriber receives it, ns
    ids: (e, 2) first and last update id (quote, depth), or the trade id twice
    v: (e, 4) trade: price, qty, aggressor (1 bought, -1 sold), 0. quote: bid, bid qty, ask, ask qty.
        depth: range of rows of ``changes``, row of ``top`` and ``latent``, 0. headline: millionths of sentiment,
        0, 0, 0. Prices in ticks, quantities in lots
    changes: (c, 3) side (0 bid, 1 ask), price in ticks, new quantity in lots
    top: (d, 40) bid prices 10, bid quantities 10, ask prices 10, ask quantities 10; 0 where a level is missing
    latent: (d, 8) the hidden state behind a depth update, see ``history.LATENT_COLUMNS``
    counts: (3,) rows used of events, of changes, of top and latent
    """

    kind: NDArray[np.uint8]
    symbol: Ints
    times: Ints
    ids: Ints
    v: Ints
    changes: Ints
    top: Ints
    latent: Floats
    counts: Ints

    def clear(self) -> None:
        """Forget every event."""
        self.counts[:] = 0


def blank_tape(events: int, instruments: int) -> Tape:
    """Return an empty tape with room for about ``events`` events, and at least for one step of all instruments."""
    rows = max(events, 2 * _EVENTS_PER_STEP * instruments)
    depths = max(rows // 2, 4 * instruments)
    return Tape(
        kind=np.zeros(rows, dtype=np.uint8),
        symbol=np.zeros(rows, dtype=np.int64),
        times=np.zeros((rows, 2), dtype=np.int64),
        ids=np.zeros((rows, 2), dtype=np.int64),
        v=np.zeros((rows, 4), dtype=np.int64),
        changes=np.zeros((max(4 * rows, 4 * SLOTS * instruments), 3), dtype=np.int64),
        top=np.zeros((depths, 4 * TOP), dtype=np.int64),
        latent=np.zeros((depths, LATENTS)),
        counts=np.zeros(3, dtype=np.int64),
    )


@njit(cache=True)
def has_room(tape: Tape, instruments: int) -> bool:
    """Say whether another step of all instruments fits, whatever happens in it."""
    return (
        tape.counts[0] + _EVENTS_PER_STEP * instruments <= tape.kind.size
        and tape.counts[1] + 2 * SLOTS * instruments <= tape.changes.shape[0]
        and tape.counts[2] + instruments <= tape.top.shape[0]
    )


@njit(cache=True)
def write(tape: Tape, kind: int, when: tuple[int, int, int]) -> int:
    """Append an event of an instrument that happened and is received at these instants (ns); return its row."""
    row = tape.counts[0]
    tape.counts[0] = row + 1
    tape.kind[row] = kind
    tape.symbol[row] = when[0]
    tape.times[row, 0] = when[1]
    tape.times[row, 1] = when[2]
    return row
