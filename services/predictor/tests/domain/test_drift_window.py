"""The sliding window against a reference: what it takes, when it speaks, what it finds."""

import msgspec
import numpy as np
import pytest

from foretick.common.testing.builders import T0_NS, feature_vector
from foretick.common.units import NS_PER_S
from foretick.predictor.domain.life.window import DriftWindow, Reference, make_reference

NAMES = ("calm", "moved")
SYMBOLS = ("BTCUSDT", "ETHUSDT")


def walk(rng, n, rho=0.9):
    values = np.empty(n)
    values[0] = rng.normal()
    for at in range(1, n):
        values[at] = rho * values[at - 1] + np.sqrt(1 - rho**2) * rng.normal()
    return values


def training(seed=1, n=4_000):
    rng = np.random.default_rng(seed)
    values = np.array([np.concatenate([walk(rng, n) for _ in SYMBOLS]) for _ in NAMES], np.float32).T
    return make_reference(NAMES, values, np.repeat(SYMBOLS, n), seed=1)


@pytest.fixture(scope="module")
def reference():
    return training()


def fill(window, seed, shift, seconds=900, start_s=0):
    rng = np.random.default_rng(seed)
    for symbol in SYMBOLS:
        calm, moved = walk(rng, seconds), shift + walk(rng, seconds)
        for second in range(seconds):
            at_ns = T0_NS + (start_s + second) * NS_PER_S
            values = [0.0, float(moved[second]), float(calm[second])]
            window.add(feature_vector(values, symbol=symbol, ts_recv_ns=at_ns))


def window_on(reference, **changes):
    return DriftWindow(reference, columns=(2, 1), **({"length_s": 900.0} | changes))


def test_reference_is_the_same_for_the_same_rows_and_small(reference):
    assert msgspec.json.encode(reference) == msgspec.json.encode(training())
    assert len(reference.rows) == 1_000
    assert msgspec.json.decode(msgspec.json.encode(reference), type=Reference) == reference


def test_reference_knows_what_its_rows_are_worth(reference):
    """8,000 rows of an AR(1) with .9 are worth 8,000 (1 - .9) / (1 + .9) = 421."""
    assert reference.effective_rows == pytest.approx([421, 421], rel=0.4)


def test_planted_shift_is_found_and_only_it(reference):
    window = window_on(reference)
    fill(window, seed=2, shift=2.0)
    found = {one.name: one.is_alarm for one in window.look()}
    assert found == {"moved": True, "calm": False}
    assert window.look()[0].name == "moved"


def test_stationary_seeds_raise_no_alarm_beyond_the_level(reference):
    """60 looks at 1 % over both features: more than 3 would come once in 300 such tests."""
    alarms = 0
    for seed in range(60):
        window = window_on(reference)
        fill(window, seed=100 + seed, shift=0.0)
        alarms += any(one.is_alarm for one in window.look())
    assert alarms <= 3


def test_feature_that_is_left_out_is_not_compared(reference):
    window = window_on(reference, left_out=("moved",))
    fill(window, seed=2, shift=2.0)
    assert [(one.name, one.is_alarm) for one in window.look()] == [("calm", False)]


def test_what_is_older_than_the_window_is_forgotten(reference):
    window = window_on(reference)
    fill(window, seed=2, shift=2.0)
    fill(window, seed=3, shift=0.0, start_s=900)
    assert len(window) == 1_800
    assert not any(one.is_alarm for one in window.look())


def test_too_little_is_no_verdict(reference):
    window = window_on(reference, least_s=300.0)
    fill(window, seed=2, shift=9.0, seconds=299)
    assert (window.look(), len(window)) == ([], 598)


def test_one_whole_vector_a_second_counts(reference):
    window = window_on(reference)
    for values, warm in (([0.0, 1.0, None], True), ([0.0, 1.0, 1.0], False), ([0.0, 1.0, 1.0], True)):
        window.add(feature_vector(values, ts_recv_ns=T0_NS, warm=warm))
        window.add(feature_vector(values, ts_recv_ns=T0_NS + 1, warm=warm))
    assert len(window) == 1
