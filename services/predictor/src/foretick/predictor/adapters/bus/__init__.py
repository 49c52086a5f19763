"""The data plane, as the predictor writes to it."""
