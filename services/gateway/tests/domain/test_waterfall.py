"""The latency waterfall: stages that add up, clocks that disagree, instants that are missing."""

import random
from itertools import accumulate
from statistics import median
from typing import Any

import pytest

from foretick.common.contracts import Prediction
from foretick.common.testing.builders import T0_NS, prediction
from foretick.common.units import NS_PER_S, NS_PER_US
from foretick.gateway.domain.payloads import Stage
from foretick.gateway.domain.waterfall import BOUNDS_US, UPSTREAM, Waterfall

INSTANTS = (
    "ts_ingest_ns", "ts_frame_sent_ns", "ts_frame_taken_ns", "ts_vector_sent_ns", "ts_vector_taken_ns", "ts_sent_ns",
)  # fmt: skip


def told(stages_us: list[int], **fields: Any) -> tuple[Prediction, int]:
    """A prediction whose stages took ``stages_us``, and when it arrived."""
    *instants, arrived_ns = accumulate(
        (stage_us * NS_PER_US for stage_us in stages_us), initial=T0_NS
    )  # the first instant is ingest's
    return prediction(**(dict(zip(INSTANTS, instants, strict=True)) | fields)), arrived_ns


def of(waterfall: Waterfall, stage: Stage) -> Any:
    return next(one for one in waterfall.data(T0_NS).stages if one.stage is stage)


def test_stages_are_told_in_order_and_each_by_its_own_instants():
    waterfall = Waterfall()
    waterfall.take(*told([10, 200, 3_000, 40, 500, 6_000]))
    data = waterfall.data(T0_NS)
    assert [one.stage for one in data.stages] == list(Stage)
    for one, wanted_us in zip(data.stages, (10, 200, 3_000, 40, 500, 6_000), strict=False):
        assert one.p50_us == pytest.approx(wanted_us, rel=0.05), one.stage
        assert one.p99_us == one.p50_us
    assert data.p50_us == pytest.approx(9_750, rel=0.012)
    assert data.count == 1


def test_stages_of_many_predictions_add_up_to_the_whole_and_have_their_medians():
    rng = random.Random(5)
    waterfall, drawn = Waterfall(), []
    for _ in range(2_000):
        stages_us = [round(rng.lognormvariate(5 + place, 0.5)) for place in range(len(UPSTREAM))]
        drawn.append(stages_us)
        waterfall.take(*told(stages_us))
    sums_ns = [waterfall.stages[stage].sum_ns for stage in UPSTREAM]
    assert sum(sums_ns) == waterfall.whole.sum_ns == sum(map(sum, drawn)) * NS_PER_US
    for stage, durations_us in zip(UPSTREAM, zip(*drawn, strict=True), strict=True):
        assert of(waterfall, stage).p50_us == pytest.approx(median(durations_us), rel=0.03)


def test_stage_that_ran_backwards_is_counted_and_left_out():
    waterfall = Waterfall()
    early, arrived_ns = told([10, 200, 300, 40, 500, 60])
    ahead = prediction(
        **{name: getattr(early, name) for name in INSTANTS} | {"ts_vector_sent_ns": early.ts_vector_taken_ns + 1}
    )
    waterfall.take(ahead, arrived_ns)
    skewed = of(waterfall, Stage.TO_PREDICTOR)
    assert (skewed.skewed, skewed.p50_us) == (1, None)
    assert [one.skewed for one in waterfall.data(T0_NS).stages if one.stage is not Stage.TO_PREDICTOR] == [0] * 6
    assert (waterfall.data(T0_NS).skewed, waterfall.data(T0_NS).count) == (0, 1)


def test_prediction_from_a_clock_ahead_of_ours_is_not_a_latency_of_zero():
    waterfall = Waterfall()
    one, arrived_ns = told([10, 10, 10, 10, 10, 10])
    waterfall.take(one, arrived_ns - NS_PER_S)
    data = waterfall.data(T0_NS)
    assert (data.skewed, data.count, data.p50_us) == (1, 0, None)
    assert of(waterfall, Stage.TO_GATEWAY).skewed == 1


def test_missing_instant_leaves_out_the_stages_beside_it_only():
    waterfall = Waterfall()
    waterfall.take(*told([10, 200, 300, 40, 500, 60], ts_vector_taken_ns=None))
    missing = {one.stage for one in waterfall.data(T0_NS).stages if one.unstamped}
    assert missing == {Stage.TO_PREDICTOR, Stage.PREDICTOR}
    assert of(waterfall, Stage.TO_GATEWAY).p50_us == pytest.approx(60, rel=0.02)


def test_age_counts_from_the_last_prediction_and_the_window_forgets():
    waterfall = Waterfall()
    assert waterfall.data(T0_NS).age_us is None
    one, arrived_ns = told([10, 10, 10, 10, 10, 10])
    waterfall.take(one, arrived_ns)
    data = waterfall.data(arrived_ns + 61 * NS_PER_S)
    assert (data.age_us, data.count, data.p50_us, data.stages[0].p50_us) == (61_000_000, 0, None, None)


def test_bucket_bounds_are_inclusive():
    waterfall = Waterfall()
    waterfall.serve(2, 0, BOUNDS_US[1] * NS_PER_US)
    waterfall.serve(1, 0, BOUNDS_US[1] * NS_PER_US + 1)
    waterfall.serve(1, 0, BOUNDS_US[-1] * NS_PER_US + 1)
    buckets = waterfall.stages[Stage.GATEWAY].buckets
    assert (buckets[1], buckets[2], buckets[-1], sum(buckets)) == (2, 1, 1, 4)
