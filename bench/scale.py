"""scale: events that two feature shards fold in a second / one shard.

Stream MARKET holds 40 s of 32 instruments at 125 ticks/s and 10 book updates/s each, in frames of one event; each of
two shards owns 16 of them. The shards start cold, take their leases when the instruments are listed, read their own
instruments back, fold them and publish all vectors. The time is from the first shard's taking its leases to the last
one's being live, so it holds whatever the two wait for each other. nats-server, which both read from, runs on the same
cores. One shard and two take turns; every run must give the same vectors.
"""

import statistics

from bench.harness import NULL_PAIR_HIGH, NULL_PAIR_LOW, Figure, MachineTooNoisy
from bench.stored_market import CatchUp, share_symbols, stored_market

_SECONDS = 40
_ROUNDS = 3


def measure() -> list[Figure]:
    """Let one and two shards catch up on the same stream in turn; one shard also against itself."""
    runs: dict[str, list[CatchUp]] = {"one": [], "two": [], "null": []}
    with stored_market(share_symbols(16, 2), _SECONDS, batched=False) as market:
        market.catch_up(1)
        for number in range(_ROUNDS):
            for side in ("one", "two", "null") if number % 2 else ("null", "two", "one"):
                run = market.catch_up(2 if side == "two" else 1)
                if run.frames != market.stored:
                    raise RuntimeError(f"{run.frames} frames were read of {market.stored}")
                runs[side].append(run)
    if any(run.vectors != runs["one"][0].vectors for each in runs.values() for run in each):
        raise RuntimeError("one and two shards gave different vectors")
    one, two, null = (statistics.median(run.seconds for run in runs[side]) for side in ("one", "two", "null"))
    if not NULL_PAIR_LOW <= null / one <= NULL_PAIR_HIGH:
        raise MachineTooNoisy(f"null pair {null / one:.3f}")
    note = f"one {market.stored / one:.0f} events/s, two {market.stored / two:.0f}"
    return [Figure("scale", one / two, "x", floor=1.7, aim=1.95, smaller_is_better=False, note=note)]
