"""Labels look forward exactly one horizon, and never change when the future is appended."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from foretick.quant.labels import (
    DOWN,
    FLAT,
    UNKNOWN,
    UP,
    classify,
    label_barriers,
    label_next_events,
    label_vectors,
)


def test_return_and_class_over_two_steps():
    step = np.array([10, 11, 12, 13, 14])
    mid = np.array([100.0, 100.0, 100.0 * math.exp(2e-4), 100.0, 100.0 * math.exp(1e-4)])
    labels = label_vectors(step, mid, horizon_steps=2, flat_bps=1.5)
    np.testing.assert_allclose(labels.return_bps, [2.0, 0.0, -1.0, np.nan, np.nan], atol=1e-9)
    assert labels.direction.tolist() == [UP, FLAT, FLAT, UNKNOWN, UNKNOWN]
    assert labels.end.tolist() == [2, 3, 4, -1, -1]


def test_horizon_ends_at_the_first_vector_after_it_unless_that_is_twice_as_far():
    labels = label_vectors(np.array([0, 7, 17]), np.array([1.0, 1.0, 1.0]), horizon_steps=5, flat_bps=0.0)
    assert labels.end.tolist() == [1, -1, -1]  # 7 < 2 * 5; 17 - 7 = 10 is not


def test_missing_mid_at_either_end_is_unknown():
    labels = label_vectors(np.arange(4), np.array([np.nan, 1.0, 1.0, np.nan]), horizon_steps=1, flat_bps=0.0)
    assert labels.known.tolist() == [False, True, False, False]


def test_threshold_itself_is_flat():
    assert classify(np.array([-2.0, -1.0, 0.0, 1.0, 2.0]), 1.0).tolist() == [DOWN, FLAT, FLAT, FLAT, UP]


def test_nothing_is_labelled_nothing():
    assert len(label_vectors(np.empty(0, np.int64), np.empty(0), 5, 1.0).end) == 0


@pytest.mark.parametrize(
    ("step", "horizon_steps", "flat_bps"), [([0, 1], 0, 1.0), ([0, 1], 1, -1.0), ([1, 1], 1, 1.0), ([0, 1, 2], 1, 1.0)]
)
def test_senseless_argument_is_refused(step, horizon_steps, flat_bps):
    with pytest.raises(ValueError, match=r"must|match"):
        label_vectors(np.array(step), np.ones(2), horizon_steps, flat_bps)


@given(st.lists(st.tuples(st.integers(1, 9), st.floats(1, 2)), min_size=2, max_size=60), st.integers(1, 8), st.data())
def test_appended_future_changes_no_known_outcome(rows, horizon_steps, data):
    step, mid = np.cumsum([gap for gap, _ in rows]), np.array([price for _, price in rows])
    cut = data.draw(st.integers(0, len(rows)))
    past, whole = (label_vectors(step[:n], mid[:n], horizon_steps, 5.0) for n in (cut, len(rows)))
    known = past.known
    assert whole.end[:cut][known].tolist() == past.end[known].tolist()
    assert whole.direction[:cut][known].tolist() == past.direction[known].tolist()
    assert whole.return_bps[:cut][known].tobytes() == past.return_bps[known].tobytes()
    assert (whole.end[:cut][~known] >= cut).sum() + (whole.end[:cut][~known] == -1).sum() == (~known).sum()


def test_several_horizons_are_each_labelled_alone():
    step, mid = np.arange(4), np.array([1.0, 2.0, 4.0, 8.0])
    both = {horizon: label_vectors(step, mid, horizon, 0.0) for horizon in (1, 2)}
    np.testing.assert_allclose(both[2].return_bps[:2], 1e4 * math.log(4.0))
    assert both[1].end.tolist() == [1, 2, 3, -1]
    assert both[2].end.tolist() == [2, 3, -1, -1]


def barriers(mid, width_bps, horizon_steps, step=None):
    mid = np.array(mid)
    step = np.arange(len(mid)) if step is None else np.array(step)
    return label_barriers(step, mid, np.full(len(mid), width_bps), horizon_steps)


def bps(*moves):
    return 100.0 * np.exp(np.array(moves) / 1e4)


def test_first_barrier_touched_decides():
    labels = barriers(bps(0, 1, 3, -9, 0), 3.0 - 1e-9, 3)
    assert labels.direction[0] == UP
    assert labels.end[0] == 2
    np.testing.assert_allclose(labels.return_bps[0], 3.0)
    assert labels.direction[1] == DOWN  # 1 to 3 moves by 2 only
    assert labels.end[1] == 3


def test_horizon_without_a_touch_is_flat_with_the_return_at_its_end():
    labels = barriers(bps(0, 1, -1, 2, 50), 5.0, 3)
    assert (labels.direction[0], labels.end[0]) == (FLAT, 3)
    np.testing.assert_allclose(labels.return_bps[0], 2.0)


def test_path_that_is_not_seen_to_its_end_is_unknown_unless_a_barrier_was_touched_before():
    labels = barriers([*bps(0, 4, 0), np.nan, *bps(0, 0)], 3.0, 4)
    assert labels.direction.tolist() == [UP, DOWN, UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN]


def test_barrier_is_not_touched_after_the_horizon():
    labels = barriers(bps(0, 0, 9), 3.0, 3, step=[0, 1, 4])
    assert (labels.direction[0], labels.end[0]) == (FLAT, 2)  # the first vector at or after step 3 ends it


def test_barrier_without_a_width_is_refused():
    with pytest.raises(ValueError, match="must be positive"):
        barriers(bps(0, 1), 0.0, 1)


def test_mean_of_the_next_events_is_held_against_the_mid_now():
    mid = np.array([1.0, 2.0, 4.0, np.nan, 1.0, 1.0, 1.0])
    labels = label_next_events(mid, 2, 0.5)
    np.testing.assert_allclose(labels.return_bps[[0, 4]], [1e4 * math.log(3.0), 0.0])
    assert labels.direction.tolist() == [UP, UNKNOWN, UNKNOWN, UNKNOWN, FLAT, UNKNOWN, UNKNOWN]
    assert labels.end.tolist() == [2, -1, -1, -1, 6, -1, -1]


def test_fewer_events_than_the_horizon_are_unknown():
    assert not label_next_events(np.ones(3), 3, 0.0).known.any()
    with pytest.raises(ValueError, match="at least 1"):
        label_next_events(np.ones(3), 0, 0.0)
