"""Seeded event streams for tests and measurements of the kernel: every kind of event, and the odd ones."""

from dataclasses import dataclass

import numpy as np

from foretick.quant import parameters as p
from foretick.quant.cross_section import CrossFold, CrossReading
from foretick.quant.events import DEPTH_COLUMNS, DEPTH_LEVELS, VALUE_COLUMNS, EventArrays, EventKind

START_NS = 1_767_225_600_000_000_000
"""2026-01-01T00:00:00Z, a Thursday."""


@dataclass(frozen=True, slots=True)
class StreamShape:
    """How a stream looks: shares of trade, quote, depth, clock and state, mean gap, price and tick."""

    shares: tuple[int, int, int, int, int] = (20, 50, 24, 5, 1)
    mean_gap_ns: int = 8_000_000
    price: float = 100.0
    tick: float = 0.01


def random_events(seed: int, n: int, shape: StreamShape | None = None) -> EventArrays:
    """Return ``n`` events of a random walk on ticks, quoted one tick wide or wider, with random sizes."""
    shape = shape or StreamShape()
    rng = np.random.default_rng(seed)
    share = np.array(shape.shares, float)
    kind = rng.choice(len(share), n, p=share / share.sum()).astype(np.uint8)
    recv_ns = START_NS + np.cumsum(rng.exponential(shape.mean_gap_ns, n).astype(np.int64))
    ticks = round(shape.price / shape.tick) + np.cumsum(rng.integers(-1, 2, n))
    bid, ask = ticks * shape.tick, (ticks + rng.integers(1, 4, n)) * shape.tick
    v = np.zeros((n, VALUE_COLUMNS))
    trade, quote = kind == EventKind.TRADE, kind == EventKind.QUOTE
    side = rng.choice([-1.0, 1.0], n)
    v[trade, 0] = np.where(side > 0, ask, bid)[trade]
    v[trade, 1], v[trade, 2] = rng.lognormal(0.0, 1.0, n)[trade], side[trade]
    v[quote] = np.column_stack([bid, rng.lognormal(1.0, 0.5, n), ask, rng.lognormal(1.0, 0.5, n)])[quote]
    rows = np.flatnonzero(kind == EventKind.DEPTH)
    v[rows, 0] = np.arange(len(rows))
    state = kind == EventKind.STATE
    v[state, 0] = rng.integers(1, 5, n)[state]
    return EventArrays(kind, recv_ns, v, _depth(rng, bid[rows], ask[rows], shape.tick))


def random_sections(seed: int, events: EventArrays) -> dict[int, CrossReading]:
    """Return, by second, what cross-sections say of one of three random walks: of all seconds due in ``events``.

    The walks began long before, so that nothing is warming up.
    """
    first, last = (int(recv_ns) // p.BAR_NS - p.CROSS_DELAY_S for recv_ns in events.recv_ns[[0, -1]])
    seconds = range(first - p.CROSS_MIN_PAIRS - p.CROSS_RETURN_S, last + 1)
    moves = 1e-4 * np.random.default_rng(seed).standard_normal((len(seconds), 4))
    prices = 100.0 * np.exp(np.cumsum(moves[:, :3] + moves[:, 3:], axis=0))
    fold, keys = CrossFold(), [("sim", symbol) for symbol in "ABC"]
    sections = {
        s: fold.fold(s, dict(zip(keys, row, strict=True)))[0] for s, row in zip(seconds, prices.tolist(), strict=True)
    }
    return {second: sections[second] for second in range(first, last + 1)}


def trade_bars(columns: np.ndarray) -> EventArrays:
    """Return trades that make the given bars, one a second, and a clock event that closes the last.

    ``columns``: open, high, low, close, volume (5, n). Each bar is four trades; one without volume is refused.
    """
    n = columns.shape[1]
    if not (columns[4] > 0.0).all():
        raise ValueError("a bar without volume has no trades to make it of")
    v = np.zeros((4 * n + 1, VALUE_COLUMNS))
    v[:-1, 0] = columns[:4].T.ravel()
    v[:-1, 1] = np.repeat(columns[4] / 4.0, 4)
    v[:-1, 2] = 1.0
    recv_ns = START_NS + np.arange(4 * n + 1, dtype=np.int64) * 250_000_000
    kind = np.full(4 * n + 1, EventKind.TRADE, np.uint8)
    kind[-1], v[-1] = EventKind.CLOCK, 0.0
    return EventArrays(kind, recv_ns, v, np.zeros((0, DEPTH_COLUMNS)))


def _depth(rng: np.random.Generator, bid: np.ndarray, ask: np.ndarray, tick: float) -> np.ndarray:
    away = np.arange(DEPTH_LEVELS) * tick
    depth = np.empty((len(bid), DEPTH_COLUMNS))
    bid_price, bid_qty, ask_price, ask_qty = np.split(depth, 4, axis=1)
    bid_price[:] = bid[:, None] - away
    ask_price[:] = ask[:, None] + away
    bid_qty[:] = rng.lognormal(1.0, 0.5, bid_qty.shape)
    ask_qty[:] = rng.lognormal(1.0, 0.5, ask_qty.shape)
    return depth
