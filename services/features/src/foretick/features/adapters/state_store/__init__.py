"""Saved states of instruments."""
