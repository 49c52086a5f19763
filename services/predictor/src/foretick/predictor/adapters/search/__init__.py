"""The search over sizes."""
