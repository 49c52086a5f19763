"""Kraken, WebSocket v2."""
