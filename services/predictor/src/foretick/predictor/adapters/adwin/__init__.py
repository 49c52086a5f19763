"""ADWIN, from river."""
