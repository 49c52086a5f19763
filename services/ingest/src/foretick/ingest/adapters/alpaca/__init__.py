"""Alpaca, US stocks."""
