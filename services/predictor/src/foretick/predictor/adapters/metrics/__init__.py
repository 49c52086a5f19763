"""The predictor's figures, as Prometheus metrics."""
