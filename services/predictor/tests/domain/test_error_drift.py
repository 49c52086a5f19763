"""Error drift: ADWIN is river's own, quiet on stationary losses, loud on a planted rise."""

import subprocess
import sys

import numpy as np
import pytest
from river.drift import ADWIN

from foretick.common.testing.builders import outcome
from foretick.predictor.adapters.adwin.client import Adwin
from foretick.predictor.domain.life.error_drift import WORST_LOSS_NATS, ErrorDrift


def test_detector_is_rivers():
    rng = np.random.default_rng(1)
    ours, theirs = Adwin(0.002), ADWIN(delta=0.002, clock=1)
    changes = 0
    for value in np.concatenate([rng.beta(2, 8, 800), rng.beta(4, 6, 400)]):
        theirs.update(value)
        changes += theirs.drift_detected
        assert ours.update(float(value)) is theirs.drift_detected
        assert ours.mean == pytest.approx(theirs.estimation)
    assert changes >= 1


def test_importing_it_does_not_import_rivers_drift():
    code = "import sys, foretick.predictor.app; sys.exit('river.drift' if 'river.drift' in sys.modules else 0)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=60)
    assert done.stderr.strip() == ""


def run(losses, stretch=2):
    watch = ErrorDrift(Adwin(), stretch)
    for step, loss in enumerate(losses):
        watch.add(outcome(step=step, log_loss=float(loss)))
    return watch


def losses(rng, count, mean):
    return np.clip(rng.gamma(4.0, mean / 4.0, count), 0.0, 10.0)


def test_stationary_losses_raise_no_alarm_beyond_the_level():
    """ADWIN's delta is .002: in 50 histories of 2,000 numbers more than 2 alarms would come once in 5,000 tries."""
    rng = np.random.default_rng(2)
    assert sum(run(losses(rng, 4_000, 1.0)).is_alarm for _ in range(50)) <= 2


def test_planted_rise_is_an_alarm_and_a_fall_is_not():
    rng = np.random.default_rng(3)
    calm = losses(rng, 2_000, 0.9)
    assert run(np.concatenate([calm, losses(rng, 1_000, 1.3)])).is_alarm
    assert not run(np.concatenate([calm, losses(rng, 1_000, 0.5)])).is_alarm


def test_loss_is_told_in_nats_and_bounded():
    watch = run([1.0, 2.0, 50.0, 50.0, 1.0])
    assert watch.stretches == 2
    assert watch.loss_nats == pytest.approx((1.5 + WORST_LOSS_NATS) / 2)
