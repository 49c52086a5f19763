"""Features, labels and model inference: pure, and the same for live, replay and training."""
