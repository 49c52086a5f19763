"""An instrument that is taken over goes on as if it had never changed hands."""

import random

import pytest

from foretick.common.errors import Transient
from foretick.common.testing import T0_NS, tick_frame
from foretick.features.handlers.custody import Bounds

SECOND_NS = 10**9
BTC = ("sim", "BTCUSDT")


def store_frames(history, frames):
    """Frames reach the stream when they are sent: data time is wall time here."""
    history.frames += [(frame.ts_recv_ns, frame) for frame in frames]


def through_stream(service, history, frames):
    """Frames go to the stream and to the service, as on the bus; the service's vectors and bars go to theirs."""
    for frame in frames:
        service.clock.ns = frame.ts_recv_ns
        store_frames(history, [frame])
        sent, told = len(service.vectors), len(service.publisher.bars)
        service.custodian.handle([frame])
        history.vectors += service.vectors[sent:]
        history.bars += service.publisher.bars[told:]


@pytest.fixture
def unkilled(service, market, content):
    """The vectors of a service that lived through ``n`` events of the market of ``seed``."""

    def run(seed: int = 11, n: int = 4_000):
        service.frames.handle(market(seed, n, per_frame=3))
        return [content(vector) for vector in service.vectors]

    run.service = service
    return run


@pytest.mark.parametrize("with_save", [True, False], ids=["saved state", "stream alone"])
async def test_killed_service_goes_on_as_the_unkilled_one(start, store, history, market, content, unkilled, with_save):
    frames = market(11, 4_000, per_frame=3)
    first, saved_at, killed_at, live_from = await start(store, history).take_over(), 500, 800, 900
    for index, frame in enumerate(frames[:killed_at]):
        first.clock.ns = frame.ts_recv_ns
        first.custodian.handle([frame])
        if with_save and index == saved_at:
            assert await first.custodian.save() == 1
    store_frames(history, frames[: live_from + 50])  # the live subscription opens before the end of the stream
    history.vectors += first.vectors
    second = start(store, history, epoch=2)
    second.clock.ns = frames[live_from].ts_recv_ns
    follow = second.feed.follow

    async def follow_and_receive(keys):
        await follow(keys)
        second.custodian.handle(frames[live_from : live_from + 20])
        assert second.vectors == []

    second.feed.follow = follow_and_receive
    await second.take_over()
    assert (second.told.restored, second.told.connects) == (int(with_save), True)
    second.custodian.handle(frames[live_from + 20 :])
    assert [content(vector) for vector in first.vectors + second.vectors] == unkilled()
    assert second.vectors[0].epoch == 2


@pytest.mark.parametrize("seed", range(6))
async def test_any_number_of_kills_and_handovers_changes_no_bit(start, store, history, market, content, unkilled, seed):
    """24 seeded endings in all at random frames: killed, handed over in order, or lapsed with the bus."""
    chance = random.Random(seed)
    frames = market(100 + seed, 3_000, per_frame=chance.choice((1, 3, 16)))
    cuts = sorted(chance.sample(range(1, len(frames)), 4))
    vectors, bars, epoch = [], [], 0
    service = await start(store, history, epoch=epoch).take_over()
    for begin, end in zip([0, *cuts], [*cuts, len(frames)], strict=True):
        part = frames[begin:end]
        saved_at = chance.randrange(len(part))
        through_stream(service, history, part[:saved_at])
        await service.custodian.save()
        through_stream(service, history, part[saved_at:])
        vectors += service.vectors
        bars += service.publisher.bars
        ending, epoch = chance.choice(("kill", "hand over", "lapse")), epoch + 1
        if ending == "hand over":
            await service.custodian.hand_over([BTC])
        if ending == "lapse":
            del service.vectors[:], service.publisher.bars[:]
            await service.custodian.lose([BTC])
            service.epoch = epoch
        else:
            service = start(store, history, epoch=epoch)
        service.clock.ns = part[-1].ts_recv_ns
        await service.take_over()
        assert service.vectors == service.publisher.bars == []
    assert [content(vector) for vector in vectors] == unkilled(100 + seed, 3_000)
    assert [content(bar) for bar in bars] == [content(bar) for bar in unkilled.service.publisher.bars]


async def test_vector_that_was_sent_but_is_not_stored_yet_is_not_sent_twice(start, store, history, market):
    frames = market(17, 600, per_frame=3)
    first = await start(store, history).take_over()
    through_stream(first, history, frames)
    await first.custodian.hand_over([BTC])
    history.vectors.pop()
    second = start(store, history, epoch=2)
    second.clock.ns = frames[-1].ts_recv_ns
    await second.take_over()
    assert second.vectors == []


async def test_handed_over_instrument_is_saved_and_folded_no_longer(service, store, market):
    frames = market(18, 300, per_frame=3)
    service.custodian.handle(frames[:50])
    count = len(service.vectors)
    await service.custodian.hand_over([BTC])
    service.custodian.handle(frames[50:])
    assert (len(service.vectors), list(store.states), service.feed.followed) == (count, [("test", BTC)], set())
    assert service.publisher.flushed_at == [count]


async def test_frames_without_the_right_to_act_are_left_out_and_read_back_later(
    start, store, history, market, unkilled, content
):
    frames = market(11, 4_000, per_frame=3)
    service = await start(store, history).take_over()
    through_stream(service, history, frames[:500])
    service.custodian.is_owner = lambda: False
    through_stream(service, history, frames[500:700])
    assert service.told.left == 200
    service.custodian.is_owner = lambda: True
    await service.custodian.lose([BTC])
    await service.take_over()
    history.vectors[:] = service.vectors
    through_stream(service, history, frames[700:])
    assert [content(vector) for vector in service.vectors] == unkilled()


async def test_lease_that_ends_while_the_stream_is_read_stops_it(start, store, history, market):
    store_frames(history, market(19, 900, per_frame=3))
    service = start(store, history)
    service.clock.ns = history.frames[-1][0]
    reads = iter([True] * 3)
    service.custodian.is_owner = lambda: next(reads, False)
    with pytest.raises(Transient, match="lease"):
        await service.take_over()
    assert len(service.observer.outcomes) == 21  # three batches of seven


async def test_state_that_the_stream_no_longer_connects_to_is_dropped(start, store, history, market):
    frames = market(12, 4_000, per_frame=3)
    first = await start(store, history).take_over()
    first.custodian.handle(frames[:900])
    assert first.vectors[-1].warm
    first.clock.ns = frames[899].ts_recv_ns
    await first.custodian.save()
    store_frames(history, frames[950:1000])
    second = start(store, history, epoch=2)
    second.clock.ns = frames[999].ts_recv_ns
    await second.take_over()
    assert second.vectors
    assert not any(vector.warm for vector in second.vectors)


async def test_stream_grown_too_long_is_not_read_from_the_state(start, store, history, market):
    frames = market(13, 4_000, per_frame=3)
    first = await start(store, history).take_over()
    first.custodian.handle(frames[:500])
    first.clock.ns = frames[499].ts_recv_ns
    await first.custodian.save()
    store_frames(history, frames)
    bounds = Bounds(history_ns=2 * SECOND_NS, max_frames=100)
    second = start(store, history, epoch=2, bounds=bounds)
    second.clock.ns = frames[-1].ts_recv_ns
    await second.take_over()
    assert (second.told.restored, second.told.frames > 0) == (0, True)
    assert not any(vector.warm for vector in second.vectors)


async def test_state_is_saved_after_its_vectors_left_and_only_when_it_moved(service, market):
    service.custodian.handle(market(14, 100, per_frame=3))
    assert await service.custodian.save() == 1
    assert service.publisher.flushed_at == [len(service.vectors)]
    assert await service.custodian.save() == 0


async def test_damaged_state_is_rejected_and_the_stream_folded(start, store, history, market):
    frames = market(15, 300, per_frame=3)
    store.states["test", ("sim", "BTCUSDT")] = b"junk"
    store_frames(history, frames)
    service = start(store, history)
    service.clock.ns = frames[-1].ts_recv_ns
    await service.take_over()
    assert (service.told.restored, service.told.frames) == (0, len(frames))
    assert service.publisher.rejected[0][0] == "feature state"


async def test_nothing_is_saved_while_catching_up(start, store, history):
    service = start(store, history)
    follow, saved = service.feed.follow, []

    async def follow_and_save(keys):
        await follow(keys)
        service.custodian.handle([tick_frame("Q")])
        saved.append(await service.custodian.save())

    service.feed.follow = follow_and_save
    await service.take_over()
    assert saved == [0]
    assert await service.custodian.save() == 1


async def test_frame_stored_a_moment_late_is_read_in_another_pass(start, store, history, market):
    frames = market(16, 300, per_frame=3)
    store_frames(history, frames[:50])
    service = start(store, history)
    service.clock.ns = T0_NS + SECOND_NS
    read = history.read
    passes = []

    def read_late(since_ns, keys):
        if passes:
            store_frames(history, frames[50:60])
        else:
            service.custodian.handle(frames[60:])
        passes.append(since_ns)
        return read(since_ns, keys)

    history.read = read_late
    await service.take_over()
    assert service.told.connects
    assert service.observer.lost == 0
    assert len(passes) == 2
