"""Connections to venues: one socket, the pool of them, what is asked for, and how much may be asked."""
