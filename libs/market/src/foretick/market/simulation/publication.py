"""What the exchange sends of a book: the best prices, the levels that changed, the top, and each trade of an order."""

from numba import njit

from foretick.market.simulation.book import ASK, BID, best_of, ladder, lots_at, mid_in_levels, price_ticks, put, settle
from foretick.market.simulation.randomness import Rng
from foretick.market.simulation.state import SLOTS, Forces, Instrument, Traits
from foretick.market.simulation.tape import DEPTH, QUOTE, TOP, TRADE, Tape, write

_MASK = SLOTS - 1
_MOST_LEVELS_HIT = 5
_RESTLESS_LEVELS = 80  # what the ring can tell apart, less the books' depth: beyond it an update could miss a level
_NS_PER_MESSAGE = 1_000

When = tuple[int, int, int]
"""Index of the instrument; when it happened and when it is received, ns."""


@njit(cache=True)
def execute(rng: Rng, one: Instrument, traits: Traits, tape: Tape, order: tuple[int, int], when: When) -> None:
    """Match a market order (aggressor 1 or -1, lots) against the queues: one trade for each level that it hits."""
    aggressor, lots = order
    side = ASK if aggressor > 0 else BID
    hit = 0
    while lots > 0 and hit < _MOST_LEVELS_HIT:
        level = best_of(one, side)
        there = lots_at(one, side, level)
        taken = min(lots, there)
        one.trade_id += 1
        row = write(tape, TRADE, (when[0], when[1], when[2] + _NS_PER_MESSAGE * hit))
        tape.ids[row, :] = one.trade_id
        tape.v[row, 0] = price_ticks(traits, level)
        tape.v[row, 1] = taken
        tape.v[row, 2] = aggressor
        tape.v[row, 3] = 0
        put(one, side, level, there - taken)
        settle(rng, one, traits, side)
        lots -= taken
        hit += 1


@njit(cache=True)
def send_quote(one: Instrument, traits: Traits, tape: Tape, when: When) -> None:
    """Write the best bid and ask."""
    row = write(tape, QUOTE, (when[0], when[1], when[2] + _NS_PER_MESSAGE * (_MOST_LEVELS_HIT + 1)))
    tape.ids[row, :] = one.update_id
    tape.v[row, 0] = price_ticks(traits, one.best_bid)
    tape.v[row, 1] = lots_at(one, BID, one.best_bid)
    tape.v[row, 2] = price_ticks(traits, one.best_ask)
    tape.v[row, 3] = lots_at(one, ASK, one.best_ask)


@njit(cache=True)
def depth_is_due(one: Instrument, phase: int) -> bool:
    """Say whether the depth update goes out: something changed, and its turn has come (phase 0) or prices ran far."""
    if one.update_id == one.published_id:
        return False
    return phase == 0 or abs(one.best_bid + one.best_ask - one.published_mid) > 2 * _RESTLESS_LEVELS


@njit(cache=True)
def send_depth(one: Instrument, traits: Traits, forces: Forces, tape: Tape, when: When) -> None:
    """Write every level changed since the last depth update, the top of the book, and the hidden state behind it."""
    row = write(tape, DEPTH, (when[0], when[1], when[2] + _NS_PER_MESSAGE * (_MOST_LEVELS_HIT + 2)))
    tape.ids[row, 0] = one.published_id + 1
    tape.ids[row, 1] = one.update_id
    tape.v[row, 0] = tape.counts[1]
    _write_changes(one, traits, tape)
    tape.v[row, 1] = tape.counts[1]
    tape.v[row, 2] = tape.counts[2]
    tape.v[row, 3] = 0
    _write_latent(one, traits, forces, tape)
    _write_top(one, traits, tape)
    one.published_id = one.update_id
    one.published_mid = one.best_bid + one.best_ask


@njit(cache=True)
def _write_changes(one: Instrument, traits: Traits, tape: Tape) -> None:
    first = (one.published_mid + one.best_bid + one.best_ask) // 4 - SLOTS // 2
    count = tape.counts[1]
    for side in (BID, ASK):
        for k in range(SLOTS):
            level = first + SLOTS - 1 - k if side == BID else first + k
            if one.dirty[side, level & _MASK]:
                one.dirty[side, level & _MASK] = 0
                tape.changes[count, 0] = side
                tape.changes[count, 1] = price_ticks(traits, level)
                tape.changes[count, 2] = lots_at(one, side, level)
                count += 1
    tape.counts[1] = count


@njit(cache=True)
def _write_top(one: Instrument, traits: Traits, tape: Tape) -> None:
    row = tape.counts[2]
    tape.counts[2] = row + 1
    tape.top[row, :] = 0
    for side in (BID, ASK):
        levels = ladder(one, traits, side)
        for k in range(min(TOP, len(levels))):
            tape.top[row, 2 * TOP * side + k] = levels[k, 0]
            tape.top[row, 2 * TOP * side + TOP + k] = levels[k, 1]


@njit(cache=True)
def _write_latent(one: Instrument, traits: Traits, forces: Forces, tape: Tape) -> None:
    row = tape.latent[tape.counts[2]]
    row[0] = one.efficient
    row[1] = one.efficient - mid_in_levels(one, traits)
    row[2] = one.drive
    row[3] = one.excitation
    row[4] = one.parent_side if one.parent_left > 0 else 0
    row[5] = one.news
    row[6] = forces.regime[traits.sector]
    row[7] = forces.trend[traits.sector]
