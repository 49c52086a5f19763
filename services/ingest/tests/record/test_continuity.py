"""Positions against a naive record that keeps every number it has seen."""

from hypothesis import given
from hypothesis import strategies as st

from foretick.common.sequence import Admission
from foretick.common.testing import T0_NS, feature_vector, tick_frame
from foretick.ingest.domain.continuity import Positions, gap_before

FRAMES = st.lists(st.tuples(st.integers(1, 40), st.integers(1, 6)), max_size=30)


@given(frames=FRAMES)
def test_recorded_and_missing_together_are_every_number_once(frames: list[tuple[int, int]]) -> None:
    positions, recorded, missing = Positions(), [], []
    for seq, count in frames:
        admission = positions.admit(tick_frame(seq=seq), seq, count)
        if admission.lost:
            gap = gap_before(tick_frame(seq=seq), seq, admission.lost)
            missing += range(gap.from_seq, gap.through_seq + 1)
        recorded += range(seq + admission.skip, seq + count)
    every = sorted(recorded + missing)
    if every:
        assert every == list(range(frames[0][0], every[-1] + 1))
        assert every[-1] == max(seq + count - 1 for seq, count in frames)


@given(frames=FRAMES, at=st.integers(0, 30))
def test_positions_carry_on_from_their_dump(frames: list[tuple[int, int]], at: int) -> None:
    whole, cut = Positions(), Positions()
    for number, (seq, count) in enumerate(frames):
        if number == at:
            cut = Positions.load(cut.dump())
        assert whole.admit(tick_frame(seq=seq), seq, count) == cut.admit(tick_frame(seq=seq), seq, count)


def test_lower_epoch_is_refused_and_higher_one_starts_where_it_says() -> None:
    positions = Positions()
    positions.admit(tick_frame(seq=1, epoch=2), 1, 10)
    refused = positions.admit(tick_frame(seq=11, epoch=1), 11, 3)
    assert refused == Admission(skip=3, refused=True)
    overlapping = positions.admit(tick_frame(seq=8, epoch=3), 8, 2)
    assert overlapping == Admission(renumbered=True)
    ahead = positions.admit(tick_frame(seq=15, epoch=4), 15, 1)
    assert ahead == Admission(lost=5)
    gap = gap_before(tick_frame(seq=15), 15, ahead.lost)
    assert (gap.from_seq, gap.through_seq) == (10, 14)


def test_new_run_starts_afresh() -> None:
    positions = Positions()
    positions.admit(tick_frame(seq=1, epoch=9), 1, 100)
    fresh = positions.admit(tick_frame(seq=1, epoch=1, run_id="next"), 1, 5)
    assert fresh == Admission()


def test_sample_is_the_first_vector_of_each_interval() -> None:
    positions, second_ns = Positions(), 1_000_000_000
    at = [0, 400, 999, 1000, 1001, 3999, 4000]
    kept = [ms for ms in at if positions.is_sample(feature_vector(ts_recv_ns=T0_NS + ms * 1_000_000), second_ns)]
    assert kept == [0, 1000, 3999, 4000]
