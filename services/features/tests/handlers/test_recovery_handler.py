"""A restarted service gives the vectors of one that was never killed."""

import pytest

from foretick.common.testing import T0_NS, tick_frame
from foretick.features.handlers.recovery import Bounds

SECOND_NS = 10**9


def store_frames(history, frames):
    """Frames reach the stream when they are sent: data time is wall time here."""
    history.frames += [(frame.ts_recv_ns, frame) for frame in frames]


@pytest.fixture
def unkilled(start, market, content):
    """The vectors of a service that lived through 4,000 events."""
    from copy import deepcopy

    def run(store, history):
        service = start(deepcopy(store), deepcopy(history))
        service.frames.handle(market(11, 4_000, per_frame=3))
        return [content(vector) for vector in service.vectors]

    return run


@pytest.mark.parametrize("with_save", [True, False], ids=["saved state", "stream alone"])
async def test_killed_service_goes_on_as_the_unkilled_one(start, store, history, market, content, unkilled, with_save):
    frames = market(11, 4_000, per_frame=3)
    wanted = unkilled(store, history)
    first, saved_at, killed_at, live_from = start(store, history), 500, 800, 900
    await first.recovery.recover("test")
    for index, frame in enumerate(frames[:killed_at]):
        first.clock.ns = frame.ts_recv_ns
        first.recovery.handle([frame])
        if with_save and index == saved_at:
            assert await first.recovery.save("test") == 1
    store_frames(history, frames[: live_from + 50])  # the live subscription opens before the end of the stream
    history.vectors += first.vectors
    second = start(store, history, epoch=2)
    second.clock.ns = frames[live_from].ts_recv_ns
    second.recovery.handle(frames[live_from : live_from + 20])
    assert second.vectors == []
    recovered = await second.recovery.recover("test")
    assert (recovered.restored, recovered.connects) == (int(with_save), True)
    second.recovery.handle(frames[live_from + 20 :])
    assert [content(vector) for vector in first.vectors + second.vectors] == wanted
    assert second.vectors[0].prev_asof_seq is None


async def test_state_that_the_stream_no_longer_connects_to_is_dropped(start, store, history, market):
    frames = market(12, 4_000, per_frame=3)
    first = start(store, history)
    await first.recovery.recover("test")
    first.recovery.handle(frames[:900])
    assert first.vectors[-1].warm
    first.clock.ns = frames[899].ts_recv_ns
    await first.recovery.save("test")
    store_frames(history, frames[950:1000])
    second = start(store, history, epoch=2)
    second.clock.ns = frames[999].ts_recv_ns
    await second.recovery.recover("test")
    assert second.vectors
    assert not any(vector.warm for vector in second.vectors)


async def test_stream_grown_too_long_is_not_read_from_the_state(start, store, history, market):
    frames = market(13, 4_000, per_frame=3)
    first = start(store, history)
    await first.recovery.recover("test")
    first.recovery.handle(frames[:500])
    first.clock.ns = frames[499].ts_recv_ns
    await first.recovery.save("test")
    store_frames(history, frames)
    bounds = Bounds(history_ns=2 * SECOND_NS, max_frames=100)
    second = start(store, history, epoch=2, bounds=bounds)
    second.clock.ns = frames[-1].ts_recv_ns
    recovered = await second.recovery.recover("test")
    assert (recovered.restored, recovered.frames > 0) == (0, True)
    assert not any(vector.warm for vector in second.vectors)


async def test_state_is_saved_after_its_vectors_left_and_only_when_it_moved(service, market):
    await service.recovery.recover("test")
    service.recovery.handle(market(14, 100, per_frame=3))
    assert await service.recovery.save("test") == 1
    assert service.publisher.flushed_at == [len(service.vectors)]
    assert await service.recovery.save("test") == 0


async def test_damaged_state_is_rejected_and_the_stream_folded(start, store, history, market):
    frames = market(15, 300, per_frame=3)
    store.states["test", ("sim", "BTCUSDT")] = b"junk"
    store_frames(history, frames)
    service = start(store, history)
    service.clock.ns = frames[-1].ts_recv_ns
    recovered = await service.recovery.recover("test")
    assert (recovered.restored, recovered.frames) == (0, len(frames))
    assert service.publisher.rejected[0][0] == "feature state"


async def test_nothing_is_saved_while_catching_up(service):
    service.recovery.handle([tick_frame("Q")])
    assert await service.recovery.save("test") == 0


async def test_frame_stored_a_moment_late_is_read_in_another_pass(start, store, history, market):
    frames = market(16, 300, per_frame=3)
    store_frames(history, frames[:50])
    service = start(store, history)
    service.clock.ns = T0_NS + SECOND_NS
    read = history.read
    passes = []

    def read_late(since_ns):
        if passes:
            store_frames(history, frames[50:60])
        passes.append(since_ns)
        return read(since_ns)

    history.read = read_late
    service.recovery.handle(frames[60:])
    assert (await service.recovery.recover("test")).connects
    assert service.observer.lost == 0
    assert len(passes) == 2
