"""Average uniqueness against the table of the book's chapter and a count by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from foretick.quant.validation import uniqueness
from foretick.quant.validation.uniqueness import concurrency

LIVES = st.lists(st.tuples(st.integers(0, 60), st.integers(1, 12)), min_size=1, max_size=40)


def test_book_example_of_three_labels():
    """Lopez de Prado 2018, section 4.5.3: spans of returns 1-3, 3-4, 5-6 give 5/6, 3/4 and 1."""
    found = uniqueness(np.array([0, 2, 4]), np.array([3, 4, 6]))
    np.testing.assert_allclose(found, [5 / 6, 3 / 4, 1.0], rtol=1e-15)


@given(LIVES)
def test_equals_the_mean_over_each_instant_of_one_over_the_count(lives):
    start = np.array([first for first, _ in lives])
    end = start + np.array([length for _, length in lives])
    count = np.array([np.sum((start < t) & (t <= end)) for t in range(1, 80)])  # of the return that ends at t
    expected = [np.mean([1 / count[t - 1] for t in range(a + 1, b + 1)]) for a, b in zip(start, end, strict=True)]
    np.testing.assert_allclose(uniqueness(start, end), expected, rtol=1e-12)


def test_concurrency_ends_at_nothing():
    at, count = concurrency(np.array([0, 5]), np.array([5, 9]))
    assert (at.tolist(), count.tolist()) == ([0, 5, 9], [1, 1, 0])


def test_no_label_has_no_uniqueness():
    assert len(uniqueness(np.zeros(0, np.int64), np.zeros(0, np.int64))) == 0


@pytest.mark.parametrize(("start", "end"), [([0], [0]), ([0, 1], [2]), ([3], [2])])
def test_label_without_a_life_is_refused(start, end):
    with pytest.raises(ValueError, match="must end after"):
        uniqueness(np.array(start), np.array(end))
