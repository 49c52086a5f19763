"""catch-up: seconds of market data that a cold start of features reads back in a second, at 1,000 ticks/s.

Stream MARKET holds two minutes of 8 instruments: 125 ticks/s and 10 book updates/s each. features starts without any
saved state; the clock runs from its taking the leases to its being live, and all vectors of the two minutes are
published meanwhile. Frames hold one event each, as a quiet live feed sends them, and, in turn, the ticks of 100 ms; the
figure is the slower of the two. Repeats must give the same vectors, and the same whichever way the frames were cut.
"""

import statistics
from contextlib import ExitStack

from bench.harness import Figure
from bench.stored_market import CatchUp, share_symbols, stored_market

_SECONDS = 120
_ROUNDS = 3


def measure() -> list[Figure]:
    """Catch up on both streams in turn, three times."""
    symbols = share_symbols(8, 1)
    runs: dict[bool, list[CatchUp]] = {False: [], True: []}
    with ExitStack() as stack:
        markets = {
            batched: stack.enter_context(stored_market(symbols, _SECONDS, batched=batched)) for batched in (False, True)
        }
        markets[False].catch_up(1)  # warms the disk's cache and the kernel's
        for _ in range(_ROUNDS):
            for batched, market in markets.items():
                run = market.catch_up(1)
                if run.frames != market.stored:
                    raise RuntimeError(f"{run.frames} frames were read of {market.stored}")
                runs[batched].append(run)
    if any(run.vectors != runs[True][0].vectors for each in runs.values() for run in each):
        raise RuntimeError("repeats, or ways to cut the frames, gave different vectors")
    single, batched = (_SECONDS / statistics.median(run.seconds for run in runs[kind]) for kind in (False, True))
    frames_per_s = statistics.median(run.frames / run.seconds for run in runs[False])
    note = f"frames of one event {single:.0f}x ({frames_per_s:.0f} frames/s), of 100 ms {batched:.0f}x"
    return [Figure("catch-up", min(single, batched), "x", floor=20, aim=100, smaller_is_better=False, note=note)]
