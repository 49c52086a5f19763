"""Recordings in the place of a venue."""
