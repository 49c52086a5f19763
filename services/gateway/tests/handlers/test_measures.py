"""The latency waterfall as Prometheus sees it."""

from prometheus_client.parser import text_string_to_metric_families

from foretick.common.runtime.metrics import Metrics
from foretick.common.testing.builders import T0_NS, prediction
from foretick.gateway.domain.board import Board
from foretick.gateway.handlers.measures import Measures


def samples(metrics: Metrics) -> dict[tuple[str, str, str], float]:
    """Every sample of the exposition text by name, stage and bucket."""
    text = metrics.render()[0].decode()
    return {
        (sample.name, sample.labels.get("stage", ""), sample.labels.get("le", "")): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_stages_are_histograms_in_seconds(board: Board):
    metrics = Metrics("gateway")
    Measures(metrics, board)
    board.fold(
        prediction(
            ts_ingest_ns=T0_NS, ts_frame_sent_ns=T0_NS + 80_000, ts_frame_taken_ns=T0_NS + 380_000,
            ts_vector_sent_ns=T0_NS + 5_380_000, ts_vector_taken_ns=None, ts_sent_ns=T0_NS + 9_000_000,
        ),
        T0_NS + 8_000_000,
    )  # fmt: skip
    board.waterfall.serve(1, T0_NS, T0_NS + 250_000)
    told = samples(metrics)
    name = "foretick_gateway_stage_seconds"
    assert told[f"{name}_sum", "features", ""] == 0.005
    assert told[f"{name}_bucket", "features", "0.0025"] == 0
    assert told[f"{name}_bucket", "features", "0.005"] == told[f"{name}_bucket", "features", "+Inf"] == 1
    assert told[f"{name}_bucket", "ingest", "5e-05"] == 0
    assert told[f"{name}_bucket", "ingest", "0.0001"] == 1
    assert told[f"{name}_count", "gateway", ""] == 1
    assert told[f"{name}_count", "to_predictor", ""] == 0
    assert told["foretick_gateway_stage_unstamped_total", "to_predictor", ""] == 1
    assert told["foretick_gateway_stage_skew_total", "to_gateway", ""] == 1
    assert told["foretick_gateway_stage_skew_total", "whole", ""] == 0
    assert told["foretick_gateway_prediction_latency_seconds_sum", "", ""] == 0.008


def test_histogram_goes_on_counting_while_the_minute_forgets(board: Board):
    metrics = Metrics("gateway")
    Measures(metrics, board)
    for second in (0, 120):
        at_ns = T0_NS + second * 1_000_000_000
        board.fold(prediction(asof_seq=1 + second, ts_ingest_ns=at_ns - 1_000), at_ns)
    assert samples(metrics)["foretick_gateway_prediction_latency_seconds_count", "", ""] == 2
    assert board.waterfall.data(T0_NS + 120_000_000_000).count == 1
