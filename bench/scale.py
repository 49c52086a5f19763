"""scale: events that two feature shards fold in a second, each with a core / one shard with a core.

Stream MARKET holds 40 s of 32 instruments at 125 ticks/s and 10 book updates/s each, in frames of one event; each of
two shards owns 16 of them. The shards start cold, take their leases when the instruments are listed, read their own
instruments back, fold them and publish all vectors. The time is from the first shard's taking its leases to the last
one's being live, so it holds whatever the two wait for each other.

Two shards and the nats-server that feeds them want three cores. This needs only two: nats-server has one, and of the
other every shard has half, in turns (``bench.turns``); a shard alone has half as well. So both sides of the ratio have
equal shards of a core, which work at the same time as far as the bus can tell. They take turns, one shard also with
itself; every run must give the same vectors.

``scale-crowded`` is the same without turns: two shards and nats-server share what cores there are.
"""

import os
import statistics

from bench.harness import NULL_PAIR_HIGH, NULL_PAIR_LOW, Figure, MachineTooNoisy
from bench.stored_market import CatchUp, StoredMarket, share_symbols, stored_market

_SECONDS = 40
_ROUNDS = 5
_PLACES = 2
_SHARE_SLACK = 1.1
"""A shard that got more of the core than its share by this, makes the run void."""


def measure() -> list[Figure]:
    """Let one and two shards catch up on the same stream in turn; one shard also against itself."""
    if len(os.sched_getaffinity(0)) < _PLACES:
        raise MachineTooNoisy("scale wants two cores: one for nats-server, one for the shards")
    with stored_market(share_symbols(16, 2), _SECONDS, batched=False) as market:
        market.catch_up(1)
        parted = _Sides(market, _PLACES)
        crowded = _Sides(market, None)
    if any(run.vectors != parted.runs["one"][0].vectors for run in (*parted.all_runs, *crowded.all_runs)):
        raise RuntimeError("one and two shards gave different vectors")
    if max(busy for run in parted.all_runs for busy in run.busy_fracs[:-1]) > _SHARE_SLACK / _PLACES:
        raise RuntimeError("a shard had more than its share of the core")
    return [
        Figure("scale", parted.ratio, "x", floor=1.7, aim=1.95, smaller_is_better=False, note=parted.describe()),
        Figure("scale-crowded", crowded.ratio, "x", None, None, smaller_is_better=False, note=crowded.describe()),
    ]


class _Sides:
    """Runs of one shard, of two, and of one again."""

    def __init__(self, market: StoredMarket, places: int | None) -> None:
        self.runs: dict[str, list[CatchUp]] = {"one": [], "two": [], "null": []}
        self._stored = market.stored
        for number in range(_ROUNDS):
            for side in ("one", "two", "null") if number % 2 else ("null", "two", "one"):
                run = market.catch_up(2 if side == "two" else 1, places)
                if run.frames != market.stored:
                    raise RuntimeError(f"{run.frames} frames were read of {market.stored}")
                self.runs[side].append(run)
        null = self._seconds("null") / self._seconds("one")
        if not NULL_PAIR_LOW <= null <= NULL_PAIR_HIGH:
            raise MachineTooNoisy(f"null pair {null:.3f}")

    @property
    def all_runs(self) -> list[CatchUp]:
        return [run for runs in self.runs.values() for run in runs]

    @property
    def ratio(self) -> float:
        return self._seconds("one") / self._seconds("two")

    def describe(self) -> str:
        """Return events a second of both sides, and how busy the processes of the second were."""
        busy = [statistics.median(each) for each in zip(*(run.busy_fracs for run in self.runs["two"]), strict=True)]
        *shards, server = (f"{each:.0%}" for each in busy)
        one, two = (self._stored / self._seconds(side) for side in ("one", "two"))
        took = f"of a core the two took {' and '.join(shards)}, nats-server {server}"
        return f"one {one:,.0f} events/s, two {two:,.0f}; {took}"

    def _seconds(self, side: str) -> float:
        return statistics.median(run.seconds for run in self.runs[side])
