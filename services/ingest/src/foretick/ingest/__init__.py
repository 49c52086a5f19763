"""Ingest: market data from venues, recordings or a simulated exchange onto the bus, and from there to the database."""
