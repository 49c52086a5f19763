"""Bars in, correlations out."""
