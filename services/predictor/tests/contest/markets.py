"""Small markets as event columns: a book that is quoted one tick wide, whose queues tell where it goes, or nothing."""

import numpy as np

from foretick.quant.events import DEPTH_COLUMNS, DEPTH_LEVELS, EventArrays, EventKind

START_NS = 1_767_225_600_000_000_000
EVENT_NS = 100_000_000
TICK = 0.01


def make_market(n: int, seed: int, *, told: float, jump: int = 0) -> EventArrays:
    """``n`` book events, a quote before each. ``told``: how strongly the queue leans to where the mid goes next."""
    rng = np.random.default_rng(seed)
    move = rng.integers(-1, 2, n + 1)
    bid = 100.0 + TICK * np.cumsum(np.concatenate([[0], move]))[: n + 1]
    ahead = np.convolve(move[1:], np.ones(10), "full")[9 : 9 + n] if n > 10 else move[1:]
    lean = np.clip(told * ahead / 10 + rng.normal(0, 0.3, n), -0.9, 0.9)
    depth = np.zeros((n, DEPTH_COLUMNS))
    away = np.arange(DEPTH_LEVELS) * TICK
    bid_price, bid_qty, ask_price, ask_qty = np.split(depth, 4, axis=1)
    bid_price[:] = bid[:n, None] - away
    ask_price[:] = bid[:n, None] + TICK + away
    bid_qty[:] = rng.lognormal(1, 0.2, bid_qty.shape)
    ask_qty[:] = rng.lognormal(1, 0.2, ask_qty.shape)
    bid_qty[:, 0], ask_qty[:, 0] = 5 * (1 + lean), 5 * (1 - lean)
    kind = np.tile(np.array([EventKind.QUOTE, EventKind.DEPTH], np.uint8), n)
    v = np.zeros((2 * n, 4))
    v[0::2] = np.column_stack([bid_price[:, 0], bid_qty[:, 0], ask_price[:, 0], ask_qty[:, 0]])
    v[1::2, 0] = np.arange(n)
    recv_ns = START_NS + np.repeat(np.arange(n) * EVENT_NS, 2) + np.tile([0, 1_000_000], n)
    if jump:
        kind[2 * jump] = EventKind.STATE
        v[2 * jump] = (4.0, 0.0, 0.0, 0.0)
    return EventArrays(kind, recv_ns.astype(np.int64), v, depth)
