"""The window against the sums over its rows (``tallies``), scikit-learn's Brier score, and itself after many turns."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import brier_score_loss

from foretick.quant.scoring.tallies import brier_rows, expected_calibration_error, reliability_columns
from foretick.quant.scoring.window import ReliabilityWindow, Told

outcomes = st.lists(
    st.tuples(st.integers(0, 2), st.integers(0, 2**31), st.integers(0, 2), st.sampled_from([True, False, None])),
    min_size=1,
    max_size=80,
)


def rows_of(story):
    """Return groups, probabilities (n, 3) and classes of an arbitrary story."""
    odds = np.array([np.random.default_rng(seed).dirichlet([1.0, 1.0, 1.0]) for _, seed, _, _ in story])
    return np.array([group for group, *_ in story]), odds, np.array([came for _, _, came, _ in story])


def fill(window, story):
    _, odds, came = rows_of(story)
    brier = brier_rows(odds, came)
    for (group, _, direction, held), row, squares in zip(story, odds, brier, strict=True):
        window.add(Told(group, float(row.max()), int(row.argmax()) == direction, float(squares), held))


@given(outcomes, st.integers(1, 50))
def test_window_equals_the_tallies_of_its_rows(story, capacity):
    window = ReliabilityWindow(capacity, groups=3)
    fill(window, story)
    latest = story[-capacity:]
    groups, odds, came = rows_of(latest)
    for chosen in ((), (0,), (1, 2)):
        inside = np.isin(groups, chosen) if chosen else np.full(len(groups), True)
        found = window.read(*chosen)
        assert found.count == inside.sum()
        judged = [held for (group, _, _, held) in latest if held is not None and (not chosen or group in chosen)]
        assert (found.intervals, found.coverage_frac) == (len(judged), np.mean(judged) if judged else None)
        if not found.count:
            assert (found.brier, found.ece_frac, set(found.bin_accuracy_frac)) == (None, None, {None})
            continue
        columns = reliability_columns(odds[inside], came[inside]).sum(axis=0)
        assert found.ece_frac == pytest.approx(float(expected_calibration_error(columns)), abs=1e-11)
        assert found.bin_count == columns[:10].astype(int).tolist()
        expected = brier_score_loss(came[inside], odds[inside], labels=[0, 1, 2], scale_by_half=False)
        assert found.brier == pytest.approx(expected, abs=1e-11)


def test_what_has_left_the_window_leaves_nothing_behind():
    """After 10^5 outcomes of odd sizes the sums are those of a window that has only seen the last seven."""
    rng = np.random.default_rng(3)
    turned, fresh = ReliabilityWindow(7, groups=2), ReliabilityWindow(7, groups=2)
    for number in range(100_000):
        told = Told(
            number % 2, float(rng.uniform(1 / 3, 1)), bool(rng.integers(2)), float(rng.uniform(0, 2)), held=True
        )
        turned.add(told)
        if number >= 100_000 - 7:
            fresh.add(told)
    assert turned.read() == fresh.read()
    assert turned.read(1) == fresh.read(1)


def test_calibration_error_by_hand():
    """Two of 0.8 with one right, two of 0.6, both right: (|1.6 - 1| + |1.2 - 2|) / 4 = 0.35."""
    window = ReliabilityWindow(10, groups=1)
    for confidence, is_right in ((0.8, True), (0.8, False), (0.6, True), (0.6, True)):
        window.add(Told(0, confidence, is_right, 0.5, held=None))
    found = window.read()
    assert found.ece_frac == pytest.approx(0.35)
    assert (found.bin_count[6], found.bin_count[8], found.brier, found.coverage_frac) == (2, 2, 0.5, None)
    assert found.bin_accuracy_frac[8] == 0.5
    assert found.bin_confidence_frac[6] == pytest.approx(0.6)


@pytest.mark.parametrize(("capacity", "groups"), [(0, 1), (1, 0)])
def test_window_for_nothing_is_refused(capacity, groups):
    with pytest.raises(ValueError, match="capacity"):
        ReliabilityWindow(capacity, groups)
