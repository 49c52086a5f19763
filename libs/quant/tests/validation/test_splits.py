"""Splits hold no row whose life touches the test, and no more rows are given up than that needs."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from foretick.quant.validation import purged_k_fold, split_at, walk_forward
from foretick.quant.validation.leaks import check_split

ROWS = st.tuples(st.integers(60, 200), st.integers(1, 6), st.integers(0, 5))


def lives(n: int, length: int) -> tuple[np.ndarray, np.ndarray]:
    start = np.arange(n)
    return start, start + length


def test_cut_purges_rows_that_reach_it_and_embargoes_those_before():
    start, end = lives(10, 2)
    split = split_at(start, end, cut=6, embargo=1)
    assert split.train.tolist() == [0, 1, 2]  # 3 ends at 5, within 1 of the cut
    assert split.test.tolist() == [6, 7, 8, 9]


def test_walk_forward_tests_follow_each_other_to_the_end():
    start, end = lives(100, 3)
    splits = walk_forward(start, end, folds=3, embargo=2, first_frac=0.4)
    assert np.concatenate([split.test for split in splits]).tolist() == list(range(40, 100))
    assert [split.train.tolist() for split in splits] == [list(range(cut - 5)) for cut in (40, 60, 80)]


def test_k_fold_leaves_out_what_touches_the_test_on_both_sides():
    start, end = lives(30, 2)
    middle = purged_k_fold(start, end, folds=3, embargo=1)[1]
    assert middle.test.tolist() == list(range(10, 20))  # lives reach from 10 to 21
    assert middle.train.tolist() == [*range(7), *range(23, 30)]


@given(ROWS, st.integers(1, 5))
def test_walk_forward_passes_every_check(rows, folds):
    n, length, embargo = rows
    start, end = lives(n, length)
    for split in walk_forward(start, end, folds, embargo):
        assert check_split(split, start, end, embargo) == []


@given(ROWS, st.integers(2, 5))
def test_k_fold_passes_every_check_but_that_of_order(rows, folds):
    n, length, embargo = rows
    start, end = lives(n, length)
    splits = purged_k_fold(start, end, folds, embargo)
    assert np.concatenate([split.test for split in splits]).tolist() == list(range(n))
    for split in splits:
        assert check_split(split, start, end, embargo, walks_forward=False) == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"folds": 0}, "at least 1"),
        ({"folds": 2, "first_frac": 1.0}, "between 0 and 1"),
        ({"folds": 2, "embargo": -1}, "must not be negative"),
        ({"folds": 2, "embargo": 50}, "fold 1 of 2 has 0 rows to train on"),
    ],
)
def test_senseless_walk_is_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        walk_forward(*lives(20, 2), **arguments)


def test_nothing_to_split_is_refused():
    with pytest.raises(ValueError, match="must be rows"):
        split_at(np.zeros(0, np.int64), np.zeros(0, np.int64), 1)
    with pytest.raises(ValueError, match="at least 2"):
        purged_k_fold(*lives(20, 2), folds=1)
