"""Planted leaks, one at a time: every one is caught by the check that is meant for it, and no sound pipeline is."""

import numpy as np
import pytest

from foretick.quant.labels import label_barriers, label_next_events, label_vectors
from foretick.quant.validation import Leak, Split, purged_k_fold, split_at, walk_forward
from foretick.quant.validation import leaks as checks

from . import pipelines as p

WORLD = p.make_world()
SPLIT = walk_forward(WORLD.start, WORLD.end, folds=1, embargo=p.EMBARGO, first_frac=0.7)[0]
NAMES = ("told", "a", "b", "c", "symbol")
CUTS = tuple(np.random.default_rng(2).integers(60, p.N, 100).tolist())

LEAKY_TRANSFORMS = (
    p.future_shift, p.forward_return, p.centred_mean, p.z_score_of_all, p.min_max_of_all, p.rank_in_all, p.detrended,
    p.back_filled, p.interpolated, p.zero_phase, p.low_pass_of_all, p.bar_close_at_its_open,
    p.high_of_the_whole_session, p.pivots, p.components_of_all, p.nearest_of_a_slow_series,
)  # fmt: skip
LEAKY_FITS = {
    "scaler of all rows": p.fit_on(p.on_all, scale=True),
    "threshold of all rows": p.fit_on(p.on_all, threshold=True),
    "prior of all rows": p.fit_on(p.on_all, prior=True),
    "calibrated on the test": p.fit_on(p.on_test, calibration=True),
    "chosen on the test": p.fit_on(p.on_test, choice=True),
    "imputed from all rows": p.imputing_from_all,
    "features selected on all rows": p.selecting_on_all,
    "targets of all rows encoded": p.encoding_targets_of_all,
    "stopped on the test": p.stopping_on_test,
    "weighed on the test": p.weighing_on_test,
}


def shuffled() -> Split:
    order = np.random.default_rng(1).permutation(p.N)
    return Split(np.sort(order[:280]), np.sort(order[280:]))


LEAKY_SPLITS = {
    "shuffled rows": (shuffled(), "overlap"),
    "no purge": (Split(np.arange(280), np.arange(280, p.N)), "overlap"),
    "no embargo": (Split(np.arange(274), np.arange(280, p.N)), "embargo"),
    "future trains": (Split(np.arange(150, p.N), np.arange(100)), "order"),
    "a row in both": (Split(np.append(SPLIT.train, SPLIT.test[9]), SPLIT.test), "rows"),
}
PLANTED = len(LEAKY_TRANSFORMS) + len(LEAKY_FITS) + len(LEAKY_SPLITS) + 6


def found(leaks: list[Leak]) -> set[str]:
    return {leak.check for leak in leaks}


def test_at_least_thirty_leaks_are_planted():
    assert PLANTED >= 30


@pytest.mark.parametrize("transform", LEAKY_TRANSFORMS, ids=lambda one: one.__name__)
def test_transform_that_looks_ahead_is_caught(transform):
    assert found(checks.check_future(transform, WORLD.price, CUTS)) == {"future"}


@pytest.mark.parametrize("transform", [p.past_mean, p.past_scaled, p.forward_filled, p.ema, np.sqrt])
def test_transform_of_the_past_passes(transform):
    assert checks.check_future(transform, WORLD.price, CUTS) == []


def test_transform_that_drops_rows_is_caught():
    assert found(checks.check_future(lambda price: price[1:], WORLD.price, CUTS)) == {"future"}


@pytest.mark.parametrize("name", LEAKY_FITS)
def test_fit_that_looks_outside_its_training_rows_is_caught(name):
    rng = np.random.default_rng(3)
    assert found(checks.check_fit(LEAKY_FITS[name], WORLD.features, WORLD.outcome, SPLIT, rng)) == {"fit"}


def test_sound_fit_passes():
    rng = np.random.default_rng(3)
    assert checks.check_fit(p.sound_fit, WORLD.features, WORLD.outcome, SPLIT, rng) == []


@pytest.mark.parametrize("name", LEAKY_SPLITS)
def test_leaky_split_is_caught(name):
    split, check = LEAKY_SPLITS[name]
    assert check in found(checks.check_split(split, WORLD.start, WORLD.end, p.EMBARGO))


def test_split_by_symbol_at_the_same_instants_is_caught():
    """Instruments move together: the test's instants are in training under another name."""
    start, end = np.tile(WORLD.start, 2), np.tile(WORLD.end, 2)
    split = Split(np.arange(p.N), np.arange(p.N, 2 * p.N))
    assert "overlap" in found(checks.check_split(split, start, end))


@pytest.mark.parametrize(
    "split",
    [
        SPLIT,
        split_at(WORLD.start, WORLD.end, 200, p.EMBARGO),
        *walk_forward(WORLD.start, WORLD.end, folds=4, embargo=p.EMBARGO),
    ],
)
def test_sound_split_passes(split):
    assert checks.check_split(split, WORLD.start, WORLD.end, p.EMBARGO) == []
    assert checks.check_duplicates(WORLD.features, split) == []


def test_k_fold_is_told_to_train_on_the_future_unless_that_is_allowed():
    split = purged_k_fold(WORLD.start, WORLD.end, folds=4, embargo=p.EMBARGO)[1]
    assert found(checks.check_split(split, WORLD.start, WORLD.end, p.EMBARGO)) == {"order"}


@pytest.mark.parametrize("noise", [0.0, 0.7])
def test_target_among_the_features_is_caught(noise):
    rng = np.random.default_rng(5)
    planted = np.sign(WORLD.outcome) if noise else WORLD.outcome
    features = np.column_stack([WORLD.features, planted + noise * rng.normal(0, 1, p.N)])
    assert checks.check_target(features, WORLD.outcome, (*NAMES, "planted"))[0].detail.startswith("planted ")


def test_features_that_tell_a_little_pass():
    assert checks.check_target(WORLD.features, WORLD.outcome, NAMES) == []


def test_rows_copied_before_the_split_are_caught():
    features = WORLD.features.copy()
    features[SPLIT.test[:30]] = features[SPLIT.train[:30]]
    assert checks.check_duplicates(features, SPLIT)[0].detail.startswith("30 ")


def test_scores_normalised_over_the_test_are_caught():
    sound = p.sound_fit(WORLD.features, WORLD.outcome, SPLIT)

    def predict(rows):
        told = sound(rows)
        return (told - told.mean()) / (told.std() + 1.0)

    assert found(checks.check_batch(predict, WORLD.features[SPLIT.test])) == {"batch"}
    assert checks.check_batch(lambda rows: rows[:, 0] ** 2, WORLD.features[SPLIT.test]) == []


def test_value_from_after_its_row_is_caught():
    row_ns = np.arange(0, 5000, 100)
    restated = np.where(np.arange(50) == 20, row_ns + 1, row_ns)
    assert checks.check_known(restated, row_ns)[0].detail.endswith("row 20")
    assert checks.check_known(row_ns, row_ns) == []


@pytest.mark.parametrize("rule", ["vectors", "barriers", "events"])
def test_known_label_never_changes_with_the_future(rule):
    """The labels' own control: cut to what was known, no rule looks beyond the end that it names."""
    mid, step = WORLD.price, np.arange(p.N)

    def label(n: int):
        if rule == "vectors":
            return label_vectors(step[:n], mid[:n], p.HORIZON, 1.0)
        if rule == "barriers":
            return label_barriers(step[:n], mid[:n], np.full(n, 12.0), p.HORIZON)
        return label_next_events(mid[:n], p.HORIZON, 1.0)

    whole = label(p.N)
    for cut in CUTS:
        past = label(cut)
        known = past.known
        assert known.sum() >= cut - p.HORIZON
        assert whole.return_bps[:cut][known].tobytes() == past.return_bps[known].tobytes()
        assert (whole.direction[:cut][known] == past.direction[known]).all()
        assert (past.end[known] < cut).all()
