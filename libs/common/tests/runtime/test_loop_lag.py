"""The loop's lag as metrics."""

import time

from foretick.common.runtime.loop_lag import LoopLag
from foretick.common.runtime.metrics import Metrics
from foretick.common.testing import eventually


def value(metrics: Metrics, line: str) -> float:
    lines = metrics.render()[0].decode().splitlines()
    return next(float(each.rpartition(" ")[2]) for each in lines if each.startswith(line))


async def test_blocked_loop_shows_by_how_long() -> None:
    metrics = Metrics()
    lag = LoopLag(metrics)
    lag.start()
    await eventually(lambda: value(metrics, "foretick_loop_lag_s_count") >= 2)
    time.sleep(0.5)  # noqa: ASYNC251 - the block is what is measured
    await eventually(lambda: value(metrics, "foretick_loop_lag_max_s") >= 0.4)
    assert value(metrics, "foretick_loop_lag_s_sum") >= value(metrics, "foretick_loop_lag_max_s") - 1e-6
    below = value(metrics, 'foretick_loop_lag_s_bucket{le="0.262144"}')
    assert below < value(metrics, "foretick_loop_lag_s_count")
