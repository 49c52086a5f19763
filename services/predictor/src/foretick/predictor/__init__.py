"""Foretick: training and serving of the ensemble."""
