"""Wiring, a module a role: each ``build`` joins adapters, domain and bus, and returns."""
