"""Breaks in the order of recorded events -> which numbers exist, which are doubled, where an epoch falls."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from foretick.launcher.audit.domain.ledger import Break, EventRows, InstrumentLedger, missing_numbers
from foretick.launcher.audit.domain.spans import Span

ROWS = st.lists(st.tuples(st.integers(1, 40), st.integers(1, 3)), max_size=40)


def rows_of(events) -> EventRows:
    """Feed what the database's window query would give for ``events``: (seq, epoch) of every row."""
    ordered = sorted(events)
    rows = EventRows()
    for at, (seq, epoch) in enumerate(ordered):
        prev_seq, prev_epoch = ordered[at - 1] if at else (None, None)
        if prev_seq is None or seq != prev_seq + 1 or epoch < prev_epoch:
            rows.note(Break(seq, prev_seq, epoch, prev_epoch))
    rows.close(ordered[-1][0] if ordered else None)
    return rows


@given(ROWS)
def test_rows_are_counted_as_a_naive_count_does(events):
    rows, copies = rows_of(events), Counter(seq for seq, _ in events)
    assert {n for first, last in rows.present for n in range(first, last + 1)} == set(copies)
    assert {n for first, last in rows.doubled for n in range(first, last + 1)} == {
        seq for seq, count in copies.items() if count > 1
    }
    assert rows.events == len(events)


@given(ROWS, st.integers(1, 50) | st.none())
def test_missing_is_every_number_without_a_row_up_to_where_the_recorder_has_come(events, through):
    present = {seq for seq, _ in events}
    missing = missing_numbers(rows_of(events).present, through)
    expected = set(range(min(present), max(max(present), through or 0) + 1)) - present if present else set()
    assert {n for first, last in missing for n in range(first, last + 1)} == expected


def test_epoch_that_falls_along_the_numbers_is_told_where_it_falls():
    assert rows_of([(1, 2), (2, 2), (3, 1), (4, 1), (5, 3)]).fallen == [Span(3, 3)]
    assert rows_of([(1, 1), (2, 2), (9, 2), (10, 3)]).fallen == []
    assert rows_of([(1, 1), (2, 1), (2, 2), (3, 1), (3, 2), (4, 2)]).fallen == []
    assert rows_of([(1, 1), (2, 1), (2, 2), (3, 1)]).fallen == [Span(3, 3)]


def test_gap_record_accounts_for_what_it_covers_and_no_more():
    ledger = InstrumentLedger(("sim", "X"), missing=[Span(10, 19)], declared_gaps=[Span(5, 14)])
    assert (ledger.declared, ledger.undeclared) == ([Span(10, 14)], [Span(15, 19)])
