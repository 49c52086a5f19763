"""What is new, what was lost, who may write."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from foretick.common.sequence import Admission, DerivedAudit, SequenceAudit, SequenceCounts, SequenceTally


def audit_at(next_seq: int, epoch: int = 1) -> SequenceAudit:
    return SequenceAudit(epoch=epoch, next_seq=next_seq)


@pytest.mark.parametrize(
    ("epoch", "seq", "count", "admission", "next_seq"),
    [
        (1, 100, 3, Admission(), 103),
        (1, 104, 2, Admission(lost=4), 106),
        (1, 98, 2, Admission(skip=2), 100),
        (1, 98, 5, Admission(skip=2), 103),
        (1, 90, 2, Admission(skip=2), 100),
        (0, 100, 3, Admission(skip=3, refused=True), 100),
        (2, 100, 3, Admission(), 103),
        (2, 110, 1, Admission(lost=10), 111),
        (2, 1, 4, Admission(renumbered=True), 5),
    ],
)  # fmt: skip
def test_frame_at_the_hundredth_event_is_judged(epoch, seq, count, admission, next_seq):
    audit = audit_at(100)
    assert audit.admit(epoch, seq, count) == admission
    assert audit.next_seq == next_seq


def test_first_frame_is_expected_wherever_it_starts():
    audit = SequenceAudit()
    assert audit.admit(3, 500, 2) == Admission()
    assert (audit.epoch, audit.next_seq) == (3, 502)


def test_lower_epoch_after_a_higher_one_changes_nothing():
    audit = audit_at(10)
    audit.admit(5, 10, 1)
    assert audit.admit(4, 11, 1).refused
    assert audit.admit(5, 11, 1) == Admission()


@given(st.lists(st.tuples(st.integers(0, 60), st.integers(1, 9)), min_size=1, max_size=40))
def test_each_event_is_folded_once_or_lost_once(frames):
    audit, folded, lost = SequenceAudit(), [], []
    expected = None
    for seq, count in frames:
        admission = audit.admit(1, seq, count)
        new = list(range(seq + admission.skip, seq + count))
        if expected is not None:
            lost += range(expected, expected + admission.lost)
        folded += new
        expected = audit.next_seq
    start = frames[0][0]
    assert sorted(folded + lost) == list(range(start, audit.next_seq))


def test_what_is_accounted_for_is_neither_lost_nor_repeated():
    audit = audit_at(96)
    audit.expect(1, 100)
    assert audit.admit(1, 100, 1) == Admission()
    audit.expect(0, 500)
    assert audit.last_seq == 100


def test_derived_message_must_move_forward():
    audit = DerivedAudit()
    assert audit.admit(1, 10) == Admission()
    assert audit.admit(1, 30) == Admission()
    assert audit.admit(1, 30) == Admission(skip=1)
    assert audit.admit(1, 20) == Admission(skip=1)
    assert audit.admit(2, 20) == Admission(renumbered=True)
    assert audit.admit(1, 40) == Admission(skip=1, refused=True)
    assert audit.admit(2, 21) == Admission()


@pytest.mark.parametrize(
    ("prev_asof_seq", "lost"),
    [(None, 0), (10, 0), (19, 1), (4, 0)],
)
def test_derived_message_names_the_one_before_it(prev_asof_seq, lost):
    audit = DerivedAudit()
    audit.admit(1, 10)
    assert audit.admit(1, 20, prev_asof_seq).lost == lost


def test_first_derived_message_proves_no_loss():
    assert DerivedAudit().admit(1, 20, 10) == Admission()


def test_tally_counts_by_channel_and_over_all():
    tally = SequenceTally()
    tally.count("ticks", Admission(lost=3))
    tally.count("ticks", Admission(lost=4))
    tally.count("ticks", Admission(skip=2))
    tally.count("books", Admission(skip=5, refused=True))
    tally.count("books", Admission(renumbered=True))
    assert tally.of("ticks") == SequenceCounts(gaps=2, lost=7, repeated=2)
    assert tally.of("books") == SequenceCounts(refused=1, renumbered=1)
    assert tally.total() == SequenceCounts(gaps=2, lost=7, repeated=2, refused=1, renumbered=1)


def test_sound_admissions_make_no_channel():
    tally, audit = SequenceTally(), SequenceAudit()
    tally.count("ticks", audit.admit(1, 1, 5))
    tally.count("ticks", audit.admit(1, 6, 5))
    assert tally.channels == {}
