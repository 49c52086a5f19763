"""A certificate is equal where the recording gives what was published, names what differs, and else says why not."""

import random
from dataclasses import dataclass, field

import msgspec
import pytest

from foretick.common.contracts import (
    FeatureVector,
    ParityCertificate,
    ParityVerdict,
    Unchecked,
)
from foretick.common.testing import T0_NS, ManualClock
from foretick.features.handlers.certificates import Certifier, Limits, Outside
from foretick.features.ports import Producer
from foretick.quant.kernel import Grid
from foretick.quant.parameters import CROSS_DELAY_S
from foretick.quant.registry import INDEX

KEY = ("sim", "BTCUSDT")
GRID = Grid(interval_ns=100_000_000, window_steps=200)


@dataclass
class Told:
    """What the certifier publishes and observes."""

    certificates: list[ParityCertificate] = field(default_factory=list)
    checks: list = field(default_factory=list)

    def publish_certificate(self, message: ParityCertificate) -> None:
        self.certificates.append(message)

    def checked(self, key, findings, *, from_start: bool) -> None:
        self.checks.append((key, findings, from_start))

    def certified(self, verdict: ParityVerdict, ts_checked_ns: int | None) -> None:
        pass


class Desk:
    """A live service whose frames and vectors are recorded, and a certifier that reads the recording alone."""

    def __init__(self, start, store, history, limits: Limits | None = None) -> None:
        self.service, self.history = start(store, history), history
        self.told, self.clock = Told(), ManualClock()
        limits = limits or Limits(frames=20_000, first_frames=200_000)
        outside = Outside(history, store, self.told, self.told, self.clock)
        self.certifier = Certifier(GRID, limits, outside, Producer("test", "certify-0"), 7)
        self.certifier.learn([KEY])

    async def live(self, frames, lost=(), unrecorded=()) -> None:
        for index, frame in enumerate(frames):
            self.clock.ns = self.service.clock.ns = frame.ts_recv_ns
            if index not in unrecorded:
                self.history.frames.append((frame.ts_recv_ns, frame))
            sent = len(self.service.vectors)
            if index not in lost:
                self.service.custodian.handle([frame])
            self.history.vectors += self.service.vectors[sent:]

    def plant(self, place: int, **changes) -> FeatureVector:
        """Alter a vector that was published."""
        spoilt = msgspec.structs.replace(self.history.vectors[place], **changes)
        self.history.vectors[place] = spoilt
        return spoilt

    def plant_value(self, place: int, feature: str, value: float | None) -> FeatureVector:
        values = list(self.history.vectors[place].values)
        values[INDEX[feature]] = value
        return self.plant(place, values=values)

    async def check(self):
        return await self.certifier.check(KEY)

    async def certificate(self) -> ParityCertificate:
        await self.certifier.check_next()
        return self.told.certificates[-1]


@pytest.fixture
async def desk(start, store, history):
    desk = Desk(start, store, history)
    await desk.service.take_over()
    return desk


async def test_vectors_that_the_recording_gives_are_certified_from_the_first_event(desk, market):
    await desk.live(market(31, 3_000, per_frame=3))
    certificate = await desk.certificate()
    assert (certificate.verdict, certificate.different, certificate.unchecked) == (ParityVerdict.EQUAL, 0, 0)
    assert certificate.equal == certificate.from_start == 256
    last, newest = certificate.last, desk.history.vectors[-1]
    assert (last.venue, last.symbol, last.vectors, last.from_start) == (*KEY, 256, True)
    assert (last.first_seq, last.last_seq) == (desk.history.vectors[-256].asof_seq, newest.asof_seq)
    assert (certificate.epoch, certificate.seq, certificate.run_id) == (7, 1, "test")


async def test_next_check_goes_on_where_the_last_one_ended_and_counts_no_vector_twice(desk, market):
    frames = market(32, 3_000, per_frame=3)
    await desk.live(frames[:500])
    first = await desk.check()
    before = len(desk.history.vectors)
    await desk.live(frames[500:600])
    second = await desk.check()
    assert second.equal == len(desk.history.vectors) - before > 10
    assert second.first_seq > first.last_seq
    assert (await desk.check()).equal == 0


def ulp(value: float) -> float:
    return value + abs(value) * 2**-52


async def test_one_bit_of_one_value_is_found_and_named(desk, market):
    await desk.live(market(33, 3_000, per_frame=3))
    honest = desk.history.vectors[-40].values[INDEX["rsi"]]
    spoilt = desk.plant_value(-40, "rsi", ulp(honest))
    desk.plant_value(-40, "hour_sin", 0.5)  # a later one of the same vector
    certificate = await desk.certificate()
    assert (certificate.verdict, certificate.different, certificate.equal) == (ParityVerdict.DIFFERENT, 1, 255)
    found = certificate.difference
    assert (found.venue, found.symbol, found.asof_seq, found.feature) == (*KEY, spoilt.asof_seq, "rsi")
    assert (float(found.published), float(found.recomputed)) == (ulp(honest), honest)


@pytest.mark.parametrize(
    ("feature", "value", "shown"), [("rsi", None, "null"), ("obv_slope", -0.0, "-0.0")], ids=["missing", "sign of zero"]
)
async def test_missing_value_and_sign_of_zero_count_as_different(desk, market, feature, value, shown):
    await desk.live(market(33, 3_000, per_frame=3))
    desk.plant_value(-1, feature, value)
    assert [(found.feature, found.published) for found in (await desk.check()).differences] == [(feature, shown)]


@pytest.mark.parametrize(
    ("changes", "feature"),
    [({"mid": 1.0}, "mid"), ({"warm": False}, "warm"), ({"trust": "GAP"}, "trust"), ({"values": [1.0]}, "values")],
    ids=lambda value: value if isinstance(value, str) else "",
)
async def test_difference_beside_the_values_is_named(desk, market, changes, feature):
    await desk.live(market(33, 3_000, per_frame=3))
    desk.plant(-3, **changes)
    assert [found.feature for found in (await desk.check()).differences] == [feature]


async def test_vector_that_no_event_made_due_and_one_that_was_left_out_are_different(desk, market):
    await desk.live(market(33, 3_000, per_frame=3))
    vectors = desk.history.vectors
    extra = msgspec.structs.replace(vectors[-9], asof_seq=vectors[-9].asof_seq + 1)
    desk.history.vectors.insert(len(vectors) - 8, extra)
    left_out = desk.history.vectors.pop(-4)
    desk.plant(-3, prev_asof_seq=left_out.prev_asof_seq)  # as if it had never been there
    found = (await desk.check()).differences
    assert [(each.feature, each.asof_seq) for each in found] == [
        ("asof_seq", extra.asof_seq), ("prev_asof_seq", desk.history.vectors[-3].asof_seq),
    ]  # fmt: skip


async def test_event_that_the_recording_lost_is_not_checkable_and_never_equal(desk, market):
    """Control: the same vectors, the same frames but one."""
    frames = market(34, 3_000, per_frame=3)
    await desk.live(frames, unrecorded={len(frames) - 150})
    findings = await desk.check()
    assert (findings.unchecked[Unchecked.RECORDING_LOST], findings.differences) == (findings.unchecked.total(), [])
    assert findings.unchecked.total() > 20
    hole = frames[len(frames) - 150].seq
    assert findings.equal > 0
    assert findings.last_seq < hole  # before the hole there is nothing to doubt


async def test_event_that_features_lost_is_not_checkable(desk, market):
    frames = market(34, 3_000, per_frame=3)
    await desk.live(frames, lost={len(frames) - 150})
    findings = await desk.check()
    assert findings.unchecked[Unchecked.FEATURES_LOST] == findings.unchecked.total() > 20
    assert findings.differences == []


async def test_hole_that_both_have_is_checked(desk, market):
    frames = market(35, 3_000, per_frame=3)
    await desk.live(frames[:400] + frames[401:])
    findings = await desk.check()
    assert (findings.equal > 200, findings.unchecked.total(), findings.differences) == (True, 0, [])


async def test_after_a_loss_it_goes_on_from_a_saved_state_and_says_so(desk, market):
    frames = market(36, 4_000, per_frame=3)
    await desk.live(frames[:-300], lost={400}, unrecorded={600})
    assert (await desk.check()).unchecked.total() > 0
    assert (await desk.check()).unchecked[Unchecked.NO_START] == 1
    await desk.service.custodian.save()
    await desk.live(frames[-300:])
    certificate = await desk.certificate()
    assert certificate.last.from_start is False
    assert certificate.last.vectors > 30
    assert (certificate.different, certificate.from_start < certificate.equal) == (0, True)


@pytest.mark.parametrize("limits", [Limits(frames=100_000, first_frames=100), Limits(frames=100, first_frames=100)])
async def test_more_than_it_may_read_is_left_to_the_saved_state_or_told(start, store, history, market, limits):
    desk = Desk(start, store, history, limits)
    await desk.service.take_over()
    frames = market(37, 3_000, per_frame=3)
    await desk.live(frames[:300])
    await desk.service.custodian.save()
    await desk.live(frames[300:])
    findings = await desk.check()
    if limits.frames == 100:
        assert (findings.unchecked, findings.compared) == ({Unchecked.NO_START: 1}, 0)
        assert (await desk.certificate()).verdict is ParityVerdict.UNKNOWN
    else:
        assert (findings.equal > 0, findings.unchecked.total(), desk.told.checks[-1][2]) == (True, 0, False)


async def test_stream_that_has_forgotten_the_first_event_is_not_taken_for_it(desk, market):
    frames = market(38, 3_000, per_frame=3)
    await desk.live(frames)
    del desk.history.frames[:50]
    assert (await desk.check()).unchecked == {Unchecked.NO_START: 1}


@pytest.mark.parametrize("seed", range(4))
async def test_restarts_and_handovers_of_features_stay_equal(start, store, history, market, seed):
    chance = random.Random(seed)
    desk = Desk(start, store, history)
    frames = market(50 + seed, 3_000, per_frame=3)
    cuts = sorted(chance.sample(range(1, len(frames)), 3))
    for epoch, (begin, end) in enumerate(zip([0, *cuts], [*cuts, len(frames)], strict=True), 1):
        desk.service = start(store, history, epoch=epoch)
        desk.service.clock.ns = frames[begin].ts_recv_ns
        await desk.service.take_over()
        await desk.live(frames[begin:end])
        if chance.random() < 0.7:
            await desk.service.custodian.save()
        findings = await desk.check()
        assert (findings.differences, findings.unchecked.total()) == ([], 0)
    assert desk.certifier.tally.equal > 256


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"schema_hash": "other"}, Unchecked.OTHER_FEATURES),
        ({"interval_ns": 1}, Unchecked.OTHER_FEATURES),
        ({"since_seq": None}, Unchecked.UNMARKED),
        ({"since_seq": 2}, Unchecked.NO_START),
    ],
    ids=["schema", "step", "unmarked", "another start"],
)
async def test_vector_of_something_else_is_not_checkable(desk, market, changes, reason):
    await desk.live(market(39, 3_000, per_frame=3))
    desk.plant(-2, **changes)
    findings = await desk.check()
    assert (findings.unchecked, findings.differences) == ({reason: 1}, [])


async def test_vectors_of_another_run_and_of_a_replaced_writer_are_left_out(desk, market):
    await desk.live(market(39, 3_000, per_frame=3))
    desk.plant(-20, run_id="other", mid=1.0)
    desk.plant(-30, epoch=0, mid=1.0)
    findings = await desk.check()
    assert (findings.equal, findings.differences, findings.unchecked.total()) == (254, [], 0)


async def test_difference_is_told_for_an_hour_and_equality_for_ten_minutes(desk, market):
    await desk.live(market(33, 3_000, per_frame=3))
    assert (await desk.certificate()).verdict is ParityVerdict.EQUAL
    tally, checked_ns = desk.certifier.tally, desk.clock.ns
    assert tally.verdict(checked_ns + 600 * 10**9) is ParityVerdict.EQUAL
    assert tally.verdict(checked_ns + 600 * 10**9 + 1) is ParityVerdict.UNKNOWN
    desk.certifier._seats.clear()
    desk.plant(-3, mid=1.0)
    assert (await desk.certificate()).verdict is ParityVerdict.DIFFERENT
    assert tally.verdict(checked_ns + 3_600 * 10**9) is ParityVerdict.DIFFERENT
    assert tally.verdict(checked_ns + 3_600 * 10**9 + 1) is ParityVerdict.UNKNOWN


async def test_nothing_published_is_nothing_to_check(desk):
    desk.clock.ns = T0_NS
    certificate = await desk.certificate()
    assert (certificate.verdict, certificate.last, certificate.unchecked) == (ParityVerdict.UNKNOWN, None, 0)


# ---- cross-sections ------------------------------------------------------------------------------------------------


async def live_with_sections(desk, frames, section) -> None:
    """Every other second has a section, recorded and live; of every third of those the live one is lost."""
    first_s, last_s = (frames[place].ts_recv_ns // 10**9 for place in (0, -1))
    desk.history.sections += [section(second) for second in range(first_s - CROSS_DELAY_S, last_s, 2)]
    desk.service.frames.cross.restore([each for n, each in enumerate(desk.history.sections) if n % 3])
    await desk.live(frames)


async def test_vectors_with_and_without_a_cross_section_are_certified(desk, market, section):
    await live_with_sections(desk, market(40, 3_000, per_frame=3), section)
    latest = desk.history.vectors[-256:]
    assert 40 < sum(vector.cross_seq is not None for vector in latest) < 200
    findings = await desk.check()
    assert (findings.equal, findings.differences, findings.unchecked.total()) == (256, [], 0)


def place_of(desk, has_section: bool) -> int:
    return next(n for n in range(-20, -256, -1) if (desk.history.vectors[n].cross_seq is not None) == has_section)


@pytest.mark.parametrize(
    "wrong", ["one bit", "a value without a section", "not the due one", "missing values", "hidden"]
)
async def test_cross_asset_value_that_no_recorded_section_gives_is_found(desk, market, section, wrong):
    await live_with_sections(desk, market(40, 3_000, per_frame=3), section)
    with_section, without = place_of(desk, has_section=True), place_of(desk, has_section=False)
    if wrong == "one bit":
        desk.plant_value(
            with_section, "basket_beta", ulp(desk.history.vectors[with_section].values[INDEX["basket_beta"]])
        )
    elif wrong == "a value without a section":
        desk.plant_value(without, "basket_beta", 1.0)
    elif wrong == "not the due one":
        desk.plant(with_section, cross_seq=desk.history.vectors[with_section].cross_seq - 2)
    elif wrong == "missing values":
        desk.plant_value(with_section, "basket_beta", None)
    else:
        desk.plant(with_section, cross_seq=None)  # the values are there, the name is not
    feature = {"not the due one": "cross_seq", "hidden": "basket_return_bps"}.get(wrong, "basket_beta")
    assert [found.feature for found in (await desk.check()).differences] == [feature]


async def test_section_that_the_recording_lacks_is_not_checkable_and_the_next_check_goes_on(desk, market, section):
    frames = market(40, 3_000, per_frame=3)
    await live_with_sections(desk, frames[:-60], section)
    named = desk.history.vectors[place_of(desk, has_section=True)].cross_seq
    desk.history.sections = [each for each in desk.history.sections if each.seq != named]
    desk.history.sections.insert(0, section(named, run_id="other"))
    findings = await desk.check()
    assert findings.unchecked == {Unchecked.CROSS_LOST: sum(v.cross_seq == named for v in desk.history.vectors)}
    assert findings.differences == []
    await desk.live(frames[-60:])
    after = await desk.check()
    assert (after.unchecked.total(), after.differences, after.equal > 0) == (0, [], True)
    assert desk.told.checks[-1][2]  # still from the first event
