"""Bitstamp V2."""
