"""Files of events as training data."""
