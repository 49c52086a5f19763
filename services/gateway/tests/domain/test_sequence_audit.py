"""Gaps, duplicates, restarts and fenced producers."""

from hypothesis import given
from hypothesis import strategies as st

from foretick.gateway.domain.sequence_audit import DerivedAudit, SequenceAudit, Verdict


def test_first_message_anywhere_is_sound():
    assert SequenceAudit().check(epoch=3, seq=1000, count=5) == Verdict()


def test_contiguous_messages_are_sound():
    audit = SequenceAudit()
    assert [audit.check(1, seq, 2) for seq in (10, 12, 14)] == [Verdict()] * 3


def test_missing_numbers_are_counted_as_lost():
    audit = SequenceAudit()
    audit.check(1, 10, 2)
    assert audit.check(1, 15, 1) == Verdict(lost=3)
    assert audit.check(1, 16, 1) == Verdict()


def test_partial_duplicate_skips_only_what_was_folded():
    audit = SequenceAudit()
    audit.check(1, 10, 4)  # 10..13
    assert audit.check(1, 12, 4) == Verdict(skip=2)  # 12, 13 again; 14, 15 new
    assert audit.check(1, 16, 1) == Verdict()


def test_whole_duplicate_is_skipped_and_moves_nothing_back():
    audit = SequenceAudit()
    audit.check(1, 10, 4)
    assert audit.check(1, 10, 2) == Verdict(skip=2)
    assert audit.check(1, 14, 1) == Verdict()


def test_higher_epoch_resets_the_expectation():
    audit = SequenceAudit()
    audit.check(1, 10, 4)
    assert audit.check(2, 500, 1) == Verdict(restarted=True)
    assert audit.check(2, 501, 1) == Verdict()


def test_lower_epoch_is_refused_and_changes_nothing():
    audit = SequenceAudit()
    audit.check(2, 10, 1)
    assert audit.check(1, 11, 1) == Verdict(refused=True)
    assert audit.check(2, 11, 1) == Verdict()


@given(st.lists(st.tuples(st.integers(0, 60), st.integers(1, 6)), min_size=1, max_size=40))
def test_every_number_is_folded_or_lost_or_skipped_exactly_once(frames: list[tuple[int, int]]):
    """Whatever arrives: numbers from the first to the highest are folded once or counted as lost, never both."""
    audit, folded, lost = SequenceAudit(), set(), 0
    for seq, count in frames:
        verdict = audit.check(1, seq, count)
        new = set(range(seq + verdict.skip, seq + count))
        assert not new & folded
        folded |= new
        lost += verdict.lost
    assert audit.last_seq - min(folded) + 1 == len(folded) + lost


def test_derived_message_must_move_forward():
    audit = DerivedAudit()
    assert audit.check(1, 10) == Verdict()
    assert audit.check(1, 30) == Verdict()
    assert audit.check(1, 30).skip == 1
    assert audit.check(2, 20) == Verdict(restarted=True)
    assert audit.check(1, 40).refused
