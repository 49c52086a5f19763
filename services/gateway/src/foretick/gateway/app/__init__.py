"""Wiring, a module a role: ``feed`` imports nothing that only ``api`` needs."""
