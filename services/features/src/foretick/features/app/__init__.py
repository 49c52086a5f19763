"""Wiring, a module a role: ``correlate`` is spared the compiled kernel."""
