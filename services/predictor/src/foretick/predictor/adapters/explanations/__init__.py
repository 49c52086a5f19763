"""Requests for explanations on the bus."""
