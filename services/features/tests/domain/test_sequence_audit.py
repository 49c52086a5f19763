"""What is new, what was lost, who may write."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from foretick.features.domain.sequence import Admission, SequenceAudit


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
