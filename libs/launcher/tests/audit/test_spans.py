"""The arithmetic of ranges against plain sets of numbers."""

import itertools

from hypothesis import given
from hypothesis import strategies as st

from foretick.launcher.audit.domain.spans import Span, intersect, merge, subtract, total, touches

SPANS = st.lists(st.tuples(st.integers(0, 60), st.integers(0, 8)).map(lambda pair: (pair[0], sum(pair))), max_size=12)


def numbers(spans) -> set[int]:
    return {number for first, last in spans for number in range(first, last + 1)}


def is_canonical(spans) -> bool:
    """Ascending, with a number between every two."""
    return all(first.last + 1 < second.first for first, second in itertools.pairwise(spans)) and all(
        span.first <= span.last for span in spans
    )


@given(SPANS)
def test_merged_ranges_hold_the_same_numbers_in_fewest_pieces(spans):
    merged = merge(spans)
    assert numbers(merged) == numbers(spans)
    assert is_canonical(merged)
    assert total(merged) == len(numbers(spans))


@given(SPANS, SPANS)
def test_subtracted_ranges_hold_what_only_the_first_had(spans, cover):
    left = subtract(spans, cover)
    assert numbers(left) == numbers(spans) - numbers(cover)
    assert is_canonical(left)


@given(SPANS, SPANS)
def test_intersected_ranges_hold_what_both_had(spans, other):
    both = intersect(spans, other)
    assert numbers(both) == numbers(spans) & numbers(other)
    assert is_canonical(both)


@given(st.tuples(st.integers(0, 60), st.integers(0, 8)), SPANS)
def test_ranges_touch_where_they_have_a_number_in_common(at, spans):
    span = Span(at[0], sum(at))
    assert touches(span, merge(spans)) == bool(numbers([span]) & numbers(spans))
