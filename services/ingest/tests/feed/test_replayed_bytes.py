"""Two replays of one recording on two fresh buses: with recorded stamps every byte of every message is equal."""

import gzip
import re

import nats
import pytest

from foretick.common.subjects import BOOKS, INSTRUMENT_LISTINGS, TICKS
from foretick.common.testing.servers import nats_process
from foretick.common.testing.waiting import eventually
from foretick.ingest.adapters.simulator import recording as simulated
from foretick.ingest.app.feed import build

from .test_feed_on_bus import runtime

EPOCH = re.compile(rb'"epoch":(\d+)')
SYMBOLS = ("BTCUSDT", "ETHUSDT", "SOLUSDT")


@pytest.fixture(scope="module")
def recordings(tmp_path_factory) -> dict[int, str]:
    """Three simulated seconds of each instrument, a file each, by seed."""
    paths = {}
    for seed in (3, 4):
        folder = tmp_path_factory.mktemp("bytes")
        for symbol in SYMBOLS:
            frames = simulated.frames([symbol], seed=seed, duration_s=3.0)
            lines = b"".join(b"%d %s\n" % (frame.recv_ns, frame.payload) for frame in frames)
            (folder / f"{symbol}.gz").write_bytes(gzip.compress(lines))
        paths[seed] = ",".join(str(path) for path in sorted(folder.iterdir()))
    return paths


async def bytes_of(epochs_taken: int = 0, **fields) -> dict[str, list[bytes]]:
    """What a feed with the settings ``fields`` puts on a fresh bus until its end, in order, by subject.

    epochs_taken: how many others have started on the bus before it
    """
    messages: dict[str, list[bytes]] = {}

    async def receive(message) -> None:
        messages.setdefault(message.subject, []).append(message.data)

    def have_ended(reason: bytes) -> bool:
        books = [sent for subject, sent in messages.items() if subject.startswith("books.")]
        return len(books) == len(SYMBOLS) and all(reason in sent[-1] for sent in books)

    with nats_process() as server:
        url = server.start().url
        client = await nats.connect(url)
        for subject in (TICKS, BOOKS, INSTRUMENT_LISTINGS):
            await client.subscribe(subject.wildcard, cb=receive)
        await client.flush()
        for _ in range(epochs_taken):
            async with runtime(url):
                pass
        async with runtime(url, **fields) as (rt, settings):
            await build(rt, settings)
            await eventually(lambda: have_ended(b"end of recording"))
        await eventually(lambda: have_ended(b"handed over"))
        await client.close()
    return messages


async def test_recorded_stamps_make_every_byte_equal_at_any_speed(recordings):
    recorded = {"REPLAY": recordings[3], "REPLAY_STAMPS": "recorded"}
    fast = await bytes_of(**recorded, REPLAY_SPEED=0)
    paced = await bytes_of(**recorded, REPLAY_SPEED=50)
    assert len(fast) == 3 * len(SYMBOLS)
    assert all(len(sent) > 2 for subject, sent in fast.items() if not subject.startswith("instruments."))
    assert paced == fast


async def test_the_comparison_sees_another_clock_and_another_recording(recordings):
    recorded = {"REPLAY": recordings[3], "REPLAY_SPEED": 0, "REPLAY_STAMPS": "recorded"}
    told = await bytes_of(**recorded)
    by_wall = await bytes_of(**recorded | {"REPLAY_STAMPS": "wall"})
    of_another = await bytes_of(**recorded | {"REPLAY": recordings[4]})
    assert by_wall.keys() == of_another.keys() == told.keys()
    assert all(by_wall[subject] != sent for subject, sent in told.items())
    assert any(of_another[subject] != sent for subject, sent in told.items())


async def test_whoever_else_starts_on_the_bus_changes_the_epoch_and_nothing_else(recordings):
    """All fencing epochs are numbers of one counter of the bus: whoever starts takes one, and so does each lease."""
    recorded = {"REPLAY": recordings[3], "REPLAY_SPEED": 0, "REPLAY_STAMPS": "recorded"}
    alone = await bytes_of(**recorded)
    among_others = await bytes_of(epochs_taken=3, **recorded)
    assert all(among_others[subject] != sent for subject, sent in alone.items())
    assert without_epochs(among_others) == without_epochs(alone)
    assert epochs_of(among_others) == {epoch + 3 for epoch in epochs_of(alone)}


def without_epochs(messages: dict[str, list[bytes]]) -> dict[str, list[bytes]]:
    return {subject: [EPOCH.sub(b"", message) for message in sent] for subject, sent in messages.items()}


def epochs_of(messages: dict[str, list[bytes]]) -> set[int]:
    return {int(epoch) for sent in messages.values() for message in sent for epoch in EPOCH.findall(message)}
