"""Certificates and what is counted of their checks."""
