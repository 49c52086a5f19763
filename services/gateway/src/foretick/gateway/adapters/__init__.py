"""The outside things behind the ports."""
