"""Spans of time: what is missing of one."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from foretick.market.recording.spans import Span, subtract

SPANS = st.tuples(st.integers(0, 40), st.integers(0, 40)).map(lambda pair: Span(min(pair), max(pair)))


@given(SPANS, st.lists(SPANS, max_size=6))
def test_missing_is_every_instant_that_no_covered_span_holds(span, covered):
    missing = subtract(span, covered)
    for ns in range(41):
        assert any(each.holds(ns) for each in missing) == (
            span.holds(ns) and not any(each.holds(ns) for each in covered)
        )
    assert all(each.from_ns < each.to_ns for each in missing)
    assert all(one.to_ns < other.from_ns for one, other in pairwise(missing))
