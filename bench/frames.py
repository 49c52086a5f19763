"""Figure ``frames``: validated ticks a second and core in frames of 64, over raw nats-py messages a second and core.

Ours: a process decodes and validates frames of 64 ticks through the data plane and folds them. Rival: a process whose
raw nats-py callback counts messages of one tick, without decoding. Both take bursts as fast as they come, natural
batching at its best on both sides; per core means per second of CPU of the process. All must have taken all.
"""

import statistics

import msgspec

from bench.consumer import RAW_SUBJECT
from bench.firehose import Firehose, consumers, server, usage_of
from bench.harness import NULL_PAIR_HIGH, NULL_PAIR_LOW, Figure, MachineTooNoisy
from foretick.common.subjects import TICKS
from foretick.common.testing import tick_frame

FRAME = 64
_FRAMES = 4_000
_MESSAGES = 20_000
_ROUNDS = 7


def measure() -> list[Figure]:
    """Measure the figure.

    Raises:
        MachineTooNoisy: the null pair left its band
    """
    frame = msgspec.json.encode(tick_frame("TQ" * (FRAME // 2), venue="bench", symbol="fold"))
    tick = msgspec.json.encode(tick_frame("T", venue="bench", symbol="fold"))
    sides = {
        "ours": ("fold", TICKS.of("bench", "fold"), [frame] * _FRAMES, FRAME),
        "rival": ("raw", RAW_SUBJECT, [tick] * _MESSAGES, 1),
        "null": ("raw", RAW_SUBJECT, [tick] * _MESSAGES, 1),
    }
    per_core: dict[str, list[float]] = {side: [] for side in sides}
    with server() as nats_server, consumers(nats_server.url, "fold", "raw"):
        hose = Firehose(nats_server.url)
        for number in range(_ROUNDS + 1):
            for side in sides if number % 2 else reversed(sides):
                kind, subject, payloads, ticks_each = sides[side]
                before = usage_of(nats_server.url, kind)
                hose.pour(subject, payloads)
                after = usage_of(nats_server.url, kind, before.messages + len(payloads))
                ticks = after.ticks - before.ticks
                if ticks != ticks_each * len(payloads):
                    raise AssertionError(f"{kind} took {ticks} ticks of {ticks_each * len(payloads)}")
                if number:  # the first round warms up
                    per_core[side].append(ticks / (after.cpu_s - before.cpu_s))
        hose.close()
    ours, rival, null = (statistics.median(per_core[side]) for side in sides)
    if not NULL_PAIR_LOW <= null / rival <= NULL_PAIR_HIGH:
        raise MachineTooNoisy(f"raw nats-py against itself {null / rival:.3f}")
    note = f"{ours:,.0f} ticks/s and core in frames of {len(frame)} bytes; nats-py {rival:,.0f} messages/s and core"
    return [Figure("frames", ours / rival, "ratio", floor=5, aim=20, smaller_is_better=False, note=note)]


if __name__ == "__main__":
    for figure in measure():
        figure.report()
