"""The simulated market as training data."""
