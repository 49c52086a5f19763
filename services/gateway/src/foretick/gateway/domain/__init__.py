"""What the gateway knows and how it tells it: pure."""
