"""Asks the predictor on the bus."""
